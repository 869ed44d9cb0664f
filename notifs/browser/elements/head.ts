/** The head of the inbox: how much is unread, and what is wrong just now. */
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";

import type { Connection } from "../core/connection";
import { icon } from "./icons";
import { copiedAt } from "../offline/copy";
import { t } from "../words";

export interface HeadContext {
  readonly level: number;
  /** Null while it is not known. */
  readonly unread: number | null;
  readonly connection: Connection | null;
  readonly markAllRead: () => void;
}

export function head(context: HeadContext): TemplateResult {
  const isSignedOut = context.connection?.status.name === "signed-out";
  return html`<header class="head" part="header">
    <div class="page-title" part="title" id="title" role="heading" aria-level=${context.level}>
      <slot name="title">${t("inbox.title")}</slot>
    </div>
    ${isSignedOut ? nothing : controls(context)}
    <slot name="header"></slot>
  </header>`;
}

/** Whoever presses a button that turns itself off would lose the focus: it only says that it is off. */
function controls({ unread, connection, markAllRead }: HeadContext): TemplateResult {
  const told = unread === null ? "" : unread > 0 ? t("inbox.unread", { n: unread }) : t("inbox.nothing_unread");
  return html`<button
      class="button quiet"
      part="mark-all"
      type="button"
      aria-disabled=${!unread}
      @click=${() => unread && markAllRead()}
    >
      ${t("inbox.mark_all_read")}
    </button>
    <p class="summary" part="summary">${trouble(connection) ?? told}</p>`;
}

function trouble(connection: Connection | null): TemplateResult | null {
  if (connection === null) return null;
  const { status, degraded, waiting } = connection;
  const kept = waiting > 0 ? t("inbox.waiting", { n: waiting }) : "";
  const isAway = status.name === "reconnecting";
  if (!isAway && degraded === null && kept === "") return null;
  const why = isAway ? unreachable(status.retryAt) : degraded === null ? "" : t("inbox.degraded");
  return html`<span class="trouble" role="status">${icon("warning")} ${why} ${kept}</span>`;
}

/** Seconds are for the eye only: a screen reader would count them aloud. */
function unreachable(retryAt: number): TemplateResult {
  const time = copiedAt();
  if (time !== null) return html`${t("offline.copy", { time })}`;
  if (!navigator.onLine) return html`${t("inbox.offline")}`;
  const seconds = Math.ceil((retryAt - Date.now()) / 1000);
  const words = t("inbox.unreachable");
  if (seconds <= 0) return html`${words}`;
  const shown = t("inbox.unreachable_in", { n: seconds });
  return html`<span class="hidden">${words}</span><span aria-hidden="true">${shown}</span>`;
}

/** One notification in a list. web/templates/row.html draws the same with forms. */
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";
import { classMap } from "lit/directives/class-map.js";

import { avatar } from "./avatar";
import { icon } from "./icons";
import type { IconName } from "./icons";
import { leaves, safeLink } from "./links";
import { isUnread } from "../core/state";
import { ago, exact } from "./time";
import type { Notification } from "../core/wire";
import { t } from "../words";
import type { Word } from "../words";

export type RowAct = "mark_read" | "mark_unread" | "archive" | "unarchive";

export interface RowContext {
  readonly now: number;
  readonly headingLevel: number;
  readonly pending: ReadonlySet<string>;
  /** Why the last act on a row was refused. */
  readonly refusals: ReadonlyMap<string, string>;
  readonly act: (act: RowAct, id: string) => void;
}

type RowControl = Exclude<RowAct, "snooze" | "unsnooze">;

/** `slot` names the place, so that the focus finds it again when the button in it has changed. */
const CONTROLS: Record<RowControl, { slot: "read" | "archive"; icon: IconName; label: Word }> = {
  mark_read: { slot: "read", icon: "check", label: "row.mark_read" },
  mark_unread: { slot: "read", icon: "unread", label: "row.mark_unread" },
  archive: { slot: "archive", icon: "archive", label: "row.archive" },
  unarchive: { slot: "archive", icon: "unarchive", label: "row.unarchive" },
};

export function row(notification: Notification, context: RowContext): TemplateResult {
  const { id, created_at, priority } = notification;
  const isBusy = context.pending.has(id);
  const classes = { row: true, unread: isUnread(notification), urgent: priority === "urgent", busy: isBusy };
  const refusal = context.refusals.get(id);
  return html`<li class=${classMap(classes)} data-id=${id} aria-busy=${isBusy}>
    <span class="dot" aria-hidden="true"></span>
    ${avatar(notification)}
    <div class="what">
      <div class="line">
        ${heading(notification, context.headingLevel)}
        <time datetime=${created_at} title=${exact(created_at)}>${ago(created_at, context.now)}</time>
      </div>
      <div class="line">
        <div class="words">
          ${notification.body ? html`<p class="body">${notification.body}</p>` : nothing}
          ${refusal === undefined ? nothing : html`<p class="refusal" role="alert">${icon("warning")} ${refusal}</p>`}
        </div>
        <div class="controls">${actsFor(notification).map((act) => control(act, notification, context))}</div>
      </div>
    </div>
  </li>`;
}

/** `words`, leading to where the notification does: by way of the server, which marks it as read, while it is unread. */
export function linked(notification: Notification, words: unknown): unknown {
  const url = safeLink(notification.url);
  if (url === null) return words;
  const href = isUnread(notification) ? (safeLink(notification.mark_read) ?? url) : url;
  return html`<a href=${href} rel=${leaves(url) ? "noopener noreferrer" : nothing} data-slot="title">${words}</a>`;
}

/** An archived one is done with: it can only come back. */
function actsFor({ read_at, archived_at }: Notification): RowControl[] {
  if (archived_at !== null) return ["unarchive"];
  return [read_at === null ? "mark_read" : "mark_unread", "archive"];
}

function heading(notification: Notification, level: number): TemplateResult {
  const words = html`${isUnread(notification) ? html`<span class="hidden">${t("row.unread")} </span>` : nothing}${
    notification.priority === "urgent" ? html`<span class="flag">${t("row.urgent")}</span> ` : nothing
  }${notification.title}`;
  return html`<div class="title" role="heading" aria-level=${level}>
    ${linked(notification, words)}
  </div>`;
}

/** Busy ones stay focusable: a disabled button would lose the focus. */
function control(act: RowControl, { id, title }: Notification, { pending, act: ask }: RowContext): TemplateResult {
  const { slot, icon: name, label } = CONTROLS[act];
  const words = t(label);
  return html`<button
    class="icon-button"
    type="button"
    data-slot=${slot}
    title=${words}
    aria-label=${t("row.act_on", { act: words, title })}
    aria-disabled=${pending.has(id)}
    @click=${() => !pending.has(id) && ask(act, id)}
  >
    ${icon(name)}
  </button>`;
}

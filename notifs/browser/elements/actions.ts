/** Buttons that a notification brings. They lead somewhere or ask something of its sender, and never by being drawn. */
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";

import type { Action, Notification } from "../core/wire";
import { icon } from "./icons";
import type { NotifsInbox } from "./inbox";
import { leaves, safeLink } from "./links";
import { t } from "../words";

/** Below our mount: what is done there with a person's cookies is theirs to do, and never a sender's to ask for. */
const OURS = /^\/(?:account|admin|api|hooks|login|logout|notifications|notifs|reset)(?:\/|$)/;

/** How the last press of a button went. */
export type Press = "busy" | "done" | "failed";

export interface ActionContext {
  readonly host: NotifsInbox;
  /** By `keyOf`. */
  readonly presses: ReadonlyMap<string, Press> | undefined;
  readonly press: (notification: Notification, action: Action) => void;
}

export function actions(notification: Notification, context: ActionContext): TemplateResult | typeof nothing {
  const shown = notification.actions.filter((action) => isAllowed(action, context.host));
  if (shown.length === 0) return nothing;
  const hasFailed = shown.some((action) => context.presses?.get(keyOf(notification, action)) === "failed");
  return html`<div class="actions" part="actions">
    ${shown.map((action) => button(notification, action, context))}
    <span role="status">${hasFailed ? t("action.failed") : nothing}</span>
  </div>`;
}

/** Of one notification's button. */
export function keyOf({ id }: Notification, { method, url, label }: Action): string {
  return JSON.stringify([id, method, url, label]);
}

function button(notification: Notification, action: Action, { presses, press }: ActionContext): TemplateResult {
  const { label, url, method, style } = action;
  const look = `button small ${style}`;
  if (method !== "POST") {
    const rel = leaves(url) ? "noopener noreferrer" : nothing;
    return html`<a class=${look} part="action" href=${url} rel=${rel}>${label}</a>`;
  }
  const state = presses?.get(keyOf(notification, action));
  const sign = state === "busy" ? html`<span class="spinner"></span>` : state === "done" ? icon("check") : nothing;
  return html`<button
    class=${look}
    part="action"
    type="button"
    aria-busy=${state === "busy"}
    aria-disabled=${state === "busy" || state === "done"}
    @click=${() => press(notification, action)}
  >
    ${sign}${label}
  </button>`;
}

function isAllowed({ url, method }: Action, { base, actionHosts }: NotifsInbox): boolean {
  if (safeLink(url) === null) return false;
  const { origin, pathname } = new URL(url, location.href);
  if (method !== "POST") return true;
  return origin === location.origin ? !isOurs(base, pathname) : actionHosts.split(" ").includes(origin);
}

/** However the path is written: a server, or a proxy before it, may read it as its plainest form. */
function isOurs(base: string, pathname: string): boolean {
  try {
    const plain = decodeURIComponent(pathname).replace(/[\\/]+/g, "/");
    const path = new URL(location.origin + plain).pathname;
    const below = new URL(base, location.origin).pathname.replace(/\/$/, "");
    return path.startsWith(below) && OURS.test(path.slice(below.length));
  } catch {
    return true; // its percent signs are no UTF-8
  }
}

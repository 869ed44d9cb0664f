/** Buttons that a notification brings. They lead somewhere or ask something of its sender, and never by being drawn. */
import { html, nothing } from "lit";
import type { ReactiveControllerHost, TemplateResult } from "lit";

import type { Action, Notification } from "../core/wire";
import { tell } from "./events";
import { icon } from "./icons";
import { leaves, safeLink } from "./links";
import { t } from "../words";

const PATIENCE = 20_000;
/** Below our mount: what is done there with a person's cookies is theirs to do, and never a sender's to ask for. */
const OURS = /^\/(?:account|admin|api|hooks|login|logout|notifications|notifs|reset)(?:\/|$)/;

export class Actions {
  /** How the last press of each went. */
  private readonly states = new Map<string, "busy" | "done" | "failed">();

  /** `done` is told of what has worked; `hosts` are origins, with spaces between them, that a POST may go to. */
  constructor(
    private readonly host: ReactiveControllerHost & HTMLElement & { readonly base: string },
    private readonly hosts: () => string,
    private readonly done: (notification: Notification, action: Action) => void,
  ) {}

  render(notification: Notification): TemplateResult | typeof nothing {
    const shown = notification.actions.filter((action) => this.isAllowed(action));
    if (shown.length === 0) return nothing;
    const hasFailed = shown.some((action) => this.states.get(keyOf(notification, action)) === "failed");
    return html`<div class="actions" part="actions">
      ${shown.map((action) => this.button(notification, action))}
      <span role="status">${hasFailed ? t("action.failed") : nothing}</span>
    </div>`;
  }

  private button(notification: Notification, action: Action): TemplateResult {
    const { label, url, method, style } = action;
    const look = `button small ${style}`;
    if (method !== "POST") {
      const rel = leaves(url) ? "noopener noreferrer" : nothing;
      return html`<a class=${look} part="action" href=${url} rel=${rel}>${label}</a>`;
    }
    const state = this.states.get(keyOf(notification, action));
    const sign = state === "busy" ? html`<span class="spinner"></span>` : state === "done" ? icon("check") : nothing;
    return html`<button
      class=${look}
      part="action"
      type="button"
      aria-busy=${state === "busy"}
      aria-disabled=${state === "busy" || state === "done"}
      @click=${() => void this.press(notification, action)}
    >
      ${sign}${label}
    </button>`;
  }

  private async press(notification: Notification, action: Action): Promise<void> {
    const key = keyOf(notification, action);
    if (this.states.get(key) === "busy" || this.states.get(key) === "done") return;
    if (!tell(this.host, "notifs-action", { notification, action })) return;
    this.set(key, "busy");
    const isDone = await post(action.url, notification.id);
    this.set(key, isDone ? "done" : "failed");
    if (isDone) this.done(notification, action);
  }

  private set(key: string, state: "busy" | "done" | "failed"): void {
    this.states.set(key, state);
    this.host.requestUpdate();
  }

  private isAllowed({ url, method }: Action): boolean {
    if (safeLink(url) === null) return false;
    const { origin, pathname } = new URL(url, location.href);
    if (method !== "POST") return true;
    return origin === location.origin ? !isOurs(this.host.base, pathname) : this.hosts().split(" ").includes(origin);
  }
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

/**
 * Returns whether it worked. Our cookies go to our own host only, and not on from there to another; JSON is what no
 * form of another site's page could send (CSRF).
 */
async function post(url: string, notification: string): Promise<boolean> {
  const mode = new URL(url, location.href).origin === location.origin ? "same-origin" : "cors";
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ notification });
  const signal = AbortSignal.timeout(PATIENCE);
  const asked = fetch(url, { method: "POST", mode, credentials: "same-origin", headers, body, signal });
  return asked.then(({ ok }) => ok, () => false);
}

function keyOf({ id }: Notification, { method, url, label }: Action): string {
  return JSON.stringify([id, method, url, label]);
}

/** What is asked of a notification's sender, by its buttons. */
import { keyOf } from "./actions";
import type { Press } from "./actions";
import type { Action, Notification } from "../core/wire";
import { tell } from "./events";
import type { NotifsInbox } from "./inbox";

const PATIENCE = 20_000;

export class Asks {
  presses: ReadonlyMap<string, Press> = new Map();

  /** `done` is told of what has worked. */
  constructor(
    private readonly host: NotifsInbox,
    private readonly done: (notification: Notification, action: Action) => void,
  ) {}

  async press(notification: Notification, action: Action): Promise<void> {
    const key = keyOf(notification, action);
    if (this.presses.get(key) === "busy" || this.presses.get(key) === "done") return;
    if (!tell(this.host, "notifs-action", { notification, action })) return;
    this.set(key, "busy");
    const isDone = await post(action.url, notification.id);
    this.set(key, isDone ? "done" : "failed");
    if (isDone) this.done(notification, action);
  }

  private set(key: string, press: Press): void {
    this.presses = new Map([...this.presses, [key, press]]);
    this.host.requestUpdate();
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

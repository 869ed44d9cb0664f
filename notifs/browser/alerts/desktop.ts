/** Notifications of the desktop's own, for when nobody looks at a page of ours. */
import { t } from "../words";
import type { Notification as Row } from "../core/wire";

/** More at once become one with their number, in toasts as well. */
export const MOST_SHOWN = 3;
const BURST = "burst";

/** Whether this browser has them, and for this page. */
export function hasDesktop(): boolean {
  return "Notification" in globalThis && isSecureContext;
}

export class Desktop {
  private readonly shown = new Map<string, Notification>();
  private burst = 0;

  /** `scope` tells the tags of two mailboxes apart, whoever's they are by now. `go` opens what a row leads to; without one, the inbox. */
  constructor(
    private readonly scope: () => string,
    private readonly go: (row?: Row) => void,
  ) {}

  get isAllowed(): boolean {
    return hasDesktop() && Notification.permission === "granted";
  }

  show(rows: readonly Row[]): void {
    const count = (this.burst || this.shown.size) + rows.length;
    if (count <= MOST_SHOWN) return rows.forEach((row) => this.raise(row.id, row.title, row.body ?? "", row));
    for (const id of this.shown.keys()) if (id !== BURST) this.close(id);
    this.burst = count;
    this.raise(BURST, t("toasts.burst", { n: count }));
  }

  /** Close those that have been read elsewhere, and their number once nothing `isNew`. */
  keep(isCurrent: (id: string) => boolean, isNew: boolean): void {
    for (const id of this.shown.keys()) if (id === BURST ? !isNew : !isCurrent(id)) this.close(id);
  }

  private raise(id: string, title: string, body = "", row?: Row): void {
    try {
      // With the same tag a later one takes the place of an earlier one. The sound is ours, if there is to be one.
      const shown = new Notification(title, { body, tag: `${this.scope()} ${id}`, silent: true });
      this.shown.set(id, shown);
      shown.onclick = () => {
        this.close(id);
        focus();
        this.go(row);
      };
      shown.onclose = () => this.shown.get(id) === shown && this.close(id);
    } catch {
      // Browsers of phones have the constructor and throw: there it takes a service worker.
    }
  }

  private close(id: string): void {
    const shown = this.shown.get(id);
    this.shown.delete(id);
    if (id === BURST) this.burst = 0;
    shown?.close();
  }
}

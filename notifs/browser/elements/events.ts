/** What elements tell their page. Events bubble out of every shadow root; those that say so can be prevented. */
import type { Action, Notification, Query, RowAct } from "../core/wire";

export interface Events {
  /** This tab, and no other of this browser, alerts of these; prevent it to alert of them yourself. */
  "notifs-alert": { readonly notifications: readonly Notification[] };
  /** Somebody follows a notification's link; prevent it to lead them yourself. */
  "notifs-open": { readonly notification: Notification };
  /** Somebody acts on notifications; prevent it, and nothing happens. */
  "notifs-act": {
    readonly act: RowAct | "mark_all_read";
    readonly ids: readonly string[];
    readonly until?: Date | undefined;
  };
  /** Somebody presses a button of a notification's own that asks for a POST; prevent it, and nothing is sent. */
  "notifs-action": { readonly notification: Notification; readonly action: Action };
  /** Another tab, filter or search is shown. */
  "notifs-query": Query;
  /** Other rows are picked. */
  "notifs-select": { readonly ids: readonly string[] };
}

type Told = { [Name in keyof Events]: CustomEvent<Events[Name]> };

declare global {
  interface HTMLElementEventMap extends Told {}
}

/** Returns whether to go on: false if somebody has prevented it. */
export function tell<Name extends keyof Events>(host: HTMLElement, name: Name, detail: Events[Name]): boolean {
  return host.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true }));
}

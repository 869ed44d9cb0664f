/** The rows that an inbox lists: those of one query, as far as they are loaded, by day. */
import type { ReactiveControllerHost } from "lit";

import type { Connection } from "../core/connection";
import { byDay } from "./entries";
import type { Day, Entry } from "./entries";
import { keysOf } from "./list";
import { Memo } from "../core/memo";
import { EMPTY, view, windowOf } from "../core/state";
import type { State } from "../core/state";
import type { Window } from "../core/windows";
import type { Notification, Query } from "../core/wire";
import { reason } from "../words";

export class Listing {
  query: Query = { filter: "unread" };
  days: readonly Day[] = [];
  entries: readonly Entry[] = [];
  /** Of everything in the list, as `Offsets` wants them. */
  keys: readonly string[] = [];
  isLoading = false;
  /** Why the last attempt to load more has failed. */
  failure: string | null = null;
  private rows: readonly Notification[] = [];
  private opened: ReadonlySet<string> = new Set();
  private readonly reckoned = new Memo<void>();

  constructor(private readonly host: ReactiveControllerHost & { readonly connection: Connection | null }) {}

  get state(): State {
    return this.host.connection?.shown ?? EMPTY;
  }

  get window(): Window {
    return windowOf(this.state, this.query);
  }

  /** Nothing there, and nothing that is not loaded. */
  get isEmpty(): boolean {
    return this.rows.length === 0 && this.window.complete;
  }

  ask(query: Query): void {
    this.query = query;
    this.failure = null;
  }

  /** `opened` groups have their rows beneath them. Again only if something has changed: many rows take their time. */
  reckon(opened = this.opened): void {
    const now = Date.now();
    const from = [view(this.state, this.query), opened, new Date(now).getDate()] as const;
    this.reckoned.get(from, () => {
      [this.rows, this.opened] = from;
      this.days = byDay(this.rows, now, opened, this.days);
      this.entries = this.days.flatMap(({ entries }) => entries);
      this.keys = keysOf(this.days);
    });
  }

  entry(key: string | undefined): Entry | undefined {
    return this.entries.find((each) => each.key === key);
  }

  /** Whether more of a group may be further down than what is loaded: only of the last day. */
  isPartial({ key }: Entry): boolean {
    const isLast = this.days.at(-1)?.entries.some((each) => each.key === key) ?? false;
    return isLast && !this.window.complete;
  }

  async load(): Promise<void> {
    const { connection } = this.host;
    const { query } = this;
    if (this.isLoading || connection === null) return;
    this.isLoading = true;
    try {
      await connection.fetch(query);
    } catch (error) {
      if (query === this.query) this.failure = reason(error);
    }
    this.isLoading = false;
    this.host.requestUpdate();
  }

  readonly tryAgain = (): void => {
    this.failure = null;
    this.host.connection?.retryNow();
    void this.load();
  };

  /** What failed while the server was away is tried again now that it is back. */
  forgetFailure(): void {
    if (this.host.connection?.status.name === "live" && !this.isLoading) this.failure = null;
  }
}

/** The rows that an inbox lists: those of one query, as far as they are loaded, by day. */
import type { ReactiveControllerHost } from "lit";

import type { Connection } from "../core/connection";
import { byDay } from "./entries";
import type { Day, Entry } from "./entries";
import { keysOf } from "./list";
import { Memo } from "../core/memo";
import { EMPTY, view, windowOf } from "../core/state";
import type { State } from "../core/state";
import { keyOf } from "../core/windows";
import type { Window } from "../core/windows";
import type { Notification, Query } from "../core/wire";
import { reason } from "../words";

export class Listing {
  query: Query = { filter: "unread" };
  days: readonly Day[] = [];
  entries: readonly Entry[] = [];
  /** Of everything in the list, as `Offsets` wants them. */
  keys: readonly string[] = [];
  /** Why the last attempt to load more has failed. */
  failure: string | null = null;
  private readonly loads = new Set<string>();
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

  get isLoading(): boolean {
    return this.loads.has(keyOf(this.query));
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

  /** Whether more of a group may be further down than what is loaded: only of the day that is reached, and before. */
  isPartial({ key }: Entry): boolean {
    const last = this.rows.at(-1);
    const reached = this.days.findIndex(({ rows }) => rows.at(-1) === last);
    const isBelow = this.days.slice(reached).some(({ entries }) => entries.some((each) => each.key === key));
    return isBelow && !this.window.complete;
  }

  async load(): Promise<void> {
    const { connection } = this.host;
    const { query } = this;
    if (this.isLoading || connection === null) return;
    const key = keyOf(query);
    this.loads.add(key);
    try {
      await connection.fetch(query);
    } catch (error) {
      if (query === this.query) this.failure = reason(error);
    }
    this.loads.delete(key);
    this.host.requestUpdate();
  }

  readonly tryAgain = (): void => {
    this.failure = null;
    this.host.connection?.retryNow();
    void this.load();
  };

  /** What failed while the server was away is tried again now that it is back. */
  forgetFailure(): void {
    const { name } = this.host.connection?.status ?? {};
    if ((name === "live" || name === "polling") && !this.isLoading) this.failure = null;
  }
}

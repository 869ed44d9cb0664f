/**
 * All rows that this page knows, by id and newest first; never changed, only taken further into new ones.
 *
 * A message into ten thousand rows must not cost a copy and a sort of all: the rows by id are a large map that is
 * shared, and a small one of what is newer; the order is taken over, and every change finds its place in it.
 */
import type { Notification, Row } from "./wire";

const MOST_RECENT = 256;

export class Rows {
  static readonly NONE = new Rows(new Map(), new Map(), []);

  private constructor(
    private readonly base: ReadonlyMap<string, Row>,
    private readonly recent: ReadonlyMap<string, Row>,
    /** Those that are not taken back, newest first. */
    readonly newest: readonly Notification[],
  ) {}

  get(id: string): Row | undefined {
    return this.recent.get(id) ?? this.base.get(id);
  }

  /** How many there are, those that were taken back included; or a few more. */
  get size(): number {
    return this.base.size + this.recent.size;
  }

  /** From the newest down to this position. */
  downTo(position: number): readonly Notification[] {
    const end = place(this.newest, position - 1);
    return end === this.newest.length ? this.newest : this.newest.slice(0, end);
  }

  /** The row, unless it is unknown or was taken back. */
  live(id: string): Notification | undefined {
    const row = this.get(id);
    return row?.retracted === true ? undefined : row;
  }

  /** With these in the place of those of the same ids. */
  with(incoming: readonly Row[]): Rows {
    if (incoming.length === 0) return this;
    const recent = new Map(this.recent);
    const newest = [...this.newest];
    for (const row of incoming) {
      const before = recent.get(row.id) ?? this.base.get(row.id);
      recent.set(row.id, row);
      const known = before !== undefined && before.retracted !== true;
      const position = known ? before.position : row.retracted === true ? null : row.position;
      if (position === null) continue;
      newest.splice(place(newest, position), Number(known), ...(row.retracted === true ? [] : [row]));
    }
    return recent.size > MOST_RECENT
      ? new Rows(new Map([...this.base, ...recent]), new Map(), newest)
      : new Rows(this.base, recent, newest);
  }

  /** Only the newest so many, and none of those that were taken back. */
  first(count: number): Rows {
    const newest = this.newest.slice(0, count);
    return new Rows(new Map(newest.map((row) => [row.id, row])), new Map(), newest);
  }

  /** Everything that is known, in no order. */
  all(): Row[] {
    return [...new Map([...this.base, ...this.recent]).values()];
  }
}

/** Where the row of this position is, or would be. */
function place(newest: readonly Notification[], position: number): number {
  let [from, to] = [0, newest.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((newest[middle] as Notification).position > position) from = middle + 1;
    else to = middle;
  }
  return from;
}

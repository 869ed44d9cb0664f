/** The rows that were picked, to act on all of them at once. */
import type { Entry } from "./entries";

export class Selection {
  private picked = new Set<string>();
  /** The entry that a range goes on from. */
  private last: string | null = null;

  get ids(): ReadonlySet<string> {
    return this.picked;
  }

  has({ rows }: Entry): boolean {
    return rows.every(({ id }) => this.picked.has(id));
  }

  /** Pick an entry, or let it go; `isRange`: and everything between it and the one before likewise. */
  toggle(entry: Entry, entries: readonly Entry[], isRange = false): void {
    const isPicked = !this.has(entry);
    // By its key: the list may have been put together anew since it was drawn, or since a menu was opened from it.
    const here = entries.findIndex(({ key }) => key === entry.key);
    const there = isRange ? entries.findIndex(({ key }) => key === this.last) : -1;
    const [from, to] = there < 0 ? [here, here] : [Math.min(here, there), Math.max(here, there)];
    const ids = new Set(entries.slice(from, to + 1).flatMap(({ rows }) => rows.map(({ id }) => id)));
    const others = [...this.picked].filter((id) => !ids.has(id));
    this.set(isPicked ? [...others, ...ids] : others);
    this.last = entry.key;
  }

  /** Another set: by that rows are drawn again. */
  set(ids: Iterable<string>): void {
    this.picked = new Set(ids);
  }

  /** What is no longer in the list is no longer picked. Returns whether anything of it was. */
  keep(entries: readonly Entry[]): boolean {
    if (this.picked.size === 0) return false;
    const there = new Set(entries.flatMap(({ rows }) => rows.map(({ id }) => id)));
    const left = [...this.picked].filter((id) => there.has(id));
    const isLess = left.length < this.picked.size;
    if (isLess) this.set(left);
    return isLess;
  }
}

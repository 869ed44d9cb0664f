/** The rows that an act is under way for: from the click until the state shows what came of it. */
import type { Cursor } from "./wire";

export class Pending {
  private readonly rows = new Map<string, Cursor | null>();

  get ids(): ReadonlySet<string> {
    return new Set(this.rows.keys());
  }

  /** Asked for; `until` is the cursor that the answer named, once there is one. */
  add(ids: readonly string[], until: Cursor | null): void {
    for (const id of ids) this.rows.set(id, until);
  }

  drop(ids: readonly string[]): void {
    for (const id of ids) this.rows.delete(id);
  }

  clear(): void {
    this.rows.clear();
  }

  settle(isReached: (cursor: Cursor) => boolean): void {
    for (const [id, until] of this.rows) if (until !== null && isReached(until)) this.rows.delete(id);
  }
}

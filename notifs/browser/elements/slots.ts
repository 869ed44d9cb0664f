/**
 * Which elements stand for what is drawn of a list: as long as something is drawn, the same ones. What is no longer drawn
 * leaves its own to what comes: to fill one anew takes half the time that it takes to make one.
 */
import type { Slots } from "./list";

export class Reused implements Slots {
  private slots: ReadonlyMap<string, string> = new Map();
  private readonly inside = new Map<string, Reused>();
  private next = 0;

  /** `isFree`: whether what was drawn of that key may be taken for another. */
  constructor(private readonly isFree: (key: string) => boolean) {}

  readonly lay = (keys: readonly string[]): void => {
    const { slots, inside } = this;
    const drawn = new Set(keys);
    const free = [...slots].filter(([key]) => !drawn.has(key) && this.isFree(key)).map(([, slot]) => slot);
    const comes = keys.filter((key) => !slots.has(key));
    const isDown = comes.length < keys.length && slots.has(keys[0] ?? "");
    // The first that went is the last that comes, and the other way round: then `repeat` moves no others for them.
    if (isDown) comes.reverse();
    else if (comes.length < keys.length) free.reverse();
    const taken = new Map(comes.map((key) => [key, free.shift() ?? this.fresh(key)]));
    this.slots = new Map(keys.map((key) => [key, slots.get(key) ?? taken.get(key) ?? key]));
    const used = new Set(this.slots.values());
    for (const slot of inside.keys()) if (!used.has(slot)) inside.delete(slot);
  };

  readonly of = (key: string): string => this.slots.get(key) ?? key;

  readonly within = (key: string): Slots => {
    const slot = this.of(key);
    const slots = this.inside.get(slot) ?? new Reused(this.isFree);
    this.inside.set(slot, slots);
    return slots;
  };

  /** The first time as it was called by its key. */
  private fresh(key: string): string {
    return this.slots.size === 0 ? key : `${key} ${(this.next += 1)}`;
  }
}

/** Where everything in a long list is, of which only a part has ever been drawn and measured. In pixels. */

/** What a row is taken for until it is measured. */
const ROW = 66;
const HEADING = 32;

export class Offsets {
  /** The rows' keys, from the top; "" is a day's heading. */
  keys: readonly string[] = [];
  private heading = HEADING;
  private readonly known = new Map<string, number>();
  private heights = new Float64Array(0);
  private starts = new Float64Array(1);
  /** From here on the starts are no longer true. */
  private stale = Infinity;

  get total(): number {
    return this.start(this.keys.length);
  }

  lay(keys: readonly string[]): void {
    if (keys === this.keys) return;
    this.keys = keys;
    this.heights = new Float64Array(keys.length);
    this.starts = new Float64Array(keys.length + 1);
    for (let n = 0; n < keys.length; n++) this.heights[n] = this.heightOf(keys[n] as string);
    this.stale = 0;
  }

  /** The height that a row turned out to have, or a heading; `near` is an index that is not below it. */
  measured(key: string, height: number, near: number): void {
    if (height <= 0 || height === this.heightOf(key)) return;
    if (key === "") {
      this.heading = height;
      this.heights.forEach((_, n) => this.keys[n] === "" && (this.heights[n] = height));
      this.stale = 0;
      return;
    }
    this.known.set(key, height);
    const index = this.indexOf(key, near);
    if (index < 0) return;
    this.heights[index] = height;
    this.stale = Math.min(this.stale, index);
  }

  /** Everything will be of another height: the list's width has changed. */
  forget(): void {
    const { keys } = this;
    this.known.clear();
    this.keys = [];
    this.lay(keys);
  }

  /** Where an item begins; the one after the last is where the list ends. */
  start(index: number): number {
    this.freshen();
    return this.starts[index] ?? 0;
  }

  /** The row's place, or -1; `near`, where it is known not to be above that, saves a search. */
  indexOf(key: string, near = 0): number {
    return this.keys.indexOf(key, near);
  }

  /** The items from the one at `top` through the one at `bottom`: their indices, the second exclusive. */
  between(top: number, bottom: number): [from: number, to: number] {
    return [this.at(top), Math.min(this.at(bottom) + 1, this.keys.length)];
  }

  /** The last item that begins at or above `y`. */
  private at(y: number): number {
    let low = 0;
    let high = this.keys.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.start(middle) <= y) low = middle;
      else high = middle - 1;
    }
    return Math.max(0, Math.min(low, this.keys.length - 1));
  }

  private freshen(): void {
    const { heights, starts, stale } = this;
    this.stale = Infinity;
    for (let n = stale; n < heights.length; n++) starts[n + 1] = (starts[n] as number) + (heights[n] as number);
  }

  private heightOf(key: string): number {
    return key === "" ? this.heading : (this.known.get(key) ?? ROW);
  }
}

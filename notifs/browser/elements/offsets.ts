/** Where everything in a long list is, of which only a part has ever been drawn and measured. In pixels. */

/** What a row is taken for until it is measured. */
const ROW = 66;
const HEADING = 32;

export class Offsets {
  /** The rows' keys, from the top; "" is a day's heading. */
  keys: readonly string[] = [];
  heading = HEADING;
  private readonly heights = new Map<string, number>();
  private starts: Float64Array = new Float64Array(1);

  get total(): number {
    return this.start(this.keys.length);
  }

  lay(keys: readonly string[]): void {
    this.keys = keys;
    this.starts = new Float64Array(keys.length + 1);
    let start = 0;
    for (const [index, key] of keys.entries()) {
      start += key === "" ? this.heading : (this.heights.get(key) ?? ROW);
      this.starts[index + 1] = start;
    }
  }

  measured(key: string, height: number): void {
    if (height > 0) this.heights.set(key, height);
  }

  /** Everything will be of another height: the list's width has changed. */
  forget(): void {
    this.heights.clear();
  }

  /** Where an item begins; the one after the last is where the list ends. */
  start(index: number): number {
    return this.starts[index] ?? 0;
  }

  /** Where the row begins, or undefined if there is none. */
  of(key: string): number | undefined {
    const index = this.keys.indexOf(key);
    return index < 0 ? undefined : this.start(index);
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
}

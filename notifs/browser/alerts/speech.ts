/** What a screen reader is told of arrivals: one sentence, and then none for a while, however many arrive. */
import { Timer } from "../core/timer";

/** Milliseconds for a sentence to be heard before the next one. */
const BUDGET = 5_000;
/** What is said again is heard again only if it was gone in between. */
const GAP = 100;

export class Speech {
  /** For a polite live region; empty when all was said. */
  text = "";
  private waiting: string[] = [];
  private readonly next = new Timer(() => this.speak());

  /** `sentence` puts what has arrived, by its titles, into words. */
  constructor(
    private readonly sentence: (titles: readonly string[]) => string,
    private readonly changed: () => void,
  ) {}

  say(titles: readonly string[]): void {
    this.waiting.push(...titles);
    if (!this.next.running) this.speak();
  }

  stop(): void {
    this.next.stop();
    this.waiting = [];
    this.text = "";
  }

  private speak(): void {
    const titles = this.waiting.splice(0);
    const text = titles.length > 0 ? this.sentence(titles) : "";
    const isAgain = text !== "" && text === this.text;
    if (isAgain) this.waiting = titles;
    this.text = isAgain ? "" : text;
    if (text !== "") this.next.set(isAgain ? GAP : BUDGET);
    this.changed();
  }
}

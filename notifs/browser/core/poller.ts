/** Asks every few seconds, never twice at once: answers that overtake each other would take the state back. */
import { Timer } from "./timer";

export class Poller {
  private readonly timer = new Timer(() => void this.ask());
  private asking = false;
  private askAgain = false;

  /** `poll` says whether to go on. */
  constructor(
    private readonly poll: () => Promise<boolean>,
    private readonly every: number,
  ) {}

  get running(): boolean {
    return this.asking || this.timer.running;
  }

  async ask(): Promise<void> {
    this.askAgain = this.asking;
    if (this.asking) return;
    this.timer.stop();
    this.asking = true;
    const goOn = await this.poll();
    this.asking = false;
    if (this.askAgain) return this.ask();
    if (goOn) this.timer.set(this.every);
  }

  stop(): void {
    this.timer.stop();
    this.askAgain = false;
  }
}

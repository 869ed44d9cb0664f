/** Asks every few seconds, never twice at once: answers that overtake each other would take the state back. */
import { Timer } from "./timer";

export class Poller {
  private readonly timer = new Timer(() => void this.ask());
  private asking: Promise<void> | null = null;
  private askAgain = false;

  /** `poll` says whether to go on. */
  constructor(
    private readonly poll: () => Promise<boolean>,
    private readonly every: number,
  ) {}

  get running(): boolean {
    return this.asking !== null || this.timer.running;
  }

  /** Resolves when what is there now was told. */
  ask(): Promise<void> {
    if (this.asking !== null) this.askAgain = true;
    return (this.asking ??= this.run());
  }

  stop(): void {
    this.timer.stop();
    this.askAgain = false;
  }

  private async run(): Promise<void> {
    let goesOn = false;
    this.timer.stop();
    do {
      this.askAgain = false;
      goesOn = await this.poll();
    } while (this.askAgain);
    this.asking = null;
    if (goesOn) this.timer.set(this.every);
  }
}

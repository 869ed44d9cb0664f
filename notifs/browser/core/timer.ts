/** One timeout that can be set again, brought forward and stopped. */
export class Timer {
  private handle: ReturnType<typeof setTimeout> | undefined;
  private due = Infinity;

  constructor(private readonly ring: () => void) {}

  get running(): boolean {
    return this.handle !== undefined;
  }

  /** Ring after `wait` milliseconds, or earlier if that was agreed already. */
  set(wait: number): void {
    const due = Date.now() + wait;
    if (due >= this.due) return;
    this.stop();
    this.due = due;
    this.handle = setTimeout(() => this.now(), wait);
  }

  now(): void {
    this.stop();
    this.ring();
  }

  stop(): void {
    clearTimeout(this.handle);
    this.handle = undefined;
    this.due = Infinity;
  }
}

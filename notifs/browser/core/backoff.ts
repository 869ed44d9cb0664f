/** Longer and longer waits, each with jitter, so that a thousand pages do not come back in the same instant. */
export class Backoff {
  private failures = 0;

  constructor(
    private readonly shortest: number,
    private readonly longest: number,
    private readonly random: () => number = Math.random,
  ) {}

  /** How long to wait after one more failure, in milliseconds. */
  next(): number {
    const wait = Math.min(this.longest, this.shortest * 2 ** this.failures);
    this.failures += 1;
    return wait * (0.5 + this.random());
  }

  reset(): void {
    this.failures = 0;
  }
}

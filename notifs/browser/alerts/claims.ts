/**
 * Which of a person's tabs alerts of what: exactly one of each, whatever opens, closes or hides meanwhile.
 *
 * A tab takes what it is to alert of, under a lock that all tabs share (Web Locks), from a list that they share. A tab
 * that is looked at takes at once. One that is not leaves it to those that are, and looks a moment later whether they
 * did; if there are none, the first one takes. So nobody has to lead, and nobody has to notice that a leader is gone.
 */
import { keep, read } from "./kept";

/** Milliseconds that a tab which is looked at has, to take what is new. */
const GRACE = 1_000;
/** After so many it is no news: the timers of hidden tabs may run a minute late. */
const LATE = 10_000;
/** For how long it is known what was taken: longer than anybody may be late. */
const KNOWN = 30_000;
const MOST_KNOWN = 2_000;

export class Claims {
  /** None on a page without TLS. */
  private readonly locks: LockManager | null = navigator.locks ?? null;
  private leave: (() => void) | null = null;
  private readonly look = (): void => {
    this.leave?.();
    this.leave = null;
    if (isHidden()) return;
    const looking = new Promise<void>((resolve) => (this.leave = resolve));
    void this.locks?.request(this.looking, { mode: "shared" }, () => looking);
  };

  /** `scope` names the mailbox, in words that no other user of the page's origin has. */
  constructor(private readonly scope: string) {}

  /** Begin to say whether this tab is looked at. Returns the way to stop. */
  open(): () => void {
    document.addEventListener("visibilitychange", this.look);
    this.look();
    return () => {
      document.removeEventListener("visibilitychange", this.look);
      this.leave?.();
    };
  }

  /** Those of `keys` that this tab is to alert of. */
  async take(keys: readonly string[]): Promise<string[]> {
    // Without locks two tabs could take the same; the one that is looked at is at least the only one that shows it.
    if (this.locks === null) return isHidden() ? [] : this.claim(keys);
    if (isHidden() && (await this.isLookedAt())) {
      const since = Date.now();
      await new Promise((resolve) => setTimeout(resolve, GRACE));
      if (Date.now() - since > LATE) return [];
    }
    return this.locks.request(`${this.scope} claim`, () => this.claim(keys));
  }

  /** Whether a tab with this mailbox is looked at: this one or another. */
  async isLookedAt(): Promise<boolean> {
    if (!isHidden() || this.locks === null) return !isHidden();
    const { held = [] } = await this.locks.query();
    return held.some(({ name }) => name === this.looking);
  }

  private get looking(): string {
    return `${this.scope} looking`;
  }

  private claim(keys: readonly string[]): string[] {
    const now = Date.now();
    const known = Object.entries(read(this.scope)).filter(([, at]) => Math.abs(now - Number(at)) < KNOWN);
    const taken = new Set(known.map(([key]) => key));
    const mine = keys.filter((key) => !taken.has(key));
    if (mine.length === 0) return mine;
    const more = mine.map((key): [string, unknown] => [key, now]);
    keep(this.scope, Object.fromEntries([...known, ...more].slice(-MOST_KNOWN)));
    return mine;
  }
}

export function isHidden(): boolean {
  return document.hidden;
}

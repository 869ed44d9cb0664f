/**
 * Which of a person's tabs alerts of what: exactly one of each, whatever opens, closes or hides meanwhile.
 *
 * What a tab is to alert of it takes by a lock of that name (Web Locks): only one can have it. A tab that is looked at
 * takes at once. One that is not leaves it to those that are, and looks a moment later whether they did; if there are
 * none, the first one takes. So nobody has to lead, and nobody has to notice that a leader is gone.
 *
 * A lock goes with its tab, though, and others may be about to look: so who takes says so to all, and they remember.
 *
 * What browsers keep for all tabs would not do: a tab may read it before it hears what another has written.
 */

/** Milliseconds that a tab which is looked at has, to take what is new. */
const GRACE = 1_000;
/** After so many it is no news: the timers of hidden tabs may run a minute late. */
const LATE = 10_000;
/** For how long nobody else takes it: longer than anybody may be late. */
const TAKEN = 30_000;

export class Claims {
  /** None on a page without TLS. */
  private readonly locks: LockManager | null = navigator.locks ?? null;
  /** By which the tabs tell each other what they take. */
  private readonly others: BroadcastChannel;
  /** What others have taken. */
  private readonly gone = new Set<string>();
  private leave: (() => void) | null = null;
  /** What is claimed from then on would be shown by nobody. */
  private isClosed = false;
  private readonly look = (): void => {
    this.leave?.();
    this.leave = null;
    if (isHidden()) return;
    const looking = new Promise<void>((resolve) => (this.leave = resolve));
    void this.locks?.request(this.looking, { mode: "shared" }, () => looking);
  };

  /** `scope` names the place of the mailbox, in words that no other user of the page's origin has. */
  constructor(private readonly scope: string) {
    this.others = new BroadcastChannel(`${scope} taken`);
    this.others.onmessage = ({ data }: MessageEvent<string>) => this.remember(data);
  }

  /** Begin to say whether this tab is looked at. Returns the way to stop. */
  open(): () => void {
    document.addEventListener("visibilitychange", this.look);
    this.look();
    return () => {
      document.removeEventListener("visibilitychange", this.look);
      this.leave?.();
      this.isClosed = true;
      this.others.close();
    };
  }

  /** Those of `keys` that this tab is to alert `person` of. Each is taken by itself: tabs hear of them in other parts. */
  async take(person: string | null, keys: readonly string[]): Promise<string[]> {
    // Two that are looked at at once would both alert; of those that are hidden, none.
    if (this.locks === null) return isHidden() ? [] : [...keys];
    if (isHidden() && (await this.isLookedAt())) {
      const since = Date.now();
      await new Promise((resolve) => setTimeout(resolve, GRACE));
      if (this.isClosed || Date.now() - since > LATE) return [];
    }
    const taken = await Promise.all(keys.map((key) => this.claim(`${person ?? ""} ${key}`)));
    return keys.filter((_, place) => taken[place]);
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

  private claim(key: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const decide = (lock: Lock | null): Promise<void> | void => {
        const isMine = lock !== null && !this.isClosed && !this.gone.has(key);
        resolve(isMine);
        if (!isMine) return;
        this.others.postMessage(key);
        return new Promise((release) => setTimeout(release, TAKEN));
      };
      this.locks?.request(`${this.scope} ${key}`, { ifAvailable: true }, decide).catch(reject);
    });
  }

  private remember(key: string): void {
    this.gone.add(key);
    setTimeout(() => this.gone.delete(key), TAKEN);
  }
}

export function isHidden(): boolean {
  return document.hidden;
}

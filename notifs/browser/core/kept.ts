/**
 * Acts that have no answer yet, kept in the browser, so that they outlive the page.
 *
 * Each page keeps its own under a lock that goes with it (Web Locks); whoever comes after takes them over. Those of
 * another person are dropped: what somebody did is never sent as somebody else. Nor is what is older than a week:
 * nobody remembers it.
 */
import type { Asked } from "./overlay";
import { ACTS } from "./wire";

/** In milliseconds. */
const WEEK = 7 * 24 * 60 * 60 * 1_000;

export class Kept {
  private readonly key: string;
  private readonly leaving = new AbortController();

  /**
   * `adopt` gets what a page has left that is gone, now or when it goes. Null where nothing can be kept, which takes
   * TLS for the locks: who cannot tell whether a page is gone would send what that page sends itself.
   */
  static open(base: string, person: string, adopt: (acts: readonly Asked[]) => void): Kept | null {
    const locks = navigator.locks as LockManager | undefined | null;
    const storage = storageOf();
    return locks && storage ? new Kept(locks, storage, `notifs.acts ${base} `, person, adopt) : null;
  }

  private constructor(
    private readonly locks: LockManager,
    private readonly storage: Storage,
    all: string,
    person: string,
    adopt: (acts: readonly Asked[]) => void,
  ) {
    const ours = `${all}${person} `;
    this.key = ours + Math.random().toString(36).slice(2);
    const { signal } = this.leaving;
    this.whenFree(this.key, () => new Promise((resolve) => signal.addEventListener("abort", resolve)));
    for (const key of Object.keys(storage).filter((each) => each.startsWith(all))) {
      if (key.startsWith(ours)) this.whenFree(key, () => adopt(this.take(key)));
      else storage.removeItem(key);
    }
  }

  save(acts: readonly Asked[]): void {
    try {
      if (acts.length === 0) this.storage.removeItem(this.key);
      else this.storage.setItem(this.key, JSON.stringify(acts.map(({ act, body, since }) => ({ act, body, since }))));
    } catch {
      // There is no room: then they live as long as the page.
    }
  }

  /** What is kept is for the next one, and what others leave from now on is not for us. */
  close(): void {
    this.leaving.abort();
  }

  private take(key: string): Asked[] {
    const text = this.storage.getItem(key) ?? "[]";
    this.storage.removeItem(key);
    try {
      return (JSON.parse(text) as Partial<Asked>[]).filter(isAsked);
    } catch {
      return [];
    }
  }

  private whenFree(name: string, then: () => unknown): void {
    const { signal } = this.leaving;
    // One that was granted is not taken back any more.
    const work = async (): Promise<void> => void (signal.aborted || (await then()));
    void this.locks.request(name, { signal }, work).catch(() => undefined);
  }
}

function isAsked(kept: Partial<Asked>): kept is Asked {
  const { act, body, since } = kept;
  const isKnown = Object.hasOwn(ACTS, String(act)) && typeof body === "object" && body !== null;
  return isKnown && Date.parse(String(since)) > Date.now() - WEEK;
}

/** Null where the page may keep nothing. */
function storageOf(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

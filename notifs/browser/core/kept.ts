/**
 * Acts that wait for a server, kept in the browser, so that they outlive the page.
 *
 * Each page keeps its own under a lock that goes with it (Web Locks); whoever comes after takes them over. Those of
 * another person are dropped: what somebody did is never sent as somebody else.
 */
import type { Asked } from "./overlay";
import { ACTS } from "./wire";

export class Kept {
  private readonly key: string;
  private leave: () => void = () => undefined;

  /** `adopt` gets what a page has left that is gone, now or when it goes. */
  constructor(base: string, person: string, adopt: (acts: readonly Asked[]) => void) {
    const all = `notifs.acts ${base} `;
    const ours = `${all}${person} `;
    this.key = ours + Math.random().toString(36).slice(2);
    for (const key of Object.keys(storage() ?? {}).filter((each) => each.startsWith(all))) {
      if (!key.startsWith(ours)) storage()?.removeItem(key);
      else whenFree(key, () => adopt(take(key)));
    }
    whenFree(this.key, () => new Promise<void>((resolve) => (this.leave = resolve)));
  }

  save(acts: readonly Asked[]): void {
    try {
      if (acts.length === 0) storage()?.removeItem(this.key);
      else storage()?.setItem(this.key, JSON.stringify(acts.map(({ act, body, since }) => ({ act, body, since }))));
    } catch {
      // There is no room: then they live as long as the page.
    }
  }

  /** What is kept is for the next one. */
  close(): void {
    this.leave();
  }
}

function take(key: string): Asked[] {
  const text = storage()?.getItem(key) ?? "[]";
  storage()?.removeItem(key);
  try {
    const acts = JSON.parse(text) as Partial<Asked>[];
    return acts.filter((each): each is Asked => Object.hasOwn(ACTS, String(each.act)) && typeof each.body === "object");
  } catch {
    return [];
  }
}

/** Null where the page may keep nothing. */
function storage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

function whenFree(name: string, then: () => unknown): void {
  // Not in pages without TLS.
  const locks = navigator.locks as LockManager | undefined | null;
  if (locks) void locks.request(name, async () => void (await then())).catch(() => undefined);
  else void then();
}

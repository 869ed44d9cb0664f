/** What the service worker keeps: for how long. The rest of it is tried in browsers (tests/e2e/test_offline.py). */
import { beforeEach, expect, test, vi } from "vitest";

const DAY = 86_400_000;
const INBOX = "/notifications/";
const NAME = "notifs / ada";
/** Of another world to the compiler: a worker's. */
const WORKER = "../offline/worker";

/** As much of a browser's caches as is asked of them, by path. */
class FakeCache extends Map<string, Response> {
  override delete(url: string): boolean {
    return super.delete(pathOf(url));
  }
  readonly match = (url: string) => Promise.resolve(this.get(pathOf(url))?.clone());
}

const pathOf = (url: string) => url.replace(location.origin, "");

let kept: Map<string, FakeCache>;

beforeEach(async () => {
  kept = new Map([[NAME, new FakeCache()]]);
  vi.stubGlobal("registration", { scope: `${location.origin}/` });
  vi.stubGlobal("caches", {
    keys: () => Promise.resolve([...kept.keys()]),
    open: (name: string) => Promise.resolve(kept.get(name)),
    delete: (name: string) => Promise.resolve(kept.delete(name)),
  });
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
  await import(WORKER);
});

function keep(url: string, days: number): void {
  const headers = { date: new Date(Date.now() - days * DAY).toUTCString() };
  kept.get(NAME)?.set(url, new Response("<html lang>", { headers }));
}

async function happens(name: string, fields = {}): Promise<void> {
  const done: Promise<unknown>[] = [];
  const waitUntil = (each: Promise<unknown>): void => void done.push(each);
  dispatchEvent(Object.assign(new Event(name), { waitUntil, respondWith: waitUntil, ...fields }));
  await Promise.all(done);
}

const visit = (path: string) =>
  happens("fetch", { request: { url: location.origin + path, method: "GET", mode: "navigate" } });

test.each([[6, [NAME]], [8, []]])("what is %i days old, a worker that begins leaves %j of it", async (days, left) => {
  keep(INBOX, days);
  await happens("activate");
  expect([...kept.keys()]).toEqual(left);
});

test("who comes when it is too old finds nothing of it, then or later", async () => {
  keep(INBOX, 8);
  await visit(INBOX);
  expect([...kept.keys()]).toEqual([]);
});

test("an older look at another filter goes alone", async () => {
  keep(INBOX, 1);
  keep(`${INBOX}?filter=all`, 8);
  await visit(`${INBOX}?filter=all`);
  expect([...(kept.get(NAME)?.keys() ?? [])]).toEqual([INBOX]);
});

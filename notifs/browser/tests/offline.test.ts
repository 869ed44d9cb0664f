/** Acts that are made without a server: kept in order, for the one who made them, and sent when there is one again. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Connection } from "../core/connection";
import type { Options } from "../core/connection";
import type { ActError } from "../core/errors";
import type { Done } from "../core/outbox";
import { ACTS } from "../core/wire";
import { FakeLocks, FakeServer } from "./fakes";
import { Store } from "./model";

let server: FakeServer;
let pages: Connection[];

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  server = new FakeServer();
  server.store.create(3);
  server.install();
  vi.spyOn(navigator, "locks", "get").mockReturnValue(new FakeLocks() as unknown as LockManager);
  pages = [];
});

afterEach(() => {
  for (const page of pages) page.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const acts = () => server.asked.filter(({ event }) => event in ACTS);

/** A page as the server rendered it, or as it was kept: for somebody. */
async function open(options: Partial<Options> = {}, person = server.person): Promise<Connection> {
  const { filter, before: _, ...counted } = server.store.fetch({ filter: "unread" }, null);
  const initial = { message: { type: "snapshot" as const, meta: "", ...counted }, filter, person };
  const page = new Connection({ base: "", transport: "socket", initial, ...options });
  pages.push(page);
  page.open();
  await pass(1);
  return page;
}

async function goOffline(): Promise<void> {
  server.mode = "down";
  for (const socket of [...server.sockets]) socket.drop();
  await pass(1);
}

async function comeBack(): Promise<void> {
  server.mode = "up";
  await pass(10_000);
}

test("they are done at once for who looks, survive a reload, and are sent in order", async () => {
  const page = await open();
  await goOffline();
  await page.act("archive", ["a1"]);
  await page.act("mark_read", ["a2"]);
  await page.act("mark_unread", ["a2"]);
  expect(page.waiting).toBe(3);
  expect(page.pending.size).toBe(0);
  page.close();
  const next = await open();
  expect(next.waiting).toBe(3);
  expect([next.state.unread, next.shown.unread]).toEqual([3, 2]);
  await comeBack();
  expect(acts().map(({ event }) => event)).toEqual(["archive", "mark_read", "mark_unread"]);
  expect(next.waiting).toBe(0);
  expect(next.state.unread).toBe(2);
  expect(localStorage.length).toBe(0);
});

test("a page that is closed and opened again has them once", async () => {
  const page = await open();
  await goOffline();
  await page.act("archive", ["a1"]);
  page.close();
  await pass(60_000);
  expect(acts()).toEqual([]);
  page.open();
  await pass(1);
  expect([page.waiting, page.shown.unread]).toEqual([1, 2]);
  await comeBack();
  expect(acts()).toHaveLength(1);
  expect(localStorage.length).toBe(0);
});

test("a mark-all is about what could be seen then", async () => {
  const page = await open();
  await goOffline();
  await page.markAllRead();
  server.store.create(2);
  await comeBack();
  expect(acts()).toEqual([{ event: "mark_all_read", data: { up_to: "a:3" } }]);
});

test("who comes back takes over only what is sent by nobody", async () => {
  const page = await open();
  await goOffline();
  await page.act("archive", ["a1"]);
  page.close();
  const [first, second] = [await open(), await open()];
  expect([first.waiting, second.waiting]).toEqual([1, 0]);
  await comeBack();
  expect(acts()).toHaveLength(1);
});

/** Another page that has done this and is still there. Returns how it keeps what it did, and how it goes. */
function otherPage(act: string, body: object, age = 0) {
  const key = `notifs.acts  ada ${act}`;
  const since = new Date(Date.now() - age).toISOString();
  const keep = (): void => localStorage.setItem(key, JSON.stringify([{ act, body, since }]));
  let leave = (): void => undefined;
  const gone = new Promise<void>((resolve) => (leave = resolve));
  void navigator.locks.request(key, { signal: new AbortController().signal }, () => gone);
  keep();
  return { keep, leave };
}

describe("what another page has left", () => {
  test("is sent by a page that is there, at once", async () => {
    const other = otherPage("archive", { ids: ["a1"] });
    const page = await open();
    expect(page.waiting).toBe(0);
    other.leave();
    await pass(1);
    expect(acts().map(({ event }) => event)).toEqual(["archive"]);
    expect([page.waiting, page.state.unread, localStorage.length]).toEqual([0, 2, 0]);
  });

  test("is not for a page that is closed by then", async () => {
    const other = otherPage("archive", { ids: ["a1"] });
    const page = await open();
    page.close();
    other.leave();
    await pass(1);
    expect([page.waiting, localStorage.length]).toEqual([0, 1]);
  });

  test("is not for a page on which somebody else is by then", async () => {
    const other = otherPage("archive", { ids: ["a1"] });
    const page = await open();
    server.person = "eve";
    for (const socket of [...server.sockets]) socket.drop();
    await pass(1_000);
    other.keep();
    other.leave();
    await pass(1_000);
    await page.act("mark_read", ["a2"]);
    expect(acts().map(({ event }) => event)).toEqual(["mark_read"]);
  });

  test("is done in the order in which it was asked for", async () => {
    otherPage("archive", { ids: ["a1"] }, 2_000).leave();
    otherPage("unarchive", { ids: ["a1"] }, 1_000).leave();
    await goOffline();
    await open();
    await comeBack();
    expect(acts().map(({ event }) => event)).toEqual(["archive", "unarchive"]);
  });

  test("is forgotten after a week", async () => {
    const day = 86_400_000;
    otherPage("archive", { ids: ["a1"] }, 8 * day).leave();
    otherPage("mark_read", { ids: ["a1"] }, 6 * day).leave();
    await open();
    expect(acts().map(({ event }) => event)).toEqual(["mark_read"]);
  });
});

test("where no lock tells whether a page is gone, each page has its own alone", async () => {
  vi.spyOn(navigator, "locks", "get").mockReturnValue(undefined as unknown as LockManager);
  const page = await open();
  await goOffline();
  await page.act("archive", ["a1"]);
  expect(localStorage.length).toBe(0);
  const other = await open();
  expect(other.waiting).toBe(0);
  page.close();
  page.open();
  await comeBack();
  expect(acts()).toHaveLength(1);
});

test("what is on its way is kept until it is answered", async () => {
  const page = await open();
  let answers = (): void => undefined;
  server.thinks = new Promise((resolve) => (answers = resolve));
  const done = page.act("archive", ["a1"]);
  expect([page.waiting, localStorage.length]).toEqual([0, 1]);
  answers();
  await done;
  expect(localStorage.length).toBe(0);
});

test("what is on its way when its page is closed is the next one's", async () => {
  const page = await open();
  server.thinks = new Promise(() => undefined);
  const done = page.act("archive", ["a1"]);
  page.close();
  expect((await done).cursor).toBeNull();
  server.thinks = null;
  const next = await open();
  await pass(1);
  expect([next.waiting, next.state.unread]).toEqual([0, 2]);
});

describe("they are never sent as somebody else", () => {
  test("who signs in next, on a page of theirs", async () => {
    const page = await open();
    await goOffline();
    await page.act("archive", ["a1"]);
    page.close();
    server.person = "eve";
    const theirs = await open();
    expect(theirs.waiting).toBe(0);
    await comeBack();
    expect(acts()).toEqual([]);
    expect(localStorage.length).toBe(0);
  });

  test.each(["socket", "http"] as const)("on a page that was kept of the one before (%s)", async (transport) => {
    const page = await open({ transport });
    await goOffline();
    await pass(5_000);
    await page.act("archive", ["a1"]);
    await page.markAllRead();
    expect(page.waiting).toBe(2);
    server.person = "eve";
    server.store = new Store();
    server.store.create(2);
    await comeBack();
    expect(acts()).toEqual([]);
    expect(server.requests.filter((each) => each.startsWith("POST"))).toEqual([]);
    expect(page.waiting).toBe(0);
    expect(page.shown.unread).toBe(2);
    expect(page.state.rows.live("a3")).toBeUndefined();
    expect(localStorage.length).toBe(0);
  });

  test.each<[string, (page: Connection) => Promise<unknown>]>([
    ["acts", (page) => page.act("archive", ["a1"])],
    ["reads", (page) => page.fetch({ filter: "all" })],
  ])("when only the cookie knows, by who %s over HTTP", async (_, ask) => {
    const page = await open({ transport: "http" });
    server.person = "eve";
    server.store = new Store();
    server.store.create(2);
    await expect(ask(page)).rejects.toMatchObject({ code: "unreachable" });
    await pass(10);
    expect(acts()).toEqual([]);
    expect([page.waiting, page.state.unread, page.status.name]).toEqual([0, 2, "polling"]);
    await page.act("archive", ["a2"]);
    expect(acts()).toHaveLength(1);
  });

  test("also when nobody has noticed yet, and there is no socket", async () => {
    server.socketsRefused = true;
    const page = await open({}, "grace");
    await expect(page.markAllRead()).rejects.toMatchObject({ code: "unreachable" });
    expect(server.requests.filter((each) => each.startsWith("POST"))).toEqual([]);
  });
});

describe("when they are sent after all", () => {
  test("one that is refused is dropped, said so, and the next one is sent", async () => {
    const page = await open();
    const refused: ActError[] = [];
    page.on("refused", (error) => refused.push(error));
    await goOffline();
    await page.act("archive", ["a1"]);
    await page.act("archive", ["a2"]);
    server.refuses = ["a1"];
    await comeBack();
    expect(refused.map(({ code }) => code)).toEqual(["forbidden"]);
    expect([page.waiting, page.shown.unread, page.state.unread]).toEqual([0, 2, 2]);
  });

  test("a server that cannot just now is asked again, and again later", async () => {
    const page = await open();
    const refused: ActError[] = [];
    page.on("refused", (error) => refused.push(error));
    await goOffline();
    await page.act("archive", ["a1"]);
    server.refusal = { code: "store_unavailable", message: "busy" };
    await comeBack();
    const asked = acts().length;
    expect(asked).toBeGreaterThan(1);
    expect(page.waiting).toBe(1);
    await pass(60_000);
    expect(acts().length - asked).toBeLessThan(10);
    server.refusal = null;
    await pass(60_000);
    expect([page.waiting, page.state.unread, refused.length]).toEqual([0, 2, 0]);
  });
});

test("a page that is signed out leaves them to one that is not", async () => {
  const page = await open();
  await goOffline();
  await page.act("archive", ["a1"]);
  server.mode = "signed-out";
  await pass(60_000);
  expect([page.status.name, page.waiting]).toEqual(["signed-out", 0]);
  await expect(page.act("archive", ["a2"])).rejects.toMatchObject({ code: "signed_out" });
  server.mode = "up";
  await open();
  expect(acts().map(({ data }) => data)).toEqual([{ ids: ["a1"] }]);
});

test("they outlast a session, and go before what is done after it", async () => {
  const page = await open();
  await goOffline();
  await page.act("archive", ["a1"]);
  server.mode = "signed-out";
  await pass(60_000);
  expect(page.status.name).toBe("signed-out");
  page.close();
  server.mode = "down";
  const next = await open();
  await next.act("unarchive", ["a1"]);
  await comeBack();
  expect(acts().map(({ event }) => event)).toEqual(["archive", "unarchive"]);
});

describe("to undo", () => {
  test("what waits, nothing need be sent", async () => {
    const page = await open();
    await goOffline();
    const done = await page.act("archive", ["a1"]);
    await page.undo(done);
    expect([page.waiting, page.shown.unread, localStorage.length]).toEqual([0, 3, 0]);
    await comeBack();
    expect(acts()).toEqual([]);
  });

  test("what is just being sent, its answer is awaited", async () => {
    const page = await open();
    await goOffline();
    const done = await page.act("archive", ["a1"]);
    let answers = (): void => undefined;
    server.thinks = new Promise((resolve) => (answers = resolve));
    server.mode = "up";
    while (acts().length === 0) await pass(100);
    const undone = page.undo(done);
    await pass(100);
    expect(page.shown.unread).toBe(2);
    answers();
    server.thinks = null;
    await pass(1_000);
    await undone;
    expect(acts().map(({ event, data }) => [event, data])).toEqual([
      ["archive", { ids: ["a1"] }],
      ["unarchive", { at: "a:4" }],
    ]);
    expect(page.state.unread).toBe(3);
  });
});

describe("to undo, where an answer was lost,", () => {
  /** An act that the server has done without our hearing of it. */
  async function unheard(ask = (page: Connection) => page.act("archive", ["a1"])): Promise<{ page: Connection; done: Done }> {
    const page = await open();
    const { answer } = server;
    server.answer = async (socket, event, data) => {
      server.answer = answer;
      await server.answer(socket, event, data);
      return new Promise(() => undefined);
    };
    const asked = ask(page);
    await pass(10_000);
    return { page, done: await asked };
  }

  test("what was sent once more and is done already", async () => {
    const { page, done } = await unheard();
    await pass(5_000);
    expect([done.cursor, page.state.unread]).toEqual(["a:4", 2]);
    await page.undo(done);
    expect(page.state.unread).toBe(3);
  });

  test("all that were unread", async () => {
    const { page, done } = await unheard((page) => page.markAllRead());
    await pass(5_000);
    expect(page.state.unread).toBe(0);
    await page.undo(done);
    expect(page.state.unread).toBe(3);
  });

  test("what would be sent once more", async () => {
    const { page, done } = await unheard();
    expect(done.cursor).toBeNull();
    await page.undo(done);
    await pass(5_000);
    expect(acts().map(({ event }) => event)).toEqual(["archive", "unarchive"]);
    expect(page.state.unread).toBe(3);
  });
});

test("an answer that does not come is none: the act waits, and is sent once more", async () => {
  const page = await open();
  const { answer } = server;
  server.answer = () => new Promise(() => undefined);
  const done = page.act("archive", ["a1"]);
  await pass(10_000);
  expect((await done).cursor).toBeNull();
  server.answer = answer;
  await pass(5_000);
  expect([page.waiting, page.state.unread]).toEqual([0, 2]);
});

test("without a network nothing is sent into the void", async () => {
  const page = await open();
  const onLine = vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
  server.mode = "down";
  dispatchEvent(new Event("offline"));
  expect(page.status.name).toBe("reconnecting");
  await page.act("archive", ["a1"]);
  expect(page.waiting).toBe(1);
  onLine.mockRestore();
  server.mode = "up";
  dispatchEvent(new Event("online"));
  await pass(1);
  expect(page.waiting).toBe(0);
});

const NOW = new Date().toISOString();
test.each([
  "{", "[]", "[1]", "null", `[{"act":"constructor","body":{},"since":"${NOW}"}]`, `[{"act":"archive","since":"${NOW}"}]`,
  `[{"act":"archive","body":null,"since":"${NOW}"}]`, '[{"act":"archive","body":{"ids":["a1"]}}]',
])(
  "what is kept and is none of ours does no harm: %s",
  async (text) => {
    localStorage.setItem("notifs.acts  ada x", text);
    const page = await open();
    expect(page.waiting).toBe(0);
    await pass(1_000);
    expect(acts()).toEqual([]);
  },
);

test("a page that may keep nothing keeps them as long as it is there", async () => {
  const page = await open();
  vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new DOMException("full", "QuotaExceededError");
  });
  await goOffline();
  await page.act("archive", ["a1"]);
  await comeBack();
  expect(acts()).toHaveLength(1);
  vi.restoreAllMocks();
});

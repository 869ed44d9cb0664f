import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Connection } from "../core/connection";
import type { Options } from "../core/connection";
import { ActError } from "../core/errors";
import { connect, release } from "../core/shared";
import { view, windowOf } from "../core/state";
import { ACTS } from "../core/wire";
import type { Notification } from "../core/wire";
import { FakeServer, FakeSocket } from "./fakes";
import { Store } from "./model";

let server: FakeServer;
let connection: Connection;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  server.store.create(2);
  server.install();
});

afterEach(() => {
  connection.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function open(options: Partial<Options> = {}): Promise<Connection> {
  connection = new Connection({ base: "", transport: "socket", ...options });
  connection.open();
  await vi.advanceTimersByTimeAsync(1);
  return connection;
}

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const unread = (): number => view(connection.state, { filter: "unread" }).length;
const socket = (): FakeSocket => server.sockets[0] as FakeSocket;
const acts = (): string[] => server.asked.map(({ event }) => event).filter((event) => event in ACTS);
const asked = (event: string): number => server.asked.filter((each) => each.event === event).length;

describe("over a socket", () => {
  test("shows what the server sends, and goes on from there after a break", async () => {
    await open();
    expect(connection.status).toEqual({ name: "live" });
    expect(unread()).toBe(2);
    socket().drop();
    expect(connection.status.name).toBe("reconnecting");
    server.store.create(1);
    await pass(1_000);
    expect(connection.status.name).toBe("live");
    expect(socket().cursor).toBe("a:2");
    expect(unread()).toBe(3);
  });

  test("says when it will try again, later each time", async () => {
    server.mode = "down";
    await open();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 4; attempt++) {
      const { status } = connection;
      if (status.name !== "reconnecting") throw new Error(status.name);
      waits.push(status.retryAt - Date.now());
      await pass(status.retryAt - Date.now() + 1);
    }
    expect(waits[0]).toBeLessThanOrEqual(750);
    expect(waits[3]).toBeGreaterThan(waits[0] as number);
    server.mode = "up";
    connection.retryNow();
    await pass(1);
    expect(connection.status.name).toBe("live");
  });

  test("fills a gap with one sync", async () => {
    await open();
    server.loses = (message) => message.type === "created";
    server.create();
    server.loses = () => false;
    server.create();
    expect(unread()).toBe(2);
    await pass(1_000);
    expect(unread()).toBe(4);
    expect(asked("sync")).toBe(1);
  });

  test("asks again when the answer is lost", async () => {
    await open();
    server.loses = (message) => message.type !== "created" || message.cursor === "a:3";
    server.create();
    server.create();
    await pass(1_000);
    expect(connection.state.awaiting).toBe(true);
    server.loses = () => false;
    await pass(10_000);
    expect(unread()).toBe(4);
    expect(asked("sync")).toBeGreaterThan(1);
  });

  test("tells of what was created while it watched, once, and never of a backlog", async () => {
    const arrived: (readonly Notification[])[] = [];
    connection = new Connection({ base: "", transport: "socket" });
    connection.on("arrived", (notifications) => arrived.push(notifications));
    connection.open();
    await pass(1);
    const message = server.store.create(1);
    server.push(message);
    server.push(message);
    server.push(server.store.create(1, "announcement"));
    expect(arrived.map((each) => each.map(({ id }) => id))).toEqual([["a3"], ["a4"]]);
  });

  test("tells once what came while it was away, and not what it tells by itself", async () => {
    await open();
    const told: unknown[] = [];
    connection.on("arrived", (rows) => told.push(rows.map(({ id }) => id)));
    connection.on("missed", (count) => told.push(count));
    server.create();
    socket().drop();
    server.store.create(3);
    server.store.act("mark_read", { ids: ["a4"] });
    await pass(1_000);
    expect(told).toEqual([["a3"], 2]);
    socket().drop();
    await pass(1_000);
    server.create();
    expect(told).toEqual([["a3"], 2, ["a8"]]);
  });

  test("tells how much came, also if it is more than what is sent", async () => {
    await open();
    const missed: number[] = [];
    connection.on("missed", (count) => missed.push(count));
    socket().drop();
    server.store.create(12);
    await pass(1_000);
    expect(missed).toEqual([12]);
  });

  test("does not take for new what it merely did not know", async () => {
    const { filter: _, before: __, ...counted } = server.store.fetch({ filter: "archived" }, null);
    connection = new Connection({
      base: "", transport: "socket",
      initial: { message: { type: "snapshot", meta: "", ...counted }, filter: "archived" },
    });
    const told: unknown[] = [];
    connection.on("missed", (count) => told.push(count));
    connection.on("arrived", (rows) => told.push(rows));
    server.store.create(3);
    for (let n = 0; n < 6; n++) server.store.act(n % 2 === 0 ? "mark_read" : "mark_unread", { ids: ["a1"] });
    connection.open();
    await pass(1);
    expect(unread()).toBe(5);
    expect(told).toEqual([3]);
  });

  test("tells of what was created while it watched also when only a sync has brought it", async () => {
    await open();
    const told: unknown[] = [];
    connection.on("arrived", (rows) => told.push(...rows.map(({ id }) => id)));
    connection.on("missed", (count) => told.push(count));
    server.loses = (message) => "cursor" in message && message.cursor === "a:3";
    server.create();
    server.create();
    await pass(1_000);
    expect(told).toEqual(["a4", "a3"]);
  });

  test("tells of what woke from a snooze, once, whether it knew of it or not", async () => {
    server.store.act("snooze", { ids: ["a1"] });
    await open();
    const told: unknown[] = [];
    connection.on("arrived", (rows) => told.push(...rows.map(({ id }) => id)));
    await connection.act("snooze", ["a2"], new Date("2030-01-01"));
    server.push(server.store.act("unsnooze", { ids: ["a2"] }));
    await connection.act("snooze", ["a2"], new Date("2030-01-01"));
    const message = server.store.wake();
    server.push(message);
    server.push(message);
    expect(told.sort()).toEqual(["a1", "a2"]);
    expect(connection.state.unseen).toBe(2);
  });

  test("passes on what the server says about itself", async () => {
    await open();
    const heard: string[] = [];
    connection.on("degraded", (meta) => heard.push(meta));
    connection.on("error", (message) => heard.push(message));
    server.push({ type: "degraded", meta: "Updates may be late" });
    server.push({ type: "error", meta: "Error", error: { code: "slow", message: "You read too slowly." } });
    expect(heard).toEqual(["Updates may be late", "You read too slowly."]);
    expect(connection.degraded).toBe("Updates may be late");
    socket().drop();
    await pass(1_000);
    expect(connection.degraded).toBeNull();
  });

  test("is told that it is behind, until what it missed has come", async () => {
    await open();
    server.push({ type: "degraded", meta: "Updates may be late", error: { code: "behind", message: "Read." } });
    expect(connection.degraded).toBe("Updates may be late");
    let changes = 0;
    connection.on("change", () => (changes += 1));
    server.sync(socket(), "a:2");
    expect(connection.degraded).toBeNull();
    expect(changes).toBeGreaterThan(0);
  });

  test("comes back after a random part of a few seconds when the server restarts, and asks nothing before", async () => {
    const waits: number[] = [];
    for (const random of [0, 0.25, 0.999]) {
      vi.spyOn(Math, "random").mockReturnValue(random);
      await open();
      socket().drop("transport close", 1012);
      const { status } = connection;
      if (status.name !== "reconnecting") throw new Error(status.name);
      waits.push(status.retryAt - Date.now());
      await pass(4_000);
      expect(connection.status.name).toBe("live");
      connection.close();
      server.sockets = [];
    }
    vi.restoreAllMocks();
    expect(waits).toEqual([0, 1_000, 3_996]);
    expect(server.requests).toEqual([]);
  });

  test("asks by HTTP only when the socket cannot be opened again", async () => {
    await open();
    socket().drop();
    await pass(1_000);
    expect(server.requests).toEqual([]);
    server.socketsRefused = true;
    socket().drop();
    await pass(1_000);
    expect(server.requests.length).toBeGreaterThan(0);
  });

  test("finds out that it was signed out", async () => {
    await open();
    server.mode = "signed-out";
    socket().drop("io server disconnect");
    await pass(1);
    expect(connection.status).toEqual({ name: "signed-out" });
    await pass(60_000);
    expect(server.requests).toHaveLength(1);
  });

  test("comes back when the server closed the socket for another reason", async () => {
    await open();
    socket().drop("io server disconnect");
    await pass(1_000);
    expect(connection.status.name).toBe("live");
  });

  test("is opened once when it is retried while it is being opened", async () => {
    connection = new Connection({ base: "", transport: "socket" });
    connection.open();
    const first = socket();
    connection.retryNow();
    connection.open();
    await pass(1);
    expect(connection.status.name).toBe("live");
    expect(socket()).toBe(first); // another would have taken its place
    expect(server.sockets).toHaveLength(1);
  });
});

test("who is closed can be opened again, and goes on from there", async () => {
  await open();
  connection.close();
  server.store.create(1);
  const statuses: string[] = [];
  const missed: number[] = [];
  connection.on("change", () => statuses.push(connection.status.name));
  connection.on("missed", (count) => missed.push(count));
  connection.open();
  connection.open();
  await pass(1);
  expect([...new Set(statuses)]).toEqual(["connecting", "live"]);
  expect(socket().cursor).toBe("a:2");
  expect(server.sockets).toHaveLength(1);
  expect(missed).toEqual([1]);
  await connection.act("archive", ["a1"]);
  expect(unread()).toBe(2);
});

describe("acts", () => {
  test("change the state by the message that follows, and look busy until it has come", async () => {
    await open();
    server.loses = (message) => message.type === "changed";
    const act = connection.act("mark_read", ["a1"]);
    expect(connection.pending).toEqual(new Set(["a1"]));
    await act;
    expect(unread()).toBe(2);
    expect(connection.pending).toEqual(new Set(["a1"]));
    await pass(2_000);
    expect(unread()).toBe(1);
    expect(connection.pending).toEqual(new Set());
  });

  test("are over when the database is another one, in which they never were", async () => {
    await open();
    server.loses = (message) => message.type === "changed";
    await connection.act("mark_read", ["a1"]);
    server.store = new Store();
    server.store.epoch = "b";
    server.store.create(1);
    socket().drop();
    await pass(1_000);
    expect(connection.cursor).toBe("b:1");
    expect(connection.pending).toEqual(new Set());
  });

  test("that are refused say why", async () => {
    await open();
    server.refusal = { code: "store_unavailable", message: "Try again later." };
    await expect(connection.act("archive", ["a1"])).rejects.toEqual(new ActError("store_unavailable", "Try again later."));
    expect(connection.pending).toEqual(new Set());
  });

  test("go out with at most 200 ids a call", async () => {
    await open();
    await connection.act("mark_unread", Array.from({ length: 450 }, (_, i) => `a${i}`));
    const sizes = server.asked.map(({ data }) => (data as { ids: string[] }).ids.length);
    expect(sizes).toEqual([200, 200, 50]);
  });

  test("that mark everything name the cursor that was looked at", async () => {
    await open();
    await connection.markAllRead();
    await connection.markSeen({ up_to: "a:2" });
    expect(server.asked).toEqual([
      { event: "mark_all_read", data: { up_to: "a:2" } },
      { event: "mark_seen", data: { up_to: "a:2" } },
    ]);
    expect(connection.state.unread).toBe(0);
  });

  test("wait until the server has said whose mailbox it is", async () => {
    server.mute = true;
    await open();
    expect(connection.status.name).toBe("live");
    const loading = connection.fetch({ filter: "all" });
    const done = connection.act("mark_read", ["a1"]);
    await pass(1_000);
    expect(server.asked).toEqual([]);
    server.mute = false;
    socket().tell({ type: "connected", meta: "", person: "ada" });
    await done;
    expect(server.asked.map(({ event }) => event).sort()).toEqual(["fetch", "mark_read"]);
    await pass(10_000); // what it has said to nobody is asked for then
    await loading;
    expect(server.requests).toEqual([]);
  });

  test("that end a snooze are taken back by putting off again, until when it was", async () => {
    server.store.create(1);
    await open();
    await connection.act("snooze", ["a1", "a2"], new Date("2030-01-01"));
    await connection.act("snooze", ["a3"], new Date("2031-01-01"));
    const done = await connection.act("unsnooze", ["a1", "a2", "a3"]);
    expect(unread()).toBe(3);
    await connection.undo(done);
    expect(server.asked.slice(-2)).toEqual([
      { event: "snooze", data: { ids: ["a1", "a2"], until: "2030-01-01T00:00:00.000Z" } },
      { event: "snooze", data: { ids: ["a3"], until: "2031-01-01T00:00:00.000Z" } },
    ]);
    expect(unread()).toBe(0);
  });

  test.each(["snooze", "unsnooze", "archive"] as const)("that end a snooze: %s is taken back by the cursor", async (act) => {
    await open();
    const [before, after] = ["2030-01-01T00:00:00.000Z", "2031-01-01T00:00:00.000Z"];
    await connection.act("snooze", ["a1", "a2"], new Date(before));
    const done = await connection.act(act, ["a1", "a2"], act === "snooze" ? new Date(after) : undefined);
    server.push(server.store.act("mark_read", { ids: ["a2"] }));
    await connection.undo(done);
    const row = (id: string) => connection.state.rows.live(id) as Notification;
    expect(row("a1")).toMatchObject({ archived_at: null, snoozed_until: before });
    expect(row("a2").snoozed_until).toBe(act === "snooze" ? after : null);
    expect(row("a2").archived_at === null).toBe(act !== "archive");
  });

  test("of more than one call, of which one is refused, are as much as was done", async () => {
    await open();
    const refused: ActError[] = [];
    connection.on("refused", (error) => refused.push(error));
    const unknown = Array.from({ length: 199 }, (_, n) => `x${n}`);
    server.refuses = ["a2"];
    const done = await connection.act("archive", ["a1", ...unknown, "a2"]);
    expect(refused.map(({ code }) => code)).toEqual(["forbidden"]);
    expect(done.ids).toEqual(["a1", ...unknown]);
    expect([connection.shown.unread, connection.state.unread]).toEqual([1, 1]);
    await connection.undo(done);
    expect(connection.state.unread).toBe(2);
  });

  test("that changed nothing are not taken back: at their cursor somebody else's change may stand", async () => {
    await open();
    server.push(server.store.act("archive", { ids: ["a1"] }));
    const done = await connection.act("mark_unread", ["a2"]);
    await connection.undo(done);
    expect(acts()).toEqual(["mark_unread"]);
  });

  test("go over HTTP while the socket is away", async () => {
    await open();
    server.socketsRefused = true;
    socket().drop();
    await connection.act("mark_read", ["a1"]);
    await pass(10);
    expect(server.requests).toContain("POST /api/v1/inbox/read");
    expect(unread()).toBe(1);
  });

  test("wait while the server cannot be reached, look done, and are sent in order when it can", async () => {
    await open();
    server.mode = "down";
    socket().drop();
    const done = await connection.act("mark_read", ["a1"]);
    await connection.act("archive", ["a2"]);
    expect(done.cursor).toBeNull();
    expect(connection.waiting).toBe(2);
    expect([connection.state.unread, connection.shown.unread]).toEqual([2, 0]);
    server.mode = "up";
    await pass(10_000);
    expect(acts()).toEqual(["mark_read", "archive"]);
    expect(done.cursor).toBe("a:3");
    expect(connection.waiting).toBe(0);
    expect(connection.state.unread).toBe(0);
  });

  test("are taken back by what they have changed, as far as nobody else has", async () => {
    await open();
    const done = await connection.act("archive", ["a1", "a2"]);
    server.push(server.store.act("unarchive", { ids: ["a2"] }));
    await connection.undo(done);
    expect(server.asked.at(-1)).toEqual({ event: "unarchive", data: { at: "a:3" } });
    expect(unread()).toBe(2);
  });
});

describe("over HTTP", () => {
  test("asks every five seconds, and at once after an act", async () => {
    await open({ transport: "http" });
    expect(connection.status.name).toBe("polling");
    expect(unread()).toBe(2);
    server.store.create(1);
    await pass(5_000);
    expect(unread()).toBe(3);
    await connection.markAllRead();
    await pass(10);
    expect(unread()).toBe(0);
    expect(server.sockets).toHaveLength(0);
  });

  test("tells of what came between two answers, and counts what came while the server was away", async () => {
    await open({ transport: "http" });
    const told: unknown[] = [];
    connection.on("arrived", (rows) => told.push(rows.map(({ id }) => id)));
    connection.on("missed", (count) => told.push(count));
    server.store.create(1);
    await pass(5_000);
    server.mode = "down";
    await pass(5_000);
    server.store.create(2);
    server.mode = "up";
    await pass(5_000);
    expect(told).toEqual([["a3"], 2]);
  });

  test("goes on asking while the server is away, and says so", async () => {
    await open({ transport: "http" });
    server.mode = "down";
    await pass(5_000);
    expect(connection.status.name).toBe("reconnecting");
    server.mode = "up";
    await pass(5_000);
    expect(connection.status.name).toBe("polling");
  });

  test("takes over when the socket cannot be opened three times, until it can", async () => {
    server.socketsRefused = true;
    await open();
    await pass(5_000);
    expect(connection.status.name).toBe("polling");
    expect(unread()).toBe(2);
    server.store.create(1);
    await pass(5_000);
    expect(unread()).toBe(3);
    server.socketsRefused = false;
    await pass(8_000);
    expect(connection.status.name).toBe("live");
    const requests = server.requests.length;
    await pass(30_000);
    expect(server.requests).toHaveLength(requests);
  });

  test("ends when it is signed out", async () => {
    await open({ transport: "http" });
    server.mode = "signed-out";
    await expect(connection.fetch({ filter: "all" })).rejects.toMatchObject({ code: "signed_out" });
    expect(connection.status.name).toBe("signed-out");
  });

  test("tells a refusal in the server's words", async () => {
    await open({ transport: "http" });
    server.refusal = { code: "busy", message: "The store is busy." };
    await expect(connection.act("archive", ["a1"])).rejects.toMatchObject({ code: "busy", message: "The store is busy." });
  });
});

describe("loading", () => {
  test("brings the next older rows of a filter", async () => {
    server.store.create(6);
    await open();
    await connection.fetch({ filter: "all" });
    expect(view(connection.state, { filter: "all" })).toHaveLength(3);
    await connection.fetch({ filter: "all" });
    expect(view(connection.state, { filter: "all" })).toHaveLength(6);
  });

  test.each(["socket", "http"] as const)("of what is newer than all that is known resolves when that is known, by %s", async (transport) => {
    await open({ transport });
    server.store.create(1); // by another worker: nobody has been told yet
    await connection.fetch({ filter: "all" });
    expect(windowOf(connection.state, { filter: "all" }).complete).toBe(true);
    expect(view(connection.state, { filter: "all" })).toHaveLength(3);
    await pass(5_000);
    expect(asked("fetch") + server.requests.filter((request) => request.includes("filter=")).length).toBe(1);
  });

  test("asks for all that is searched for, by socket and by HTTP", async () => {
    const query = { filter: "all", kind: "comment.posted", actor: "7", text: "word" } as const;
    await open();
    await connection.fetch(query);
    expect(server.asked).toEqual([{ event: "fetch", data: { ...query, before: null, limit: 50 } }]);
    expect(windowOf(connection.state, query).complete).toBe(true);
    connection.close();
    await open({ transport: "http" });
    await connection.fetch({ filter: "snoozed", text: "a&b" });
    expect(server.requests.at(-1)).toBe("GET /api/v1/inbox?filter=snoozed&text=a%26b&limit=50");
  });

  test("goes on from what the server has painted", async () => {
    const { cursor, notif_count, unseen_count, notifs, has_more } = server.store.fetch({ filter: "unread" }, null);
    const message = { type: "snapshot", meta: "", cursor, notif_count, unseen_count, notifs, has_more } as const;
    await open({ initial: { message, filter: "unread" } });
    expect(socket().cursor).toBe("a:2");
    expect(unread()).toBe(2);
  });
});

test("one page has one connection to a base, closed with its last user", async () => {
  connection = connect({ base: "/x", transport: "socket" });
  expect(connect({ base: "/x", transport: "socket" })).toBe(connection);
  await pass(1);
  release(connection);
  release(connection);
  const again = connect({ base: "/x", transport: "socket" });
  await pass(1);
  expect(again).toBe(connection);
  expect(socket().connected).toBe(true);
  release(again);
  await pass(1);
  expect(server.sockets).toEqual([]);
});

test("elements with tokens of different addresses do not share a connection", () => {
  const at = (tokenUrl?: string) => connect({ base: "", transport: "http", tokenUrl });
  const all = [at("/a"), at("/b"), at(), at("/a")];
  connection = all[0] as Connection;
  expect(all[3]).toBe(connection);
  expect(new Set(all).size).toBe(3);
  all.forEach(release);
});

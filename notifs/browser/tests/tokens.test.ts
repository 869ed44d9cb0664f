import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Connection } from "../core/connection";
import type { Options } from "../core/connection";
import { SIGNED_OUT, UNREACHABLE } from "../core/errors";
import { view } from "../core/state";
import { tokensFrom } from "../core/tokens";
import { FakeServer, FakeSocket } from "./fakes";
import { Store } from "./model";

let server: FakeServer;
let connection: Connection;
let given: string[];
/** Who is signed in to the host. */
let who: string;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  server.store.create(2);
  server.install();
  given = [];
  who = "ada";
});

afterEach(() => {
  connection.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const unread = (): number => view(connection.state, { filter: "unread" }).length;
const socket = (): FakeSocket => server.sockets[0] as FakeSocket;
const refreshed = (): unknown[] => server.asked.filter(({ event }) => event === "refresh").map(({ data }) => data);

/** A token, as far as a client reads it: its payload, in base64url and without padding. */
const jwt = (claims: object): string => `e30.${btoa(JSON.stringify(claims)).replaceAll("=", "")}.c2ln`;

/** A host that gives a token to who asks: a new one each time, which the server believes from then on. */
async function host(): Promise<string> {
  const iat = 1_000 + given.length;
  const token = jwt({ sub: who, iat, exp: iat + server.lasts });
  given.push(token);
  server.believes = token;
  return token;
}

async function open(options: Partial<Options> = {}): Promise<void> {
  connection = new Connection({ base: "", transport: "socket", token: host, ...options });
  connection.open();
  await pass(1);
}

describe("over a socket", () => {
  test("says who we are by a token", async () => {
    await open();
    expect(connection.status.name).toBe("live");
    expect(unread()).toBe(2);
    expect(given).toHaveLength(1);
    expect(connection.byToken).toBe(true);
  });

  test("brings a fresh one after four fifths of its life, and again", async () => {
    await open();
    await pass(239_000);
    expect(refreshed()).toEqual([]);
    await pass(2_000);
    expect(refreshed()).toEqual([{ token: given[1] }]);
    server.lasts = 100;
    await pass(240_000);
    await pass(81_000);
    expect(refreshed()).toEqual([1, 2, 3].map((n) => ({ token: given[n] })));
    expect(connection.status.name).toBe("live");
  });

  test("does not trust this machine's clock for that", async () => {
    vi.setSystemTime(new Date("1999-01-01"));
    await open();
    await pass(239_000);
    expect(refreshed()).toEqual([]);
  });

  test("tries again a little later when there is none to be had, or it is refused", async () => {
    let failing = 0;
    await open({ token: () => (given.length > 0 && failing++ < 2 ? Promise.reject(UNREACHABLE) : host()) });
    server.refusal = { code: "too_many_events", message: "Wait." };
    await pass(240_000 + 5_000);
    expect(failing).toBeGreaterThanOrEqual(2);
    server.refusal = null;
    await pass(20_000);
    expect(refreshed().at(-1)).toEqual({ token: given.at(-1) });
    const asked = refreshed().length;
    await pass(100_000);
    expect(refreshed()).toHaveLength(asked);
  });

  test("is left alone where the session says who we are", async () => {
    await open();
    server.refusal = { code: "not_by_token", message: "Not needed." };
    await pass(600_000);
    expect(refreshed()).toHaveLength(1);
  });

  test("comes back with a fresh one when it has expired", async () => {
    await open();
    server.store.create(1);
    socket().drop("transport close", 1008, "token_expired");
    await pass(1_000);
    expect(connection.status.name).toBe("live");
    expect(socket().cursor).toBe("a:2");
    expect(unread()).toBe(3);
    expect(given).toHaveLength(2);
    expect(server.requests).toEqual([]);
  });

  test("comes back with the same one when the socket was merely lost", async () => {
    await open();
    socket().drop();
    await pass(1_000);
    expect(connection.status.name).toBe("live");
    expect(given).toHaveLength(1);
  });

  test("comes with a fresh one when ours is refused", async () => {
    await open();
    server.believes = "another key's";
    socket().drop();
    await pass(5_000);
    expect(connection.status.name).toBe("live");
    expect(given).toHaveLength(2);
  });

  test("ends when no token is believed, and does not go on asking", async () => {
    await open({ token: async () => (given.push("x"), (server.believes = "another key's"), "x") });
    await pass(1_000);
    expect(connection.status.name).toBe("signed-out");
    const tries = given.length;
    expect(tries).toBeLessThan(5);
    await pass(600_000);
    expect(given).toHaveLength(tries);
  });

  test("ends when the host says that nobody is signed in", async () => {
    await open({ token: () => Promise.reject(SIGNED_OUT) });
    await pass(1_000);
    expect(connection.status.name).toBe("signed-out");
  });

  test("waits, longer each time, while the host gives none", async () => {
    let asked = 0;
    await open({ token: () => (asked++, Promise.reject(UNREACHABLE)) });
    await pass(60_000);
    expect(connection.status.name).toBe("reconnecting");
    expect(asked).toBeGreaterThan(3);
    expect(asked).toBeLessThan(60);
  });
});

describe("where somebody else signs in to the host, and the page stays open", () => {
  /** From now on. They have three, and the person before has two. */
  function eve(): void {
    who = server.person = "eve";
    server.store = new Store();
    server.store.create(3);
  }

  test("their token opens a socket of its own, without the cursor of the person before", async () => {
    await open();
    eve();
    await pass(240_000);
    expect(refreshed()).toEqual([]);
    expect(server.came).toEqual(given);
    expect(socket().cursor).toBeNull();
    expect(connection.status.name).toBe("live");
    expect(unread()).toBe(3);
    await pass(240_000);
    expect(refreshed()).toEqual([{ token: given[2] }]);
  });

  test("nothing of the person before is left while theirs is on its way", async () => {
    await open();
    server.loses = () => true;
    await connection.act("mark_read", connection.state.rows.newest.map(({ id }) => id));
    expect(connection.pending.size).toBe(2);
    eve();
    server.socketsRefused = true;
    await pass(240_000);
    expect(connection.state.rows.size).toBe(0);
    expect(connection.cursor).toBeNull();
    expect(connection.pending.size).toBe(0);
    expect(connection.status.name).not.toBe("live");
  });

  test("a socket that comes back does so without that cursor", async () => {
    await open();
    eve();
    socket().drop("transport close", 1008, "token_expired");
    await pass(1_000);
    expect(socket().cursor).toBeNull();
    expect(unread()).toBe(3);
  });

  test("the server may be the one to notice, where a token cannot be read here", async () => {
    await open({ token: async () => (given.push("opaque"), "opaque") });
    server.refusal = { code: "wrong_subject", message: "Somebody else's." };
    eve();
    await pass(5_000);
    server.refusal = null;
    expect(server.came).toHaveLength(2);
    expect(socket().cursor).toBeNull();
    expect(unread()).toBe(3);
  });

  test("a socket that was on its way is not taken for theirs", async () => {
    server.socketsRefused = true;
    await open();
    await pass(20_000);
    expect(connection.status.name).toBe("polling");
    let opens = (): void => undefined;
    server.door = new Promise((resolve) => (opens = resolve));
    server.socketsRefused = false;
    while (server.came.length === 0) await pass(500);
    eve();
    server.believes = "another key's";
    while (given.length === 1) await pass(500);
    server.believes = null;
    opens();
    await pass(1_000);
    expect(server.came).toEqual([given[0], given.at(-1)]);
    expect(connection.status.name).toBe("live");
    expect(unread()).toBe(3);
  });

  test("no request over HTTP is about the person before", async () => {
    await open({ transport: "http" });
    eve();
    server.believes = "another key's";
    await expect(connection.markAllRead()).rejects.toBe(UNREACHABLE);
    await pass(1);
    const theirs = server.requests.filter((_, n) => server.bearers[n] === `Bearer ${given[1]}`);
    expect(theirs).toEqual(["GET /api/v1/inbox/changes"]);
    expect(unread()).toBe(3);
  });

  test("what comes late for the person before is theirs no more", async () => {
    await open({ transport: "http" });
    const page = { ...server.store.fetch({ filter: "archived" }, null) };
    const changes = server.store.sync(null)[0];
    const waiting: ((answer: Response) => void)[] = [];
    vi.stubGlobal("fetch", () => new Promise((resolve) => waiting.push(resolve)));
    const fetched = expect(connection.fetch({ filter: "archived" })).rejects.toBe(UNREACHABLE);
    await pass(5_000);
    server.install();
    eve();
    server.believes = "another key's";
    await expect(connection.fetch({ filter: "all" })).rejects.toBe(UNREACHABLE);
    waiting.forEach((answer, n) => answer(Response.json([page, changes][n])));
    await fetched;
    await pass(1);
    expect(server.requests.at(-1)).toBe("GET /api/v1/inbox/changes");
    expect(unread()).toBe(3);
  });
});

describe("over HTTP", () => {
  test("says who we are by the token that we have, and once by a fresh one", async () => {
    await open({ transport: "http" });
    await pass(11_000);
    expect(given).toHaveLength(1);
    expect(new Set(server.bearers)).toEqual(new Set([`Bearer ${given[0]}`]));
    server.believes = "another key's";
    await pass(5_000);
    expect(given).toHaveLength(2);
    expect(connection.status.name).toBe("polling");
    expect(unread()).toBe(2);
  });

  test("without tokens nothing is said", async () => {
    await open({ transport: "http", token: undefined });
    expect(server.bearers).toEqual([null]);
    expect(connection.byToken).toBe(false);
  });
});

describe("an address that gives tokens", () => {
  beforeEach(() => void open());

  const answers = async (answer: () => Response): Promise<string> => {
    vi.stubGlobal("fetch", async () => answer());
    return tokensFrom("/notifs-token")();
  };

  test("answers {token}", async () => {
    expect(await answers(() => Response.json({ token: "a.b.c" }))).toBe("a.b.c");
  });

  test("says that nobody is signed in by 401 or 403", async () => {
    for (const status of [401, 403]) {
      await expect(answers(() => Response.json({}, { status }))).rejects.toBe(SIGNED_OUT);
    }
  });

  test("may be out of order", async () => {
    const broken = [() => Response.json({}, { status: 500 }), () => Response.json({}), () => new Response("a.b.c")];
    for (const answer of broken) await expect(answers(answer)).rejects.toBe(UNREACHABLE);
    await expect(answers(() => Response.error())).rejects.toBe(UNREACHABLE);
  });
});

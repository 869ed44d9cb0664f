import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Connection } from "../connection";
import type { Options } from "../connection";
import { SIGNED_OUT, UNREACHABLE } from "../errors";
import { view } from "../state";
import { tokensFrom } from "../tokens";
import { FakeServer, FakeSocket } from "./fakes";

let server: FakeServer;
let connection: Connection;
let given: string[];

vi.mock("socket.io-client", () => ({
  io: (_namespace: string, options: { auth: FakeSocket["auth"] }) => new FakeSocket(server, options),
}));

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  server.store.create(2);
  server.install();
  given = [];
});

afterEach(() => {
  connection.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const unread = (): number => view(connection.state, "unread", 0).length;
const socket = (): FakeSocket => server.sockets[0] as FakeSocket;
const refreshed = (): unknown[] => server.asked.filter(({ event }) => event === "refresh").map(({ data }) => data);

/** A token, as far as a client reads it: its payload, in base64url and without padding. */
const jwt = (claims: object): string => `e30.${btoa(JSON.stringify(claims)).replaceAll("=", "")}.c2ln`;

/** A host that gives a token to who asks: a new one each time, which the server believes from then on. */
async function host(): Promise<string> {
  const iat = 1_000 + given.length;
  const token = jwt({ sub: "ada", iat, exp: iat + server.lasts });
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

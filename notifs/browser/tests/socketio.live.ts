// @vitest-environment node
/** Our client on a real server: let in, told, answered, refused, bidden goodbye. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { SocketIo } from "../core/socketio";
import type { End } from "../core/socketio";
import type { Message } from "../core/wire";

const { NOTIFS_URL = "", NOTIFS_USER = "" } = process.env;
const messages: Message[] = [];
const ends: End[] = [];
let headers: Record<string, string>;
let io: SocketIo;

/** Node's takes headers, as a page cannot give them. */
class NodeSocket extends WebSocket {
  constructor(url: URL) {
    super(url, { headers } as unknown as string[]);
  }
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", NodeSocket);
  vi.stubGlobal("location", new URL(NOTIFS_URL));
  for (const name of ["addEventListener", "removeEventListener"]) vi.stubGlobal(name, () => undefined);
  headers = { "x-user": NOTIFS_USER };
  messages.length = ends.length = 0;
  io = new SocketIo(NOTIFS_URL, "/notifs", {
    auth: async () => ({ cursor: null }),
    connected: () => undefined,
    event: (_, message) => messages.push(message as Message),
    closed: (end) => ends.push(end),
  });
});

afterEach(() => {
  io.close();
  vi.unstubAllGlobals();
});

const told = (type: Message["type"]) => vi.waitFor(() => expect(messages.map((each) => each.type)).toContain(type));
const ended = () => vi.waitFor(() => expect(ends).not.toEqual([]));

async function join(): Promise<void> {
  io.open();
  await told("snapshot");
}

test("is let in, told what there is, and answered", async () => {
  await join();
  expect(messages.map(({ type }) => type)).toEqual(["connected", "snapshot"]);
  const answers = [io.ask("fetch", { filter: "all" }), io.ask("fetch", { filter: 7 }), io.ask("nonsense", {})];
  expect(await Promise.all(answers)).toMatchObject([
    { ok: true, notifs: [{ title: "ä \"quoted\" ☂" }] },
    { ok: false, error: { code: "bad_request" } },
    { ok: false, error: { code: "unknown_event" } },
  ]);
});

test("is not let in by who knows nobody, and cannot say why", async () => {
  headers = {};
  io.open();
  await ended();
  expect(ends).toEqual([{ code: 1006, reason: "", meant: false }]);
});

test("hears the server's goodbye, and may come again", async () => {
  await join();
  await fetch(`${NOTIFS_URL}/goodbye`, { headers });
  await ended();
  expect(ends).toEqual([{ code: 1006, reason: "", meant: true }]);
  messages.length = 0;
  await join();
  expect(io.connected).toBe(true);
});

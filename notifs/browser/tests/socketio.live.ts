// @vitest-environment node
/** Our client on a real server: let in, told, answered, refused, bidden goodbye. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { SocketIo } from "../core/socketio";
import type { End } from "../core/socketio";
import type { Message } from "../core/wire";
import { bePage, SERVER } from "./node";

const messages: Message[] = [];
const ends: End[] = [];
let io: SocketIo;

beforeEach(() => {
  bePage();
  messages.length = ends.length = 0;
  io = new SocketIo(SERVER, "/notifs", {
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
  vi.unstubAllGlobals();
  bePage("");
  io.open();
  await ended();
  expect(ends).toEqual([{ code: 1006, reason: "", meant: false }]);
});

test("hears the server's goodbye, and may come again", async () => {
  await join();
  await fetch(`${SERVER}/goodbye`);
  await ended();
  expect(ends).toEqual([{ code: 1006, reason: "", meant: true }]);
  messages.length = 0;
  await join();
  expect(io.connected).toBe(true);
});

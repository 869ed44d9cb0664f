/** What happens to a connection that nobody means to happen: a host's listener throws, an answer is cut, or is late. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Connection } from "../core/connection";
import { view, windowOf } from "../core/state";
import { FakeServer } from "./fakes";

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

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const asked = (event: string): number => server.asked.filter((each) => each.event === event).length;

async function open(transport: "socket" | "http"): Promise<void> {
  connection = new Connection({ base: "", transport });
  connection.open();
  await pass(10);
}

test.each(["socket", "http"] as const)("what a listener throws is reported, and nothing else comes of it, by %s", async (transport) => {
  const reported = vi.fn();
  vi.stubGlobal("reportError", reported);
  await open(transport);
  const told: number[] = [];
  connection.on("change", () => {
    throw new Error("the host's");
  });
  connection.on("change", () => told.push(connection.state.unread));
  for (const id of ["a1", "a2"]) await connection.act("mark_read", [id]);
  await pass(10);
  expect(connection.state.unread).toBe(0);
  expect(told.at(-1)).toBe(0);
  server.create();
  await pass(10_000);
  expect(connection.state.unread).toBe(1);
  expect(connection.status.name).toBe(transport === "socket" ? "live" : "polling");
  expect(reported).toHaveBeenCalledWith(new Error("the host's"));
});

test("an act whose answer is cut in the middle is sent again, until there is a whole one", async () => {
  await open("http");
  const { request } = server;
  server.request = async (input, init) => {
    const answer = await request.call(server, input, init);
    if (init?.method !== "POST") return answer;
    server.request = request;
    const text = await answer.text();
    return new Response(text.slice(0, text.length / 2));
  };
  await connection.act("archive", ["a1"]);
  expect(connection.waiting).toBe(1);
  await pass(5_000);
  expect(connection.waiting).toBe(0);
  expect(asked("archive")).toBe(2);
  expect(view(connection.state, { filter: "archived" })).toHaveLength(0);
  expect(connection.state.rows.get("a1")).toMatchObject({ archived_at: expect.any(String) });
});

test("a page that is newer than the answer that is awaited is asked for once", async () => {
  await open("socket");
  server.sockets[0]?.drop();
  server.store.create(1);
  server.loses = ({ type }) => type === "delta"; // for now
  await pass(1_000);
  expect(connection.status.name).toBe("live");
  let loaded = false;
  void (async () => {
    for (let n = 0; n < 50 && !windowOf(connection.state, { filter: "all" }).complete; n += 1) {
      await connection.fetch({ filter: "all" });
    }
    loaded = true;
  })();
  await pass(500);
  expect([loaded, asked("fetch")]).toEqual([false, 1]);
  server.loses = () => false;
  await pass(20_000);
  expect([loaded, asked("fetch")]).toEqual([true, 1]);
});

test("who loads while an answer is awaited hears of the end of the connection too", async () => {
  await open("socket");
  server.loses = ({ type }) => type === "delta";
  server.sockets[0]?.drop();
  server.store.create(1);
  await pass(1_000);
  const loading = connection.fetch({ filter: "all" });
  await pass(10);
  connection.close();
  await loading;
});

test("once signed out nothing is asked any more, whatever waits", async () => {
  await open("http");
  server.mode = "down";
  await connection.act("archive", ["a1"]);
  server.mode = "signed-out";
  await pass(40_000);
  expect(connection.status.name).toBe("signed-out");
  const requests = server.requests.length;
  await pass(120_000);
  await expect(connection.fetch({ filter: "all" })).rejects.toMatchObject({ code: "signed_out" });
  expect(server.requests).toHaveLength(requests);
});

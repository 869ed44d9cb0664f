import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { UNREACHABLE } from "../core/errors";
import { SocketIo } from "../core/socketio";
import type { End } from "../core/socketio";

/** A line to nobody: the test says what comes. */
class Line {
  static all: Line[] = [];
  readonly sent: string[] = [];
  closed = false;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor(readonly url: URL) {
    if (url.hostname === "forbidden.example") throw new DOMException("CSP", "SecurityError");
    Line.all.push(this);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.closed = true;
  }

  say(...texts: unknown[]): void {
    for (const data of texts) this.onmessage?.({ data });
  }
}

const HANDSHAKE = '0{"sid":"x","pingInterval":25000,"pingTimeout":20000}';
const ends: End[] = [];
const heard: unknown[] = [];
let auth: () => Promise<object>;
let io: SocketIo;

const line = (): Line => Line.all.at(-1) as Line;
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

function socket(base = ""): SocketIo {
  return new SocketIo(base, "/notifs", {
    auth: () => auth(),
    connected: () => heard.push("connected"),
    event: (name, data) => heard.push([name, data]),
    closed: (end) => ends.push(end),
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Line);
  Line.all = [];
  ends.length = heard.length = 0;
  auth = async () => ({ cursor: "a:1" });
  io = socket();
});

afterEach(() => {
  io.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function join(): Promise<void> {
  io.open();
  line().say(HANDSHAKE);
  await pass(0);
  line().say('40/notifs,{"sid":"y"}');
}

test("says who we are once the line is open, and is in when it is let in", async () => {
  io.open();
  expect(line().url.href).toBe("ws://localhost:3000/socket.io/?EIO=4&transport=websocket");
  expect(line().sent).toEqual([]);
  line().say(HANDSHAKE);
  await pass(0);
  expect(line().sent).toEqual(['40/notifs,{"cursor":"a:1"}']);
  expect(io.connected).toBe(false);
  line().say('40/notifs,{"sid":"y"}', '42/notifs,["response",{"type":"connected"}]', "6");
  expect(heard).toEqual(["connected", ["response", { type: "connected" }]]);
  expect(io.connected).toBe(true);
});

test.each([
  ["/app", "ws://localhost:3000/app/socket.io/?EIO=4&transport=websocket"],
  ["https://notifs.example/app", "wss://notifs.example/app/socket.io/?EIO=4&transport=websocket"],
])("knows the way to %s", (base, address) => {
  socket(base).open();
  expect(line().url.href).toBe(address);
  line().onclose?.({ code: 1006, reason: "" });
});

describe("an event", () => {
  test("is answered by its ack, whichever comes first", async () => {
    await join();
    const answers = Promise.all([io.ask("first", {}), io.ask("second", { a: 1 })]);
    expect(line().sent.slice(1)).toEqual(['42/notifs,1["first",{}]', '42/notifs,2["second",{"a":1}]']);
    line().say("43/notifs,2[2]", "43/notifs,1[1]", "43/notifs,1[3]", "43/notifs,77[1]");
    expect(await answers).toEqual([1, 2]);
    expect(ends).toEqual([]);
  });

  test("that is not answered in ten seconds is given up, and nothing else", async () => {
    await join();
    const answer = expect(io.ask("slow", {})).rejects.toBe(UNREACHABLE);
    await pass(10_000);
    await answer;
    line().say("43/notifs,1[1]");
    expect(ends).toEqual([]);
  });

  test("is given up with its line", async () => {
    await join();
    const answer = expect(io.ask("slow", {})).rejects.toBe(UNREACHABLE);
    line().onclose?.({ code: 1012, reason: "restart" });
    await answer;
    await expect(io.ask("later", {})).rejects.toBe(UNREACHABLE);
    expect(ends).toEqual([{ code: 1012, reason: "restart", meant: false }]);
  });
});

describe("the line is lost", () => {
  const lost = { code: 1006, reason: "", meant: false };

  test("when the server is not heard of for longer than it has promised", async () => {
    await join();
    for (let n = 0; n < 4; n++) {
      await pass(44_000);
      line().say("2");
      expect(line().sent.at(-1)).toBe("3");
    }
    await pass(44_000);
    expect(ends).toEqual([]);
    await pass(1_000);
    expect(ends).toEqual([lost]);
    expect(line().closed).toBe(true);
  });

  test.each(["visibilitychange", "pageshow", "online"])("when the machine wakes up too late (%s)", async (event) => {
    await join();
    // Asleep, time passes, and timers do not run.
    vi.setSystemTime(Date.now() + 44_000);
    dispatchEvent(new Event(event));
    expect(ends).toEqual([]);
    vi.setSystemTime(Date.now() + 2_000);
    dispatchEvent(new Event(event));
    expect(ends).toEqual([lost]);
  });

  test("when an act wakes it up too late, which is then not sent", async () => {
    await join();
    vi.setSystemTime(Date.now() + 46_000);
    await expect(io.ask("mark_read", {})).rejects.toBe(UNREACHABLE);
    expect(ends).toEqual([lost]);
    expect(line().sent).toHaveLength(1);
  });

  test("when it is not let in for twenty seconds", async () => {
    io.open();
    await pass(20_000);
    expect(ends).toEqual([lost]);
  });

  test.each(["garbage", "42/notifs,[", new Blob(), "1", '42/other,["response",{}]'])("by %s", async (text) => {
    await join();
    line().say(text, '42/notifs,["response",{}]');
    expect(ends).toEqual([lost]);
    expect(heard).toEqual(["connected"]);
    expect(line().closed).toBe(true);
  });

  test("when the browser may not even try, and that is told later", async () => {
    io = socket("https://forbidden.example");
    io.open();
    expect(ends).toEqual([]);
    await pass(0);
    expect(ends).toEqual([lost]);
  });
});

describe("the server means it", () => {
  const meant = { code: 1006, reason: "", meant: true };

  test("when it refuses us by name", async () => {
    io.open();
    line().say(HANDSHAKE, '44/notifs,{"message":"No.","data":{"code":"invalid_token"}}');
    expect(ends).toEqual([meant]);
  });

  test("but not when it says no more than that something failed", async () => {
    io.open();
    line().say(HANDSHAKE, '44/notifs,{"message":"Unable to connect"}');
    expect(ends).toEqual([{ ...meant, meant: false }]);
  });

  test("when it says goodbye", async () => {
    await join();
    line().say("41/notifs,");
    expect(ends).toEqual([meant]);
  });
});

test("without anything to say who we are by it is given up", async () => {
  auth = () => Promise.reject(new Error("no token"));
  io.open();
  line().say(HANDSHAKE);
  await pass(0);
  expect(ends).toEqual([{ code: 1006, reason: "", meant: true }]);
});

test("what was closed says nothing more, and what was for its line is not said on another", async () => {
  let given = (_: object): void => undefined;
  auth = () => new Promise((resolve) => (given = resolve));
  io.open();
  const first = line();
  first.say(HANDSHAKE);
  io.open();
  given({ cursor: "late" });
  await pass(0);
  expect(first.closed).toBe(true);
  expect(Line.all.map(({ sent }) => sent)).toEqual([[], []]);
  io.close();
  first.say("2");
  line().say(HANDSHAKE);
  await pass(100_000);
  expect(ends).toEqual([]);
  expect(Line.all.map(({ sent }) => sent)).toEqual([[], []]);
});

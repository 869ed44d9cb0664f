import fc from "fast-check";
import { expect, test } from "vitest";

import { connect, event, parse } from "../core/packets";

const HANDSHAKE = '{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100000}';
const read = (text: unknown) => parse(text, "/notifs");

test("what a server says is understood", () => {
  expect(read(`0${HANDSHAKE}`)).toEqual({ type: "open", pingInterval: 25_000, pingTimeout: 20_000 });
  expect(["1", "2", "6"].map(read)).toEqual([{ type: "close" }, { type: "ping" }, { type: "noop" }]);
  expect(read('40/notifs,{"sid":"x"}')).toEqual({ type: "connect" });
  expect(read("41/notifs,")).toEqual({ type: "disconnect" });
  expect(read('42/notifs,["response",{"a":"]\\n"}]')).toEqual({ type: "event", name: "response", data: { a: "]\n" } });
  expect(read('43/notifs,12[{"ok":true}]')).toEqual({ type: "ack", id: 12, data: { ok: true } });
  expect(read('44/notifs,{"message":"No.","data":{"code":"x"}}')).toEqual({ type: "refused", data: { code: "x" } });
});

test("what we say is as the protocols have it", () => {
  expect(connect("/notifs", { cursor: null })).toBe('40/notifs,{"cursor":null}');
  expect(event("/notifs", 7, "fetch", { filter: "all" })).toBe('42/notifs,7["fetch",{"filter":"all"}]');
});

test.each([
  undefined, new ArrayBuffer(1), "", "3", "5", "7", "x", "2probe", "0", "0{}", "0null", "0[]", "0{",
  '0{"pingInterval":"25000","pingTimeout":-1}', "4", "40", "40/notifs", "40,{}", "40/notifs,", '40/other,{"sid":"x"}',
  '42["response",{}]', "42/notifs,", "42/notifs,{}", "42/notifs,[]", "42/notifs,[1]", '42/notifs,["response"',
  "43/notifs,[1]", "43/notifs,1{}", "43/notifs,9999999999[1]", "44/notifs,null", '45/notifs,1-["x"]', "46/notifs,1-1[]",
])("%s is nothing that a server says", (text) => {
  expect(read(text)).toBeNull();
});

test("what is longer than any message is not even read", () => {
  const long = (length: number): string => `42/notifs,["x","${"a".repeat(length - 18)}"]`;
  expect(long(40)).toHaveLength(40);
  expect(read(long(2 ** 24))).not.toBeNull();
  expect(read(long(2 ** 24 + 1))).toBeNull();
});

test("no text whatever makes the parser fail", () => {
  const pieces = fc.constantFrom("0", "2", "40", "42", "43", "/notifs,", "1", "[", "]", '"', "{", "}", "null", ",");
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(pieces).map((all) => all.join(""))), (text) => {
      expect(["object"]).toContain(typeof read(text));
    }),
    { numRuns: 2_000 },
  );
});

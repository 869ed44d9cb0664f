/** Which tab alerts of what, for whom. */
import { beforeEach, expect, test, vi } from "vitest";

import { Alerts } from "../alerts/alerts";
import { Claims } from "../alerts/claims";
import type { Settings } from "../alerts/settings";
import { Connection } from "../core/connection";
import { notification } from "./model";

let held: Set<string>;

beforeEach(() => {
  held = new Set();
  const locks = {
    request: async (name: string, _: LockOptions, decide: (lock: object | null) => unknown) => {
      await Promise.resolve();
      decide(held.has(name) ? null : {});
      held.add(name);
    },
  };
  vi.spyOn(navigator, "locks", "get").mockReturnValue(locks as unknown as LockManager);
});

test("what one tab alerts of no other does", async () => {
  expect(await new Claims("here").take("ada", ["a", "b"])).toEqual(["a", "b"]);
  expect(await new Claims("here").take("ada", ["b", "c"])).toEqual(["c"]);
});

test("the same notification is news for each person that has it", async () => {
  expect(await new Claims("here").take("ada", ["a"])).toEqual(["a"]);
  expect(await new Claims("here").take("bob", ["a"])).toEqual(["a"]);
});

test("many are claimed one by one, as tabs hear of them in other parts", async () => {
  const many = Array.from({ length: 20 }, (_, n) => `n${n}`);
  expect(await new Claims("here").take("ada", many.slice(3, 9))).toEqual(many.slice(3, 9));
  expect(await new Claims("here").take("ada", many)).toEqual([...many.slice(0, 3), ...many.slice(9)]);
});

test("what a tab has alerted of stays taken when the tab is gone", async () => {
  const late = new Claims("here");
  expect(await new Claims("here").take("ada", ["a"])).toEqual(["a"]);
  held.clear();
  await new Promise((resolve) => setTimeout(resolve));
  expect(await late.take("ada", ["a", "b"])).toEqual(["b"]);
});

/** Of a tab that is looked at, with one unread notification; and what it shows. */
function tab() {
  const row = notification({ id: "a" });
  const connection = new Connection({ base: "", transport: "http" });
  vi.spyOn(connection, "shown", "get").mockReturnValue({ rows: new Map([["a", row]]), unseen: 1 } as never);
  const toasts = { tell: () => true, show: vi.fn(), missed: vi.fn(), go: vi.fn() };
  const settings = { choices: { sound: false, desktop: false, keys: true, quietUntil: 0 } } as Settings;
  const alerts = new Alerts("here", connection, settings, toasts);
  const stops = alerts.open();
  return { alerts, row, toasts, close: () => stops.forEach((stop) => stop()) };
}

const passed = () => new Promise((resolve) => setTimeout(resolve, 20));

test("who leaves while they claim leaves it to others", async () => {
  const [leaving, other] = [tab(), tab()];
  const alerted = leaving.alerts.alert([leaving.row]);
  leaving.close();
  await alerted;
  expect(leaving.toasts.show).not.toHaveBeenCalled();
  held.clear();
  await passed();
  await other.alerts.alert([other.row]);
  expect(other.toasts.show).toHaveBeenCalledOnce();
  other.close();
});

test("who leaves before the backlog is told leaves that to others", async () => {
  const [leaving, other] = [tab(), tab()];
  const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  other.alerts.miss(3);
  hidden.mockRestore();
  leaving.alerts.miss(3);
  leaving.close();
  await passed();
  expect(leaving.toasts.missed).not.toHaveBeenCalled();
  held.clear();
  document.dispatchEvent(new Event("visibilitychange"));
  await passed();
  expect(other.toasts.missed.mock.calls).toEqual([[3]]);
  other.close();
});

test("a backlog is told in one tab, and in no other that is looked at later", async () => {
  const [first, later] = [tab(), tab()];
  const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  later.alerts.miss(3);
  hidden.mockRestore();
  first.alerts.miss(3);
  await passed();
  held.clear();
  document.dispatchEvent(new Event("visibilitychange"));
  await passed();
  expect([first.toasts.missed.mock.calls, later.toasts.missed.mock.calls]).toEqual([[[3]], []]);
  first.close();
  later.close();
});

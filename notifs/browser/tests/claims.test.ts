/** Which tab alerts of what, for whom. */
import { beforeEach, expect, test, vi } from "vitest";

import { Claims } from "../alerts/claims";

let held: Set<string>;

beforeEach(() => {
  held = new Set();
  const locks = {
    request: (name: string, _: LockOptions, decide: (lock: object | null) => unknown) => {
      decide(held.has(name) ? null : {});
      held.add(name);
      return Promise.resolve();
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

/** Which tab alerts of what, for whom. */
import { beforeEach, expect, test, vi } from "vitest";

import { Claims, MOST_SHOWN } from "../alerts/claims";

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

test("so many that they are one alert are claimed at once, all or none", async () => {
  const many = Array.from({ length: MOST_SHOWN + 1 }, (_, n) => `n${n}`);
  expect(await new Claims("here").take("ada", many)).toEqual(many);
  expect(held.size).toBe(1);
  expect(await new Claims("here").take("ada", many)).toEqual([]);
});

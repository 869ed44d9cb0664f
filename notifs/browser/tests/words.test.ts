/** Small pure things: times, links, initials, and what the server's templates must draw the same. */
import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { initials, tint } from "../elements/avatar";
import { Backoff } from "../core/backoff";
import { sought } from "../elements/find";
import type { Finder, Terms } from "../elements/find";
import { ICONS } from "../elements/icons";
import { leaves, safeLink } from "../elements/links";
import { ago, dayOf, exact } from "../elements/time";

const NOW = new Date(2026, 5, 23, 14, 5).getTime();
const before = (minutes: number): string => new Date(NOW - minutes * 60_000).toISOString();

describe("times", () => {
  test.each([
    [0, "now"],
    [-3, "now"],
    [0.9, "now"],
    [1, "1 min"],
    [59.9, "59 min"],
    [60, "1 h"],
    [24 * 60, "1 d"],
    [30 * 24 * 60, "30 d"],
    [31 * 24 * 60, "1 mo"],
    [364 * 24 * 60, "11 mo"],
    [365 * 24 * 60, "1 y"],
  ])("%d minutes are %s", (minutes, words) => expect(ago(before(minutes), NOW)).toBe(words));

  test.each([
    [new Date(2026, 5, 23, 0, 0), "Today"],
    [new Date(2026, 5, 24, 9, 0), "Today"],
    [new Date(2026, 5, 22, 23, 59), "Yesterday"],
    [new Date(2026, 5, 21, 12, 0), "Sunday"],
    [new Date(2026, 5, 16, 23, 0), "16 June"],
    [new Date(2025, 10, 12, 12, 0), "12 November 2025"],
  ])("%s is under %s", (then, heading) => expect(dayOf(then.toISOString(), NOW)).toBe(heading));

  test("the exact time is told in full", () => {
    expect(exact(before(0))).toMatch(/^Tuesday,? 23 June 2026 at 14:05$/);
  });
});

describe("links", () => {
  test.each(["https://example.com/a@b", "HTTP://example.com", "https://a.example?b", "/notifications/1/read/", "/"])(
    "%s is followed",
    (url) => expect(safeLink(url)).toBe(url),
  );

  test.each([
    null, undefined, "", "javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "//evil.example",
    "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "java\nscript:alert(1)", "relative", "mailto:a@b.c",
    "https://example.com@evil.example", "https://", "https:evil.example", "&#106;avascript:alert(1)", `/${"x".repeat(2048)}`,
    7, {}, ["/"],
  ])("%j is not", (url) => expect(safeLink(url)).toBeNull());

  test("those that leave are known", () => {
    expect(["/", "/a?b=https://c", "https://example.com", "HTTP://example.com"].map(leaves)).toEqual([false, false, true, true]);
  });
});

/** tests/web/test_drawn_twice.py holds the server's templates to the same. */
describe("what the server draws too", () => {
  const { people, names, sought: searches } = JSON.parse(readFileSync("../../tests/web/drawn_twice.json", "utf8")) as {
    people: { name: string; initials: string; tint: number }[];
    names: Record<string, string>;
    sought: { terms: Terms; said: string }[];
  };

  test.each(people)("$name is $initials in tint $tint", (person) => {
    expect([initials(person.name), tint(person.name.trim())]).toEqual([person.initials, person.tint]);
  });

  test.each(searches)("$terms is $said", ({ terms, said }) => {
    const finder = { nameOf: (actor: string) => names[actor] ?? actor } as Finder;
    expect(sought(terms, finder)).toBe(said);
  });
});

test("the server's icons are ours", () => {
  const icons = readFileSync("../web/templates/icons.html", "utf8");
  const drawn = [...icons.matchAll(/"(\w+)": "([^"]+)"/g)].map(([, name, path]) => [name, path]);
  expect(Object.fromEntries(drawn)).toEqual(ICONS);
});

test("waits grow to a limit, with jitter around them, and start anew", () => {
  const backoff = new Backoff(100, 1_000, () => 0.5);
  expect([1, 2, 3, 4, 5, 6].map(() => backoff.next())).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  backoff.reset();
  expect(backoff.next()).toBe(100);
  expect(new Backoff(100, 100, () => 0).next()).toBe(50);
});

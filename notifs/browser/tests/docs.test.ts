/** What the docs say of the elements is what they have: each attribute, event, slot, part and custom property, once. */
import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { NotifsBell, NotifsInbox, NotifsToasts } from "../index";
import { MailboxElement } from "../elements/element";

const read = (file: string): string => readFileSync(file, "utf8");
const ELEMENTS = [
  { name: "notifs-inbox", element: NotifsInbox, files: sourcesOf("inbox") },
  { name: "notifs-bell", element: NotifsBell, files: sourcesOf("bell") },
  { name: "notifs-toasts", element: NotifsToasts, files: sourcesOf("toasts") },
];

/** The files that an element is made of: what it imports, now or later, and what that imports, of the same folder. */
function sourcesOf(name: string, known = new Set<string>()): Set<string> {
  if (known.has(name)) return known;
  known.add(name);
  const imported = read(`elements/${name}.ts`).matchAll(/^(?:im|ex)port \{.*from "\.\/([\w-]+)"|import\("\.\/([\w-]+)"\)/gm);
  for (const [, other, part] of imported) sourcesOf((other ?? part)!, known);
  return known;
}

/** What stands in the first column of a section's tables, by what the column is called. */
function told(heading: string): Map<string, string[]> {
  const section = read("../../docs/elements.md").split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? "";
  const tables = section.matchAll(/^\| ([\w ]+) \|.*\n\| ---.*\n((?:\|.*\n)+)/gm);
  return new Map([...tables].map(([, column, rows]) => {
    return [column!, [...rows!.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name!).sort()];
  }));
}

function found(files: Iterable<string>, pattern: RegExp): string[] {
  const source = [...files].map((name) => read(`elements/${name}.ts`)).join("\n");
  const names = [...source.matchAll(pattern)].flatMap(([, each]) => each!.split(" "));
  return [...new Set(names)].sort();
}

test("what every element has", () => {
  expect(told("Every element").get("attribute")).toEqual([...MailboxElement.observedAttributes].sort());
});

test.each(ELEMENTS)("$name", ({ name, element, files }) => {
  const shared = MailboxElement.observedAttributes;
  const section = told(`\`<${name}>\``);
  const attributes = element.observedAttributes.filter((each) => !shared.includes(each)).sort();
  expect(section.get("attribute") ?? []).toEqual(attributes);
  // The bell's settings come together with toasts.
  const own = name === "notifs-toasts" ? ["stack"] : [...files].filter((file) => file !== "stack");
  expect(section.get("slot") ?? []).toEqual(found(own, /<slot name="([\w-]+)"/g));
  expect(section.get("part") ?? []).toEqual(found(own, /\bpart="([\w -]+)"/g));
  expect(section.get("event") ?? []).toEqual(found(own, /\btell\([\w.]+, "([\w-]+)"/g));
});

test("the look", () => {
  const names = [...read("styles/tokens.css").matchAll(/var\(\s*(--notifs-[\w-]+)/g)].map(([, name]) => name!);
  expect(told("The look").get("custom property")).toEqual([...new Set(names)].sort());
  expect(read("styles/theme.css")).toContain("--notifs-color-scheme");
});

/** The pure parts of triage: days and groups, what is drawn of a long list, when a snooze ends, what keys mean. */
import fc from "fast-check";
import { LitElement } from "lit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { withQuery } from "../elements/address";
import { around } from "../elements/continuity";
import { actorsOf, byDay } from "../elements/entries";
import { commandOf } from "../elements/keys";
import { Notices } from "../elements/notices";
import { Offsets } from "../elements/offsets";
import { Selection } from "../elements/selection";
import { Reused } from "../elements/slots";
import { bounds, moments, written } from "../elements/snooze";
import { until } from "../elements/time";
import { notification } from "./model";
import type { Notification } from "../core/wire";

const NOW = new Date(2026, 5, 23, 14, 5);

function rowsOf(...fields: Partial<Notification>[]): Notification[] {
  return fields.map((each, n) => notification({ id: `r${n}`, created_at: NOW.toISOString(), ...each }));
}

describe("days and groups", () => {
  const shown = (rows: readonly Notification[], opened: readonly string[] = []): unknown =>
    byDay(rows, NOW.getTime(), new Set(opened)).map(({ label, entries }) => [
      label,
      entries.map((entry) => (entry.isInside ? `> ${entry.key}` : entry.rows.map(({ id }) => id).join("+"))),
    ]);
  const on = (day: number, hour: number): string => new Date(2026, 5, day, hour).toISOString();

  test("rows of a group are one within a day, where the newest of them is", () => {
    const rows = rowsOf({ group: "a" }, {}, { group: "a" }, { group: "b" }, { group: "a", created_at: on(22, 23) });
    expect(shown(rows)).toEqual([["Today", ["r0+r2", "r1", "r3"]], ["Yesterday", ["r4"]]]);
  });

  test("an open group has its rows beneath it, and keeps its key when another comes", () => {
    const rows = rowsOf({ group: "a" }, { group: "a" }, {});
    const key = byDay(rows, NOW.getTime(), new Set())[0]?.entries[0]?.key ?? "";
    expect(shown(rows, [key])).toEqual([["Today", ["r0+r1", "> r0", "> r1", "r2"]]]);
    const more = [notification({ id: "new", group: "a", created_at: NOW.toISOString() }), ...rows];
    expect(byDay(more, NOW.getTime(), new Set())[0]?.entries[0]?.key).toBe(key);
    expect(byDay(more.slice(0, 1), NOW.getTime(), new Set())[0]?.entries[0]?.key).toBe(key);
  });

  test("a day ends at the reader's midnight, and one that comes again is no second day", () => {
    const times = [on(23, 0), on(22, 23), on(23, 1), on(22, 0), on(21, 23)];
    expect(shown(rowsOf(...times.map((created_at) => ({ created_at }))))).toEqual([
      ["Today", ["r0", "r2"]], ["Yesterday", ["r1", "r3"]], ["Sunday", ["r4"]],
    ]);
  });

  test("the newest day comes first, also where something older has come last", () => {
    const times = [on(20, 9), on(23, 8), on(22, 8), on(20, 7)];
    expect(shown(rowsOf(...times.map((created_at) => ({ created_at }))))).toEqual([
      ["Today", ["r1"]], ["Yesterday", ["r2"]], ["Saturday", ["r0", "r3"]],
    ]);
  });

  test("a group is opened on one day only", () => {
    const [nine, eight] = [on(22, 9), on(22, 8)];
    const group = "a";
    const rows = rowsOf({ group }, { group }, { group, created_at: nine }, { group, created_at: eight });
    const key = byDay(rows, NOW.getTime(), new Set())[1]?.entries[0]?.key ?? "";
    expect(shown(rows, [key])).toEqual([["Today", ["r0+r1"]], ["Yesterday", ["r2+r3", "> r2", "> r3"]]]);
  });

  test("a day that is the same is taken over, and one with a changed row is not", () => {
    const rows = rowsOf({}, { created_at: on(22, 9) });
    const opened = new Set<string>();
    const before = byDay(rows, NOW.getTime(), opened);
    const read = { ...(rows[0] as Notification), read_at: NOW.toISOString() };
    const after = byDay([read, ...rows.slice(1)], NOW.getTime(), opened, before);
    expect(after[0]?.entries[0]?.rows).toEqual([read]);
    expect(after[1]).toBe(before[1]);
    expect(byDay(rows, NOW.getTime(), new Set(), before)[1]).not.toBe(before[1]);
  });

  test("actors are told once each, by id or else by name", () => {
    const by = (id: string | null, name: string | null) => ({ actor: { id, name, avatar: null } });
    const rows = rowsOf(by("1", "Anna"), by("1", "Anna A."), by(null, "Ben"), {}, by(null, "Ben"));
    expect(actorsOf(rows).map(({ id }) => id)).toEqual(["r0", "r2"]);
  });
});

describe("what is drawn of a long list", () => {
  test("is found among a hundred thousand, whatever their heights", () => {
    const offsets = new Offsets();
    const keys = ["", ...Array.from({ length: 100_000 }, (_, n) => String(n))];
    offsets.lay(keys);
    offsets.measured("0", 100, 1);
    const [heading, first] = [offsets.start(1), offsets.start(2)];
    expect(first - heading).toBe(100);
    const row = offsets.start(3) - first;
    expect(offsets.total).toBe(heading + 100 + 99_999 * row);
    expect(offsets.between(0, 1)).toEqual([0, 1]);
    expect(offsets.between(first, first)).toEqual([2, 3]);
    expect(offsets.between(first - 1, first + row)).toEqual([1, 4]);
    expect(offsets.between(offsets.total - 1, Infinity)).toEqual([100_000, 100_001]);
    expect(offsets.between(-500, -400)).toEqual([0, 1]);
  });

  test("moves by what is added above, and an empty list has nothing", () => {
    const offsets = new Offsets();
    offsets.lay(["", "b"]);
    const before = offsets.start(offsets.indexOf("b"));
    offsets.measured("a", 80, 0);
    offsets.lay(["", "a", "b"]);
    expect(offsets.start(offsets.indexOf("b"))).toBe(before + 80);
    offsets.measured("a", 70, 0);
    expect(offsets.start(2)).toBe(before + 70);
    offsets.measured("a", 80, 0);
    offsets.measured("", 40, 0);
    expect([offsets.start(1), offsets.start(2)]).toEqual([40, 120]);
    offsets.lay([]);
    expect([offsets.total, offsets.indexOf("b"), offsets.between(0, 1_000)]).toEqual([0, -1, [0, 0]]);
  });
});

describe("the elements of a long list", () => {
  const laid = (slots: Reused, keys: readonly string[]): string[] => {
    slots.lay(keys);
    return keys.map(slots.of);
  };

  test("that go at one end come again at the other, and after a leap all do", () => {
    const slots = new Reused(() => true);
    expect(laid(slots, ["a", "b", "c", "d"])).toEqual(["a", "b", "c", "d"]);
    expect(laid(slots, ["c", "d", "e", "f"])).toEqual(["c", "d", "b", "a"]);
    expect(laid(slots, ["z", "c", "d", "e"])).toEqual(["a", "c", "d", "b"]);
    expect(laid(slots, ["u", "v", "w"])).toEqual(["a", "c", "d"]);
  });

  test("are new where rows have come and others gone, which are seen to go", () => {
    const slots = new Reused(() => false);
    const before = laid(slots, ["a", "b", "c"]);
    const after = laid(slots, ["n", "b", "c"]);
    expect(after.slice(1)).toEqual(before.slice(1));
    expect(before).not.toContain(after[0]);
  });

  test("are one for each that is drawn, the same as long as it is, and none is taken that is not free", () => {
    const scrolls = fc.array(fc.record({ at: fc.nat(60), by: fc.integer({ min: 1, max: 20 }), held: fc.nat(80) }));
    fc.assert(
      fc.property(scrolls, (steps) => {
        let focused = "";
        const slots = new Reused((key) => key !== focused);
        let before = new Map<string, string>();
        for (const { at, by, held } of steps) {
          focused = String(held);
          const keys = Array.from({ length: by }, (_, n) => String(at + n));
          const now = new Map(laid(slots, keys).map((slot, n) => [keys[n] as string, slot]));
          expect(new Set(now.values()).size).toBe(by);
          for (const [key, slot] of now) if (before.has(key)) expect(slot).toBe(before.get(key));
          if (!now.has(focused)) expect([...now.values()]).not.toContain(before.get(focused));
          before = now;
        }
      }),
    );
  });
});

describe("a snooze ends", () => {
  const at = (...parts: [number, number, number, number, number?]): Date => new Date(...parts);
  const told = (now: Date): Record<string, string> =>
    Object.fromEntries(moments(now).map(({ word, at }) => [word.replace("snooze.", ""), written(at)]));

  test("later today, tomorrow, or next week, in the morning", () => {
    const expected = { later: "2026-06-23T18:00", tomorrow: "2026-06-24T08:00", next_week: "2026-06-29T08:00" };
    expect(told(NOW)).toEqual(expected);
  });

  test("not later today when it is late, and not next week when that is tomorrow", () => {
    expect(Object.keys(told(at(2026, 5, 23, 18, 0)))).toContain("later");
    expect(Object.keys(told(at(2026, 5, 23, 18, 1)))).not.toContain("later");
    expect(told(at(2026, 5, 28, 12))).toEqual({ later: "2026-06-28T15:00", tomorrow: "2026-06-29T08:00" });
    expect(told(at(2026, 5, 29, 12))["next_week"]).toBe("2026-07-06T08:00");
  });

  test("at the same hour of the clock where the clock is changed", () => {
    const before = process.env["TZ"];
    try {
      process.env["TZ"] = "Europe/Berlin";
      // Summer time begins on 29 March 2026, and ends on 25 October.
      for (const eve of [at(2026, 2, 28, 20), at(2026, 9, 24, 20)]) {
        const tomorrow = moments(eve)[0]?.at ?? eve;
        expect([tomorrow.getDate() - eve.getDate(), tomorrow.getHours()]).toEqual([1, 8]);
        expect(tomorrow.getTime() - eve.getTime()).toBe((eve.getMonth() === 2 ? 11 : 13) * 3_600_000);
      }
      // An hour that there is not.
      expect(new Date("2026-03-29T02:30").getTime()).toBeGreaterThan(at(2026, 2, 29, 1, 59).getTime());
      expect(moments(at(2026, 2, 28, 23, 30))[0]?.at.getTime()).toBeGreaterThan(at(2026, 2, 28, 23, 30).getTime());
    } finally {
      process.env["TZ"] = before;
    }
  });

  test("within a year and a day, and not before the next minute", () => {
    expect(bounds(NOW)).toEqual({ min: "2026-06-23T14:06", max: "2027-06-23T00:00", value: "2026-06-24T08:00" });
  });

  test.each([
    [at(2026, 5, 23, 18), "18:00"],
    [at(2026, 5, 24, 8), "Wed 08:00"],
    [at(2026, 5, 30, 8), "30 Jun 08:00"],
  ])("%s is told as %s", (then, words) => expect(until(then, NOW)).toBe(words));
});

describe("keys", () => {
  function command(key: string, markup: string, keys: KeyboardEventInit = {}): string | null {
    document.body.innerHTML = `<main>${markup}</main>`;
    let found: string | null = null;
    const main = document.querySelector("main") as HTMLElement;
    main.addEventListener("keydown", (event) => (found = commandOf(event, main)));
    const target = main.querySelector("[id=here]") ?? main;
    const init = { key, bubbles: true, composed: true, cancelable: true, ...keys };
    target.dispatchEvent(new KeyboardEvent("keydown", init));
    return found;
  }

  const ROW = '<div class="list"><li id="here"></li></div>';

  test.each([
    ["j", "next"], ["ArrowDown", "next"], ["k", "previous"], ["e", "archive"], ["#", "archive"], ["I", "read"],
    ["u", "unread"], ["U", "unread"], ["s", "snooze"], ["x", "select"], ["z", "undo"], ["/", "search"], ["3", "tab"],
    ["?", "help"], ["Enter", "open"],
  ])("%s on a row: %s", (key, wanted) => expect(command(key, ROW)).toBe(wanted));

  test.each(["i", "5", "Tab", " "])("%s means nothing", (key) => expect(command(key, ROW)).toBe(null));

  test.each([
    '<input id="here">', '<textarea id="here"></textarea>',
    '<div role="menu"><button id="here"></button></div>',
    '<div contenteditable="true"><b id="here"></b></div>',
    '<dialog><p id="here"></p></dialog>', '<select id="here"></select>',
    '<notifs-bell id="here"></notifs-bell>',
  ])("nothing in %s", (markup) => {
    expect(command("e", markup)).toBe(null);
    expect(command("a", markup, { ctrlKey: true })).toBe(null);
  });

  test.each(["ctrlKey", "altKey", "metaKey"])("nothing with %s, but to select all", (name) => {
    expect(command("e", ROW, { [name]: true })).toBe(null);
    expect(command("a", ROW, { [name]: true })).toBe(name === "altKey" ? null : "select_all");
  });

  test("Enter presses what has the focus, and arrows scroll outside of the list", () => {
    expect(command("Enter", '<div class="list"><button id="here"></button></div>')).toBe(null);
    expect(command("ArrowDown", '<div class="list"><button id="here"></button></div>')).toBe("next");
    expect(command("ArrowDown", "")).toBe(null);
    expect(command("Enter", "")).toBe(null);
    expect(command("j", "")).toBe("next");
  });
});

describe("the focus goes from a row that has gone", () => {
  const ids = ["a", "1", "2", "3", "b"];
  const rows = ids.map((id) => notification({ id, group: Number(id) ? "g" : null, created_at: NOW.toISOString() }));
  const listed = (opened: string) => byDay(rows, NOW.getTime(), new Set([opened]))[0]?.entries ?? [];
  const group = listed("")[1]?.key ?? "";
  const entries = listed(group);

  test.each([
    ["a", "g 1 2 3 b"],
    ["2", "3 1 g b a"],
    ["3", "2 1 g b a"],
    ["b", "3 2 1 g a"],
    ["none", "a g 1 2 3 b"],
  ])("%s first to %s", (key, expected) => {
    expect([...new Set(around(key, entries))].map((each) => (each === group ? "g" : each)).join(" ")).toBe(expected);
  });
});

describe("the page's address", () => {
  const all = { filter: "all", text: "moth" } as const;

  test.each([
    ["/inbox", all, "/inbox?filter=all&text=moth"],
    ["/?view=inbox&text=old&lang=de#top", all, "/?view=inbox&lang=de&filter=all&text=moth#top"],
    ["/?view=inbox&filter=all&kind=a&actor=b", { filter: "unread" } as const, "/?view=inbox"],
    ["/notifications/?filter=all&before=7", all, "/notifications/?filter=all&text=moth"],
  ])("%s is the page's, but for what is looked for", (path, query, expected) => {
    history.replaceState(null, "", path);
    expect(withQuery(query)).toBe(expected);
    history.replaceState(null, "", "/");
  });
});

describe("picking", () => {
  const entries = ["a", "b", "c", "d"].map((key) => ({ key, rows: [notification({ id: key })], isInside: false }));
  const [a, b, , d] = entries as [(typeof entries)[0], (typeof entries)[0], (typeof entries)[0], (typeof entries)[0]];

  test("a range goes from the last one picked, either way, and does what the click does", () => {
    const selection = new Selection();
    selection.toggle(b, entries);
    selection.toggle(d, entries, true);
    expect([...selection.ids].sort()).toEqual(["b", "c", "d"]);
    selection.toggle(a, entries, true);
    expect([...selection.ids].sort()).toEqual(["a", "b", "c", "d"]);
    selection.toggle(b, entries, true);
    expect([...selection.ids].sort()).toEqual(["c", "d"]);
  });

  test("what was picked from a list that was put together anew since is picked", () => {
    const [entry] = byDay(rowsOf({}), NOW.getTime(), new Set())[0]?.entries ?? [];
    const selection = new Selection();
    if (entry !== undefined) selection.toggle({ ...entry }, [entry]);
    expect([...selection.ids]).toEqual(["r0"]);
  });

  test("what has gone is no longer picked", () => {
    const selection = new Selection();
    selection.set(["a", "b"]);
    selection.keep([b]);
    expect([...selection.ids]).toEqual(["b"]);
  });
});

describe("the line that tells what was done", () => {
  class Host extends LitElement {
    readonly notices = new Notices(this);
    protected override render = (): unknown => this.notices.render();
  }
  customElements.define("test-notices", Host);
  let host: Host;
  const words = (): Element | null => host.renderRoot.querySelector(".notice span");

  beforeEach(async () => {
    vi.useFakeTimers();
    host = new Host();
    document.body.append(host);
    host.notices.say("Archived.", () => undefined);
    await host.updateComplete;
  });

  afterEach(() => {
    host.remove();
    vi.useRealTimers();
  });

  test("has new words for each, so that the same are heard again, and one button", async () => {
    const [first, button] = [words(), host.renderRoot.querySelector("button")];
    host.notices.say("Archived.", () => undefined);
    await host.updateComplete;
    expect(words()?.textContent).toBe("Archived.");
    expect(words()).not.toBe(first);
    expect(host.renderRoot.querySelector("button")).toBe(button);
  });

  test("goes in its time, also when the page has moved it", async () => {
    document.body.prepend(host);
    vi.advanceTimersByTime(7_900);
    await host.updateComplete;
    expect(words()).not.toBeNull();
    vi.advanceTimersByTime(200);
    await host.updateComplete;
    expect(words()).toBeNull();
  });
});

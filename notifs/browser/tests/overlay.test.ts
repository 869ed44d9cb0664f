import { describe, expect, test } from "vitest";

import { overlay } from "../core/overlay";
import type { Asked } from "../core/overlay";
import { reduce, restore, view } from "../core/state";
import type { State } from "../core/state";
import type { ActBody, Notification, Snapshot } from "../core/wire";
import { notification } from "./model";

const NOW = "2026-02-02T00:00:00.000Z";
const THEN = "2026-01-01T00:00:00Z";

function mailbox(rows: readonly Partial<Notification>[], fields: Partial<Snapshot> = {}): State {
  const notifs = rows.map((row, index) => {
    const n = rows.length - index;
    return notification({ id: `n${n}`, position: n, revision: n, ...row });
  });
  const unread = notifs.filter((row) => row.read_at === null && row.archived_at === null && row.snoozed_until === null);
  return restore(
    {
      type: "snapshot", meta: "", cursor: `e:${rows.length}`, notifs, has_more: false, notif_count: unread.length,
      unseen_count: unread.filter((row) => row.seen_at === null).length, ...fields,
    },
    "unread",
  );
}

const asked = (act: Asked["act"], body: ActBody): Asked => ({ act, body, since: NOW });
const ids = (state: State): string[] => view(state, { filter: "unread" }).map(({ id }) => id);
const counts = ({ unread, unseen }: State): number[] => [unread, unseen];
const row = (state: State, id: string): Notification => state.rows.live(id) as Notification;

describe("an act under way", () => {
  test("changes rows and counts as the server will, and nothing else", () => {
    const state = mailbox([{}, {}, { read_at: THEN, seen_at: THEN }]);
    const shown = overlay(state, [asked("mark_read", { ids: ["n3", "n3", "n1", "unknown"] })]);
    expect(ids(shown)).toEqual(["n2"]);
    expect(counts(shown)).toEqual([1, 1]);
    expect(row(shown, "n3")).toEqual({ ...row(state, "n3"), read_at: NOW, seen_at: NOW });
    expect(row(shown, "n1")).toBe(row(state, "n1"));
    expect(counts(state)).toEqual([2, 2]);
  });

  test.each<[Asked["act"], Partial<Notification>, Partial<Notification>, number]>([
    ["mark_unread", { read_at: THEN, seen_at: THEN }, { read_at: null }, 1],
    ["archive", { snoozed_until: THEN }, { archived_at: NOW, snoozed_until: null, seen_at: NOW }, 0],
    ["archive", {}, { archived_at: NOW, seen_at: NOW }, 0],
    ["unarchive", { archived_at: THEN }, { archived_at: null, seen_at: NOW }, 1],
    ["snooze", {}, { snoozed_until: "2026-03-03T00:00:00Z", seen_at: NOW }, 0],
    ["snooze", { archived_at: THEN }, {}, 0],
    ["unsnooze", { snoozed_until: THEN, read_at: THEN, seen_at: THEN }, { snoozed_until: null }, 0],
    ["mark_seen", {}, { seen_at: NOW }, 1],
    ["mark_seen", { archived_at: THEN }, {}, 0],
  ])("%s %o", (act, before, after, unread) => {
    const state = mailbox([before]);
    const shown = overlay(state, [asked(act, { ids: ["n1"], until: "2026-03-03T00:00:00Z" })]);
    expect(row(shown, "n1")).toEqual({ ...row(state, "n1"), ...after });
    expect(counts(shown)).toEqual([unread, 0]);
  });

  test("of everything leaves what came since, and counts down what is not even loaded", () => {
    const before = mailbox([{}, {}], { has_more: true, notif_count: 120, unseen_count: 7 });
    const came = notification({ id: "n3", position: 3, revision: 3 });
    const state = reduce(before, {
      type: "created", meta: "", prev: 2, cursor: "e:3", notif_count: 121, unseen_count: 8, notifs: [came],
    });
    const read = overlay(state, [asked("mark_all_read", { up_to: "e:2" })]);
    expect(ids(read)).toEqual(["n3"]);
    expect(counts(read)).toEqual([1, 1]);
    expect(counts(overlay(state, [asked("mark_seen", { up_to: "e:2" })]))).toEqual([121, 1]);
  });

  test("that takes back is about the rows that were last changed then", () => {
    const state = mailbox([{ archived_at: THEN, revision: 9 }, { archived_at: THEN, revision: 8 }, { revision: 9 }]);
    const shown = overlay(state, [asked("unarchive", { at: "e:9" })]);
    expect(ids(shown)).toEqual(["n3", "n1"]);
    expect(counts(shown)).toEqual([2, 1]);
  });

  test("of another life of the database is about nothing that we know", () => {
    const state = mailbox([{}, {}]);
    for (const body of [{ up_to: "f:2" }, { at: "f:1" }]) {
      expect(overlay(state, [asked("mark_all_read", body)])).toEqual(state);
    }
  });
});

test("acts follow each other, and none leaves the state as it is", () => {
  const state = mailbox([{}]);
  const shown = overlay(state, [asked("mark_read", { ids: ["n1"] }), asked("mark_unread", { ids: ["n1"] })]);
  expect(ids(shown)).toEqual(["n1"]);
  expect(counts(shown)).toEqual([1, 0]);
  expect(overlay(state, [])).toBe(state);
});

import { describe, expect, test } from "vitest";

import { EMPTY, reduce, restore, view, windowOf } from "../core/state";
import type { Input, State } from "../core/state";
import { formatCursor, parseCursor } from "../core/wire";
import type { Change, Notification, Page, Row, Snapshot } from "../core/wire";
import { notification } from "./model";

const row = (position: number, fields: Partial<Notification> = {}): Notification =>
  notification({ id: `n${position}`, position, revision: position, ...fields });

function change(type: Change["type"], prev: number, revision: number, notifs: readonly Row[], count = 1): Change {
  return { type, meta: "", prev, cursor: `e:${revision}`, notif_count: count, unseen_count: count, notifs };
}

function snapshot(revision: number, notifs: readonly Row[], fields: Partial<Snapshot> = {}): Snapshot {
  const count = notifs.length;
  return {
    type: "snapshot", meta: "", cursor: `e:${revision}`, notif_count: count, unseen_count: count, notifs,
    has_more: false, ...fields,
  };
}

function page(revision: number, notifs: readonly Notification[], fields: Partial<Page> = {}): Input {
  return {
    type: "page", cursor: `e:${revision}`, notif_count: 0, unseen_count: 0, notifs,
    has_more: false, filter: "unread", before: null, ...fields,
  };
}

const play = (state: State, ...inputs: Input[]): State => inputs.reduce(reduce, state);
const shown = (state: State): number[] => view(state, { filter: "unread" }).map((each) => each.position);
const three = restore(snapshot(3, [row(3), row(2), row(1)]), "unread");

test("a page of a search that has found nothing yet says where to go on", () => {
  const query = { filter: "all", text: "rare" } as const;
  const state = reduce(three, page(3, [], { ...query, has_more: true, through: 2 }));
  expect(windowOf(state, query)).toEqual({ through: 2, complete: false });
});

test("a cursor's epoch may itself contain colons", () => {
  expect(parseCursor("a:b:7")).toEqual({ epoch: "a:b", revision: 7 });
  expect(formatCursor({ epoch: "a:b", revision: 7 })).toBe("a:b:7");
});

describe("a change", () => {
  test("that follows is applied, counts and all", () => {
    const state = reduce(three, change("created", 3, 4, [row(4)], 4));
    expect(shown(state)).toEqual([4, 3, 2, 1]);
    expect(state.unread).toBe(4);
  });

  test("that is an announcement is a step like any other", () => {
    const state = reduce(three, change("announcement", 3, 4, [row(4)], 4));
    expect(shown(state)).toEqual([4, 3, 2, 1]);
    expect(state).toMatchObject({ cursor: { revision: 4 }, unread: 4, unseen: 4 });
    expect(reduce(three, change("announcement", 4, 5, [row(5)], 5)).needsSync).toBe(true);
  });

  test("that takes one back removes it whatever filter it is shown under, and takes the counts", () => {
    const archived = row(2, { archived_at: "2026-01-01T00:00:00Z" });
    const all = play(three, page(3, [row(3)], { filter: "all" }), page(3, [archived], { filter: "archived" }));
    const gone = [3, 2].map((n) => ({ id: `n${n}`, revision: 4, retracted: true as const }));
    const state = reduce(all, change("changed", 3, 4, gone, 1));
    expect((["unread", "all", "archived"] as const).map((filter) => view(state, { filter }).map(({ id }) => id))).toEqual(
      [["n1"], ["n1"], []],
    );
    expect(state).toMatchObject({ cursor: { revision: 4 }, unread: 1, unseen: 1 });
  });

  test("that takes back one that was never heard of changes the counts alone", () => {
    const state = reduce(three, change("changed", 3, 4, [{ id: "n0", revision: 4, retracted: true }], 2));
    expect(shown(state)).toEqual([3, 2, 1]);
    expect(state).toMatchObject({ cursor: { revision: 4 }, unread: 2 });
  });

  test("that takes one back is not undone by what was said before it", () => {
    const late = change("changed", 3, 4, [row(2, { revision: 4, read_at: "x" })], 2);
    const taken = change("delta", 3, 5, [{ id: "n2", revision: 5, retracted: true }], 2);
    const state = play(three, { type: "syncing" }, taken, late, page(5, [row(2)], { filter: "all" }));
    expect(shown(state)).toEqual([3, 1]);
    expect(view(state, { filter: "all" }).map((each) => each.id)).not.toContain("n2");
  });

  test("that leaves a gap is held, asks for a sync and is applied after it", () => {
    const gap = reduce(three, change("created", 4, 5, [row(5)], 5));
    expect(gap.needsSync).toBe(true);
    expect(shown(gap)).toEqual([3, 2, 1]);
    const filled = play(gap, { type: "syncing" }, change("delta", 3, 4, [row(4)], 4));
    expect(shown(filled)).toEqual([5, 4, 3, 2, 1]);
    expect(filled).toMatchObject({ needsSync: false, awaiting: false, held: [] });
  });

  test("of another epoch changes nothing and asks for a sync", () => {
    const other = reduce(three, { ...change("created", 3, 4, [row(4)]), cursor: "f:4" });
    expect(other).toEqual({ ...three, needsSync: true });
  });

  test("is held at most 256 times", () => {
    const messages = Array.from({ length: 300 }, (_, i) => change("created", 10 + i, 11 + i, []));
    expect(play(three, ...messages).held).toHaveLength(256);
  });
});

describe("a snapshot", () => {
  test("that nobody awaits and that is not newer is dropped", () => {
    expect(reduce(three, snapshot(3, []))).toBe(three);
  });

  test("that is awaited is taken even when it takes the state back", () => {
    const state = play(three, { type: "connected", meta: "" }, snapshot(2, [row(1)]));
    expect(state).toMatchObject({ cursor: { revision: 2 }, unread: 1, awaiting: false });
    expect(shown(state)).toEqual([1]);
  });

  test("that takes the state back takes nothing from what came while it was awaited", () => {
    const early = play(three, { type: "syncing" }, change("created", 3, 4, [row(4)], 4));
    expect(shown(early)).toEqual([4, 3, 2, 1]);
    const state = reduce(early, snapshot(3, [row(3)]));
    expect(shown(state)).toEqual([4, 3]);
    expect(state).toMatchObject({ cursor: { revision: 4 }, unread: 4, needsSync: false });
  });

  test("of the same cursor keeps the rows when nothing was missed", () => {
    const more = reduce(three, page(3, [row(3)], { filter: "all" }));
    const state = play(more, { type: "syncing" }, snapshot(3, [row(3)], { recovered: true }));
    expect(state.windows.all.complete).toBe(true);
    expect(shown(state)).toEqual([3, 2, 1]);
  });

  test("in pages is extended by its own pages only", () => {
    const first = reduce(EMPTY, snapshot(9, [row(9), row(8)], { has_more: true, notif_count: 4 }));
    expect(first.windows.unread).toEqual({ through: 8, complete: false });
    expect(reduce(first, snapshot(9, [row(6)], { before: 7 }))).toBe(first);
    expect(reduce(first, snapshot(8, [row(7)], { before: 8 }))).toBe(first);
    const second = reduce(first, snapshot(9, [row(7), row(6)], { before: 8 }));
    expect(shown(second)).toEqual([9, 8, 7, 6]);
    expect(second.windows.unread.complete).toBe(true);
  });

  test("page that comes late does not undo what has changed since", () => {
    const first = reduce(EMPTY, snapshot(9, [row(9)], { has_more: true, notif_count: 2 }));
    const read = reduce(first, change("changed", 9, 10, [row(7, { revision: 10, read_at: "x" })], 1));
    const state = reduce(read, snapshot(9, [row(7)], { before: 9, notif_count: 2 }));
    expect(shown(state)).toEqual([9]);
    expect(state.unread).toBe(1);
  });
});

describe("a fetched page", () => {
  const partial = restore(snapshot(9, [row(9), row(8)], { has_more: true, notif_count: 4 }), "unread");

  test("from the future waits until the state has caught up", () => {
    const early = reduce(partial, page(10, [row(7)], { before: 8 }));
    expect(shown(early)).toEqual([9, 8]);
    const state = reduce(early, change("created", 9, 10, [row(10)], 5));
    expect(shown(state)).toEqual([10, 9, 8, 7]);
  });

  test("that does not join the window stays out of sight", () => {
    const state = reduce(partial, page(9, [row(5)], { before: 6 }));
    expect(shown(state)).toEqual([9, 8]);
    expect(state.windows.unread).toBe(partial.windows.unread);
  });

  test("from before the last snapshot cannot bring back what it left out", () => {
    const state = reduce(restore(snapshot(9, [row(9)]), "unread"), page(8, [row(7)]));
    expect(shown(state)).toEqual([9]);
  });
});

describe("the view", () => {
  test("hides what is snoozed, archived or taken back", () => {
    const state = restore(
      snapshot(9, [
        row(4, { snoozed_until: "2030-01-01T00:00:00Z" }),
        row(3, { archived_at: "2026-01-01T00:00:00Z" }),
        { id: "n2", revision: 9, retracted: true },
        row(1),
      ]),
      "unread",
    );
    expect(view(state, { filter: "unread" }).map((each) => each.id)).toEqual(["n1"]);
  });

  test("shows nothing of a filter that was never loaded", () => {
    expect(view(three, { filter: "all" })).toEqual([]);
  });

  test("takes other kinds of messages for what they are", () => {
    expect(play(three, { type: "degraded", meta: "" }, { type: "error", meta: "" })).toBe(three);
  });
});

describe("ten thousand that arrive", () => {
  const created = (n: number): Input => change("created", n - 1, n, [row(n)], n);
  const many = Array.from({ length: 10_000 }, (_, n) => created(n + 4)).reduce(reduce, three);

  test("do not fill the memory: the oldest are let go, and the windows end above them", () => {
    expect(many.rows.size).toBeLessThanOrEqual(3_000);
    const { through, complete } = many.windows.unread;
    expect(complete).toBe(false);
    expect(shown(many).at(-1)).toBe(through);
    expect(shown(many)[0]).toBe(10_003);
    expect(many.unread).toBe(10_003);
  });

  test("are fetched again for who scrolls down, and then they stay", () => {
    let state = many;
    for (let n = 0; n < 40; n++) {
      const before = state.windows.unread.through as number;
      const older = Array.from({ length: 50 }, (_, i) => row(before - 1 - i));
      state = reduce(state, page(10_003, older, { before, has_more: true }));
    }
    expect(shown(state)).toHaveLength(shown(many).length + 2_000);
  });

  test("are not brought back as they were by a page from before they changed", () => {
    const old = row(5, { revision: 9_999, read_at: "x" });
    const changed = reduce(three, change("changed", 3, 9_999, [old], 1));
    const after = Array.from({ length: 4_000 }, (_, n) => created(n + 10_000)).reduce(reduce, changed);
    expect(after.rows.get("n5")).toBeUndefined();
    expect(reduce(after, page(9_998, [row(5)], { before: null }))).toBe(after);
  });
});

test("a search shows what it asks for, and what arrives that fits", () => {
  const query = { filter: "all", kind: "comment.posted", actor: "7", text: "LATE" } as const;
  const fits = { title: "A late word", actor: { id: "7", name: "Ada", avatar: null } };
  const others = [{ ...fits, kind: "x" }, { ...fits, actor: null }, { ...fits, title: "L.te" }];
  const rows = others.map((fields, n) => row(n + 5, fields));
  const found = reduce(three, page(3, [], { ...query }));
  expect(windowOf(found, query).complete).toBe(true);
  const state = reduce(found, change("created", 3, 7, [...rows, row(4, fits)], 4));
  expect(view(state, query).map(({ id }) => id)).toEqual(["n4"]);
  expect(view(state, { ...query, text: "later" })).toEqual([]);
  const byName = { filter: "all", actor: "Bob" } as const;
  const his = row(8, { actor: { id: null, name: "Bob", avatar: null } });
  const bob = play(state, page(7, [], byName), change("created", 7, 8, [his]));
  expect(view(bob, byName).map(({ id }) => id)).toEqual(["n8"]);
});

test("only the last searches are remembered, and the plain filters always", () => {
  const searches = Array.from({ length: 12 }, (_, n) => ({ filter: "all", text: String(n) }) as const);
  const state = searches.reduce((next, query) => reduce(next, page(3, [], query)), three);
  expect(searches.filter((query) => windowOf(state, query).complete)).toEqual(searches.slice(-8));
  expect(windowOf(state, { filter: "unread" }).complete).toBe(true);
});

test("a view is the same one as long as its rows are", () => {
  const query = { filter: "unread" } as const;
  expect(view(reduce(three, { type: "syncing" }), query)).toBe(view(three, query));
  expect(view(reduce(three, change("created", 3, 4, [row(4)])), query)).not.toBe(view(three, query));
});

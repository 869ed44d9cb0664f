/** Whatever happens to the messages on the way, one `sync` makes the state equal the store's. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { EMPTY, reduce, restore, view } from "../core/state";
import type { Input, State } from "../core/state";
import { loaded } from "../core/windows";
import { ACTS, FILTERS, formatCursor } from "../core/wire";
import type { Act, Filter, Notification } from "../core/wire";
import { perform, Store } from "./model";
import type { Step } from "./model";

type Fate = "arrives" | "lost" | "twice" | "late" | "again";

/** One thing that happens: the store changes, the client reconnects or asks, or the store is restored. */
type Event =
  | { readonly happens: "step"; readonly step: Step; readonly coalesce: boolean; readonly fate: Fate }
  | { readonly happens: "sync"; readonly fates: readonly Fate[] }
  | { readonly happens: "fetch"; readonly filter: Filter; readonly skip: number; readonly fate: Fate }
  | { readonly happens: "restore" };

const fate = fc.constantFrom<Fate>("arrives", "arrives", "lost", "twice", "late", "again");
const step = fc.record<Step>({
  act: fc.constantFrom("create", "create", "announce", "retract", "wake", ...(Object.keys(ACTS) as Act[])),
  pick: fc.nat(30),
  count: fc.integer({ min: 1, max: 4 }),
});
const steps = (maxLength: number) => fc.array(step, { maxLength });
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ happens: fc.constant("step" as const), step, coalesce: fc.boolean(), fate }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ happens: fc.constant("sync" as const), fates: fc.array(fate, { maxLength: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      happens: fc.constant("fetch" as const),
      filter: fc.constantFrom(...FILTERS),
      skip: fc.constantFrom(0, 0, 2),
      fate,
    }),
  },
  { weight: 1, arbitrary: fc.constant({ happens: "restore" as const }) },
);

/** A client whose messages can meet with anything on the way; every state it passes through is checked. */
class Client {
  state: State = EMPTY;
  private sent: Input[] = [];
  private late: Input[] = [];

  receive(input: Input): void {
    const before = this.state;
    this.state = reduce(before, input);
    this.checkRevision(before, input);
    checkCounts(this.state);
    this.checkRows();
  }

  /** Deliver a message as fate wants it; the late ones come after the next that arrives. */
  deliver(input: Input, how: Fate): void {
    this.sent.push(input);
    if (how === "lost") return;
    if (how === "late") {
      this.late.push(input);
      return;
    }
    this.receive(input);
    if (how === "twice") this.receive(input);
    if (how === "again") this.receive(this.sent[Math.floor(this.sent.length / 2)] ?? input);
    this.flush();
  }

  flush(): void {
    for (const input of this.late.splice(0).reverse()) this.receive(input);
  }

  private checkRevision(before: State, input: Input): void {
    const [from, to] = [before.cursor, this.state.cursor];
    if (from === null || to === null || from.epoch !== to.epoch || before.awaiting) return;
    expect(to.revision, `went back on ${input.type}`).toBeGreaterThanOrEqual(from.revision);
  }

  private checkRows(): void {
    for (const filter of FILTERS) {
      const ids = view(this.state, { filter }).map((row) => row.id);
      expect(new Set(ids).size, "shown twice").toBe(ids.length);
    }
  }
}

function checkCounts(state: State): void {
  if (!state.windows.unread.complete) return;
  const unread = view(state, { filter: "unread" });
  expect(unread.length, "count and list disagree").toBe(state.unread);
  expect(unread.filter((row) => row.seen_at === null).length, "badge and list disagree").toBe(state.unseen);
}

const cursorOf = (state: State): string | null => (state.cursor === null ? null : formatCursor(state.cursor));

function play(events: readonly Event[], kept = EMPTY.kept): { store: Store; client: Client } {
  const [store, client] = [new Store(), new Client()];
  client.state = { ...EMPTY, kept };
  let pending: number | null = null;
  for (const next of events) {
    if (next.happens === "restore") store.restore();
    if (next.happens === "step") {
      const from: number = pending ?? store.revision;
      const message = perform(store, next.step);
      if (message === null) continue;
      // A worker that reads the missing changes from the store says several revisions in one message.
      pending = next.coalesce ? from : null;
      if (!next.coalesce) client.deliver(store.since(from, message.type), next.fate);
    }
    if (next.happens === "sync") {
      client.receive({ type: "syncing" });
      const answer = store.sync(cursorOf(client.state));
      answer.forEach((message, i) => client.deliver(message, next.fates[i] ?? "arrives"));
    }
    if (next.happens === "fetch") {
      const { through } = client.state.windows[next.filter];
      // A page that skips some rows, as one would that was asked for before the window was emptied.
      const before = through === null ? null : through - next.skip;
      client.deliver({ type: "page", ...store.fetch({ filter: next.filter }, before) }, next.fate);
    }
  }
  return { store, client };
}

function sync(store: Store, client: Client): void {
  client.flush();
  client.receive({ type: "syncing" });
  for (const message of store.sync(cursorOf(client.state))) client.receive(message);
}

/** Read on until everything is loaded, as a person does who scrolls to the end. */
function readToTheEnd(store: Store, client: Client, filter: Filter): void {
  for (let pages = 0; !client.state.windows[filter].complete; pages++) {
    expect(pages, "never comes to the end").toBeLessThan(200);
    client.receive({ type: "page", ...store.fetch({ filter }, client.state.windows[filter].through) });
  }
}

const revisions = (rows: readonly Notification[]): string[] => rows.map((row) => `${row.id}@${row.revision}`);

function expectEqual(store: Store, client: Client): void {
  const { state } = client;
  expect(cursorOf(state)).toBe(store.cursor);
  expect({ unread: state.unread, unseen: state.unseen }).toEqual({
    unread: store.counted().notif_count,
    unseen: store.counted().unseen_count,
  });
  const shown = view(state, { filter: "unread" });
  const through = state.windows.unread.complete ? -Infinity : (state.windows.unread.through ?? Infinity);
  expect(revisions(shown)).toEqual(revisions(store.view("unread").filter((row) => row.position >= through)));
}

describe("after one sync the state equals the store's", () => {
  test("whatever is lost, repeated or swapped on the way", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), fc.constantFrom(EMPTY.kept, 4), (events, kept) => {
        const { store, client } = play(events, kept);
        sync(store, client);
        expect(client.state.awaiting || client.state.needsSync).toBe(false);
        expect(client.state.held).toEqual([]);
        expectEqual(store, client);
        for (const filter of FILTERS) {
          readToTheEnd(store, client, filter);
          expect(client.state.rows.size).toBeLessThanOrEqual(client.state.kept * 1.5);
          expect(revisions(view(client.state, { filter }))).toEqual(revisions(store.view(filter)));
        }
      }),
      { numRuns: 1500 },
    );
  });

  test("also when changes arrive between the question and the answer", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), steps(6), fc.nat(6), (events, next, late) => {
        const { store, client } = play(events);
        client.flush();
        client.receive({ type: "connected", meta: "" });
        // The room is entered before the mailbox is read: the same change may come before and in the answer.
        const cursor = cursorOf(client.state);
        const early = next.slice(0, late).map((each) => perform(store, each));
        const answer = store.sync(cursor);
        const after = next.slice(late).map((each) => perform(store, each));
        for (const message of [...early, ...after.slice(0, 1), ...answer, ...after.slice(1)]) {
          if (message !== null) client.receive(message);
        }
        if (client.state.needsSync) sync(store, client);
        expectEqual(store, client);
      }),
      { numRuns: 800 },
    );
  });
});

test("messages that arrive whole and in order need no sync at all", () => {
  fc.assert(
    fc.property(steps(30), (taken) => {
      const store = new Store();
      const client = new Client();
      sync(store, client);
      for (const next of taken) {
        const message = perform(store, next);
        if (message !== null) client.receive(message);
        expect(client.state.needsSync).toBe(false);
        expectEqual(store, client);
      }
    }),
    { numRuns: 300 },
  );
});

test("a message that was applied changes nothing when it comes again", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
      const store = new Store();
      const client = new Client();
      sync(store, client);
      const messages = steps.map((next) => perform(store, next)).filter((message) => message !== null);
      for (const message of messages) client.receive(message);
      const settled = client.state;
      for (const message of [...messages, ...messages.reverse()]) expect(reduce(settled, message)).toBe(settled);
    }),
    { numRuns: 200 },
  );
});

test("the first paint is where the stream goes on from", () => {
  fc.assert(
    fc.property(steps(12), steps(6), fc.constantFrom(...FILTERS), (before, missed, filter) => {
      const store = new Store();
      for (const next of before) perform(store, next);
      const { notifs, has_more } = store.fetch({ filter }, null);
      const client = new Client();
      client.state = restore({ type: "snapshot", meta: "", notifs, has_more, ...store.counted() }, filter);
      expect(loaded(client.state.windows[filter]) || notifs.length === 0).toBe(true);
      for (const next of missed) perform(store, next);
      sync(store, client);
      expectEqual(store, client);
      for (const each of FILTERS) {
        readToTheEnd(store, client, each);
        expect(revisions(view(client.state, { filter: each }))).toEqual(revisions(store.view(each)));
      }
    }),
    { numRuns: 500 },
  );
});

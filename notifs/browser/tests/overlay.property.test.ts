/** Whatever is done, refused, or lost on the way: what is shown never wavers, and comes to rest as the store. */
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Connection } from "../core/connection";
import type { Done } from "../core/outbox";
import { view } from "../core/state";
import type { State } from "../core/state";
import { formatCursor } from "../core/wire";
import type { Message, Notification, RowAct } from "../core/wire";
import { FakeServer } from "./fakes";
import { perform } from "./model";
import type { Step } from "./model";

type Fate = "arrives" | "lost" | "late";
type Event =
  | { readonly happens: "act"; readonly act: RowAct; readonly picks: readonly number[]; readonly refused: boolean }
  | { readonly happens: "read all" | "undo" | "break" | "down" | "up" }
  | { readonly happens: "others"; readonly step: Step }
  | { readonly happens: "pass"; readonly time: number };

const ROW_ACTS: RowAct[] = ["mark_read", "mark_unread", "archive", "unarchive", "snooze", "unsnooze"];
const picks = fc.array(fc.nat(9), { minLength: 1, maxLength: 3 });
const act = fc.constantFrom(...ROW_ACTS);
const time = fc.constantFrom(0, 1, 300, 3_000);
const step = fc.record<Step>({
  act: fc.constantFrom("create", "create", "wake", "retract", "mark_read", "archive", "mark_unread"),
  pick: fc.nat(9),
  count: fc.integer({ min: 1, max: 3 }),
});
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ happens: fc.constant("act" as const), act, picks, refused: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ happens: fc.constant("others" as const), step }) },
  { weight: 4, arbitrary: fc.record({ happens: fc.constant("pass" as const), time }) },
  { weight: 3, arbitrary: fc.record({ happens: fc.constantFrom("read all", "undo", "break", "down", "up") }) },
);
const fates = fc.infiniteStream(fc.constantFrom<Fate>("arrives", "arrives", "arrives", "lost", "late"));

/** What an act is about, as far as the row shows it: the click wants it to be so, and it must stay so. */
const WANTED: Record<RowAct, (row: Notification) => boolean> = {
  mark_read: (row) => row.read_at !== null,
  mark_unread: (row) => row.read_at === null,
  archive: (row) => row.archived_at !== null,
  unarchive: (row) => row.archived_at === null,
  snooze: (row) => row.snoozed_until !== null,
  unsnooze: (row) => row.snoozed_until === null,
};

interface Click {
  readonly id: string;
  readonly wanted: (row: Notification) => boolean;
}

class Person {
  readonly done: Done[] = [];
  /** What was ever shown that should not have been. */
  readonly wrong: string[] = [];
  /** Rows that were acted on, and that nobody else has touched since. */
  private clicks: Click[] = [];
  private late: Message[] = [];

  constructor(
    readonly connection: Connection,
    private readonly server: FakeServer,
    fate: () => Fate,
  ) {
    connection.on("change", () => this.look());
    server.loses = (message) => {
      const how = fate();
      if (how === "late") this.late.push(message);
      return how !== "arrives";
    };
  }

  async play(next: Event): Promise<void> {
    const { connection, server } = this;
    const [socket] = server.sockets;
    if (next.happens === "act") this.act(next.act, next.picks, next.refused);
    if (next.happens === "others") this.forget(server, () => server.push(perform(server.store, next.step)));
    if (next.happens === "break") socket?.drop();
    if (next.happens === "up" || next.happens === "down") server.mode = next.happens;
    if (next.happens === "down") socket?.drop();
    if (next.happens === "read all") this.readAll();
    if (next.happens === "undo") this.undo();
    if (next.happens !== "pass") return;
    await vi.advanceTimersByTimeAsync(next.time);
    for (const message of this.late.splice(0).reverse()) server.sockets[0]?.tell(message);
    expect(connection.status.name).not.toBe("signed-out");
  }

  /** Nothing is lost any more, and one thing more happens, so that what was lost before is missed. */
  async rest(): Promise<void> {
    const { server, connection } = this;
    server.loses = () => false;
    server.mode = "up";
    await vi.advanceTimersByTimeAsync(60_000);
    server.create();
    await vi.advanceTimersByTimeAsync(60_000);
    while (!connection.state.windows.unread.complete) await connection.fetch({ filter: "unread" });
  }

  private act(act: RowAct, picked: readonly number[], refused: boolean): void {
    const rows = picked.map((n) => this.connection.shown.rows.newest[n]).filter((row) => row !== undefined);
    const ids = rows.map(({ id }) => id);
    const wanted = WANTED[act];
    this.clicks = this.clicks.filter(({ id }) => !ids.includes(id));
    const asked = this.connection.act(act, ids, act === "snooze" ? new Date(Date.now() + 1_000) : undefined);
    this.server.refuses = refused && this.connection.waiting === 0 ? ids : null;
    if (!refused) {
      // What is archived, here or by others unheard of yet, cannot be snoozed: such a click wants nothing.
      const { shown, state } = this.connection;
      const isKnown = (id: string) => state.rows.get(id)?.revision === this.server.store.stored.get(id)?.row.revision;
      const able = rows.filter(({ id }) => isKnown(id) && wanted(shown.rows.live(id) as Notification));
      this.clicks.push(...able.map(({ id }) => ({ id, wanted })));
    }
    asked.then((done) => this.done.push(done), () => undefined);
  }

  private readAll(): void {
    this.clicks = [];
    this.connection.markAllRead().then((done) => this.done.push(done), () => undefined);
  }

  private undo(): void {
    const done = this.done.pop();
    if (done === undefined) return;
    this.clicks = [];
    void this.connection.undo(done).catch(() => undefined);
  }

  /** Others change rows: what was clicked there is no longer what must be shown. */
  private forget(server: FakeServer, change: () => void): void {
    const before = new Map([...server.store.stored].map(([id, { row }]) => [id, row]));
    const clicks = this.clicks;
    this.clicks = [];
    change();
    this.clicks = clicks.filter(({ id }) => before.get(id) === server.store.stored.get(id)?.row);
  }

  private look(): void {
    const { shown } = this.connection;
    this.wrong.push(...miscounted(shown));
    for (const { id, wanted } of this.clicks) {
      const row = shown.rows.live(id);
      if (row !== undefined && !wanted(row)) this.wrong.push(`${id} wavers`);
    }
  }
}

function miscounted(shown: State): string[] {
  const { unread, unseen } = shown;
  if (unread < 0 || unseen < 0) return [`${unread} unread, ${unseen} unseen`];
  if (!shown.windows.unread.complete) return [];
  const rows = view(shown, { filter: "unread" });
  const fresh = rows.filter((row) => row.seen_at === null);
  const isRight = rows.length === unread && fresh.length === unseen;
  return isRight ? [] : [`${rows.length} are not ${unread}, or ${fresh.length} ${unseen}`];
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("what is shown never wavers, and comes to rest as the store", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 25 }), fates, async (events, fate) => {
      localStorage.clear();
      const server = new FakeServer();
      server.store.create(5);
      server.install();
      const connection = new Connection({ base: "", transport: "socket" });
      try {
        connection.open();
        await vi.advanceTimersByTimeAsync(1);
        const person = new Person(connection, server, () => fate.next().value as Fate);
        for (const next of events) await person.play(next);
        await person.rest();
        const { shown, state } = connection;
        expect(person.wrong).toEqual([]);
        expect(shown).toBe(state);
        expect(connection.pending.size + connection.waiting).toBe(0);
        expect(state.cursor && formatCursor(state.cursor)).toBe(server.store.cursor);
        const { notif_count, unseen_count } = server.store.counted();
        expect([state.unread, state.unseen]).toEqual([notif_count, unseen_count]);
        expect(view(shown, { filter: "unread" })).toEqual(server.store.view("unread"));
      } finally {
        connection.close();
      }
    }),
    { numRuns: 500 },
  );
}, 30_000);

/** A small store that keeps the contract's promises, to hold the reducer against. */
import type { Act, ActBody, Change, Filter, Notification, Page, Query, Row, Snapshot } from "../core/wire";

export const PAGE = 3;
export const MOST_STREAMED = 6;
const MOST_CHANGES = 8;
const MOMENT = "2026-01-01T00:00:00Z";

/** Which rows an act changes, and what of them; all that somebody has acted on they have seen. */
const CHANGES: Record<Act, { when: (row: Notification) => boolean; then: Partial<Notification> }> = {
  mark_read: { when: (row) => row.read_at === null, then: { read_at: MOMENT } },
  mark_all_read: { when: isUnread, then: { read_at: MOMENT } },
  mark_unread: { when: (row) => row.read_at !== null, then: { read_at: null } },
  mark_seen: { when: (row) => row.seen_at === null && isKept(row), then: {} },
  archive: { when: (row) => row.archived_at === null, then: { archived_at: MOMENT, snoozed_until: null } },
  unarchive: { when: (row) => row.archived_at !== null, then: { archived_at: null } },
  snooze: { when: (row) => row.archived_at === null, then: { snoozed_until: MOMENT } },
  unsnooze: { when: (row) => row.snoozed_until !== null, then: { snoozed_until: null } },
};

export function notification(fields: Partial<Notification> & { id: string }): Notification {
  return {
    kind: "comment.posted",
    title: `Title of ${fields.id}`,
    body: null,
    url: null,
    icon: null,
    actor: null,
    actions: [],
    priority: "normal",
    group: null,
    data: {},
    created_at: MOMENT,
    received_at: "now",
    mark_read: `/notifications/${fields.id}/read/`,
    position: 1,
    revision: 1,
    seen_at: null,
    read_at: null,
    archived_at: null,
    snoozed_until: null,
    expires_at: null,
    ...fields,
  };
}

/** A stored row: a retracted one remembers nothing else. */
type Stored = { readonly row: Row; readonly position: number };

export class Store {
  epoch = "a";
  revision = 0;
  readonly stored = new Map<string, Stored>();

  get cursor(): string {
    return `${this.epoch}:${this.revision}`;
  }

  /** The database was restored from a backup: some rows are gone, and the epoch is new. */
  restore(): void {
    this.epoch = String.fromCharCode(this.epoch.charCodeAt(0) + 1);
    for (const [index, id] of [...this.stored.keys()].entries()) if (index % 2 === 1) this.stored.delete(id);
  }

  create(count: number, type: "created" | "announcement" = "created"): Change {
    const prev = this.revision;
    for (let i = 0; i < count; i++) {
      this.revision += 1;
      const id = `${this.epoch}${this.revision}`;
      const row = notification({ id, position: this.revision, revision: this.revision });
      this.stored.set(id, { row, position: this.revision });
    }
    return this.since(prev, type);
  }

  /** What a person asks for: one revision for everything that one call changes, as in the contract's store. */
  act(act: Act, { ids, at, up_to, until }: ActBody): Change | null {
    const { when, then } = CHANGES[act];
    const [epoch, revision] = (at ?? up_to ?? `${this.epoch}:${Infinity}`).split(":");
    if (epoch !== this.epoch) return null;
    const isMeant = (row: Notification): boolean =>
      (ids?.includes(row.id) ?? true) &&
      (at === undefined || row.revision === Number(revision)) &&
      (up_to === undefined || row.position <= Number(revision));
    const snoozed = until === undefined ? {} : { snoozed_until: until };
    return this.mark((row) => (isMeant(row) && when(row) ? { seen_at: MOMENT, ...then, ...snoozed } : null));
  }

  /** Snoozes whose time has come: back, and new again. */
  wake(): Change | null {
    const fresh = { snoozed_until: null, read_at: null, seen_at: null };
    return this.mark((row) => (row.snoozed_until === null ? null : fresh));
  }

  private mark(fields: (row: Notification) => Partial<Notification> | null): Change | null {
    const prev = this.revision;
    const marked = this.live().flatMap((row) => {
      const change = fields(row);
      return change === null ? [] : [{ ...row, ...change, revision: prev + 1 }];
    });
    if (marked.length === 0) return null;
    this.revision += 1;
    for (const row of marked) this.put(row);
    return this.since(prev, "changed");
  }

  retract(id: string): Change | null {
    const prev = this.revision;
    if (!this.stored.has(id)) return null;
    this.revision += 1;
    this.put({ id, revision: this.revision, retracted: true });
    return this.since(prev, "changed");
  }

  since(prev: number, type: Change["type"]): Change {
    const notifs = this.newestFirst().filter((row) => row.revision > prev);
    return { type, meta: "", prev, notifs, ...this.counted() };
  }

  /** The answer to `sync`, and to a connect with a cursor. */
  sync(cursor: string | null): (Change | Snapshot)[] {
    const [epoch, revision] = cursor?.split(":") ?? [];
    const behind = this.revision - Number(revision);
    if (epoch === this.epoch && behind >= 0 && behind <= MOST_CHANGES) {
      return [{ ...this.since(Number(revision), "delta"), recovered: true }];
    }
    const pages: Snapshot[] = [];
    for (let before: number | null = null, streamed = 0, more = true; more && streamed < MOST_STREAMED; ) {
      const { notifs, has_more } = this.fetch({ filter: "unread" }, before);
      const page: Snapshot = { type: "snapshot", meta: "", notifs, has_more, recovered: false, ...this.counted() };
      pages.push(before === null ? page : { ...page, before });
      more = has_more;
      streamed += notifs.length;
      before = (notifs.at(-1) as Notification | undefined)?.position ?? null;
    }
    return pages;
  }

  fetch(query: Query, before: number | null): Page {
    const older = this.find(query).filter((row) => before === null || row.position < before);
    const { cursor, notif_count, unseen_count } = this.counted();
    const has_more = older.length > PAGE;
    return { cursor, notif_count, unseen_count, notifs: older.slice(0, PAGE), has_more, before, ...query };
  }

  view(filter: Filter): Notification[] {
    if (filter === "archived") return this.live().filter((row) => row.archived_at !== null);
    if (filter === "snoozed") return this.live().filter((row) => row.snoozed_until !== null);
    return this.live().filter(filter === "all" ? isKept : isUnread);
  }

  find({ filter, kind, actor, text }: Query): Notification[] {
    return this.view(filter)
      .filter((row) => kind === undefined || row.kind === kind)
      .filter((row) => actor === undefined || (row.actor?.id ?? row.actor?.name) === actor)
      .filter((row) => text === undefined || row.title.toLowerCase().includes(text.toLowerCase()));
  }

  counted(): { cursor: string; notif_count: number; unseen_count: number } {
    const unread = this.view("unread");
    const unseen_count = unread.filter((row) => row.seen_at === null).length;
    return { cursor: this.cursor, notif_count: unread.length, unseen_count };
  }

  private put(row: Row): void {
    const before = this.stored.get(row.id);
    if (before !== undefined) this.stored.set(row.id, { ...before, row });
  }

  private live(): Notification[] {
    return this.newestFirst().filter((row): row is Notification => row.retracted !== true);
  }

  private newestFirst(): Row[] {
    return [...this.stored.values()].sort((a, b) => b.position - a.position).map(({ row }) => row);
  }
}

function isKept(row: Notification): boolean {
  return row.archived_at === null && row.snoozed_until === null;
}

function isUnread(row: Notification): boolean {
  return isKept(row) && row.read_at === null;
}

/** What a person or a producer does next; `pick` chooses among the stored ones. */
export interface Step {
  readonly act: "create" | "announce" | "retract" | "wake" | Act;
  readonly pick: number;
  readonly count: number;
}

export function perform(store: Store, { act, pick, count }: Step): Change | null {
  const stored = [...store.stored.keys()];
  const ids = Array.from({ length: count }, (_, i) => stored[(pick + i) % stored.length]).filter(
    (id) => id !== undefined,
  );
  if (act === "create") return store.create(count);
  if (act === "announce") return store.create(count, "announcement");
  if (act === "retract") return store.retract(ids[0] ?? "");
  if (act === "wake") return store.wake();
  return store.act(act, act === "mark_all_read" ? { up_to: store.cursor } : { ids });
}

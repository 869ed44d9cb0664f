/** A small store that keeps the contract's promises, to hold the reducer against. */
import type { Change, Filter, Notification, Page, Row, Snapshot } from "../core/wire";

export const PAGE = 3;
export const MOST_STREAMED = 6;
const MOST_CHANGES = 8;
const MOMENT = "2026-01-01T00:00:00Z";

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

  /** One revision for everything that one call changes, as in the contract's store. */
  mark(ids: readonly string[], fields: Partial<Notification>): Change | null {
    const prev = this.revision;
    const live = ids.map((id) => this.stored.get(id)?.row).filter((row) => row !== undefined && row.retracted !== true);
    if (live.length === 0) return null;
    this.revision += 1;
    for (const row of live as Notification[]) this.put({ ...row, ...fields, revision: this.revision });
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
      const { notifs, has_more } = this.fetch("unread", before);
      const page: Snapshot = { type: "snapshot", meta: "", notifs, has_more, recovered: false, ...this.counted() };
      pages.push(before === null ? page : { ...page, before });
      more = has_more;
      streamed += notifs.length;
      before = (notifs.at(-1) as Notification | undefined)?.position ?? null;
    }
    return pages;
  }

  fetch(filter: Filter, before: number | null): Page {
    const older = this.view(filter).filter((row) => before === null || row.position < before);
    const { cursor, notif_count, unseen_count } = this.counted();
    const has_more = older.length > PAGE;
    return { cursor, notif_count, unseen_count, notifs: older.slice(0, PAGE), has_more, filter, before };
  }

  view(filter: Filter): Notification[] {
    const live = this.newestFirst().filter((row): row is Notification => row.retracted !== true);
    if (filter === "archived") return live.filter((row) => row.archived_at !== null);
    const kept = live.filter((row) => row.archived_at === null);
    return filter === "all" ? kept : kept.filter((row) => row.read_at === null);
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

  private newestFirst(): Row[] {
    return [...this.stored.values()].sort((a, b) => b.position - a.position).map(({ row }) => row);
  }
}

/** What a person or a producer does next; `pick` chooses among the stored ones. */
export interface Step {
  readonly act: "create" | "announce" | "read" | "unread" | "archive" | "unarchive" | "seen" | "retract" | "readAll";
  readonly pick: number;
  readonly count: number;
}

export function perform(store: Store, step: Step): Change | null {
  const ids = [...store.stored.keys()];
  const picked = Array.from({ length: step.count }, (_, i) => ids[(step.pick + i) % ids.length]).filter(
    (id) => id !== undefined,
  );
  switch (step.act) {
    case "create":
      return store.create(step.count);
    case "announce":
      return store.create(step.count, "announcement");
    case "read":
      return store.mark(picked, { read_at: MOMENT, seen_at: MOMENT });
    case "unread":
      return store.mark(picked, { read_at: null });
    case "archive":
      return store.mark(picked, { archived_at: MOMENT });
    case "unarchive":
      return store.mark(picked, { archived_at: null });
    case "seen":
      return store.mark(picked, { seen_at: MOMENT });
    case "retract":
      return store.retract(picked[0] ?? "");
    case "readAll":
      return store.mark(ids, { read_at: MOMENT, seen_at: MOMENT });
  }
}

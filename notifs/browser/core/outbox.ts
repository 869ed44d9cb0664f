/**
 * Acts on their way to the server: in order, one at a time, and kept for later while it cannot be reached.
 *
 * An act is under way from the click until the state has reached the cursor that it was answered with, or until it was
 * refused.
 */
import { ActError, SIGNED_OUT, UNREACHABLE } from "./errors";
import type { Asked } from "./overlay";
import { MOST_IDS, parseCursor } from "./wire";
import type { Act, ActBody, Cursor, RowAct } from "./wire";

/** What came of an act: enough to take it back. */
export interface Done {
  readonly act: Act;
  readonly ids: readonly string[];
  /** Where the mailbox stood after it; null while it waits for a server. */
  readonly cursor: string | null;
  /** What was asked for, one after the other: the server takes only so many ids at once. */
  readonly parts: readonly Entry[];
}

export interface Entry extends Asked {
  cursor: string | null;
  /** Nobody waits for an answer any more: there was no server. */
  waits: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface OutboxEvents {
  readonly send: (act: Act, body: ActBody) => Promise<string>;
  readonly changed: () => void;
  /** One that had been kept for later was refused after all. */
  readonly refused: (error: ActError) => void;
}

const INVERSE: Partial<Record<Act, RowAct>> = {
  mark_read: "mark_unread",
  mark_all_read: "mark_unread",
  mark_unread: "mark_read",
  archive: "unarchive",
  unarchive: "archive",
  snooze: "unsnooze",
};

export class Outbox {
  /** In the order in which they were asked for. */
  entries: readonly Entry[] = [];
  private isSending = false;

  constructor(private readonly events: OutboxEvents) {}

  /** The ids of the rows that an act is under way for. */
  get ids(): ReadonlySet<string> {
    return new Set(this.entries.filter(({ waits }) => !waits).flatMap(({ body }) => body.ids ?? []));
  }

  /** How many acts are kept for later. */
  get waiting(): number {
    return this.entries.filter(({ waits }) => waits).length;
  }

  /** Rejects with ActError if it was refused. */
  async act(act: Act, body: ActBody): Promise<Done> {
    const parts = split(body);
    const answered = parts.map((part) => this.add(act, part));
    this.events.changed();
    void this.flush();
    return done(act, body.ids ?? [], await Promise.all(answered));
  }

  /** Do the opposite to what an act has changed, unless somebody else has changed it since. */
  async undo({ act, parts }: Done): Promise<void> {
    const inverse = INVERSE[act];
    if (inverse === undefined) return;
    const unsent = parts.filter(({ cursor }) => cursor === null);
    this.drop(...unsent);
    await Promise.all(parts.map(({ cursor }) => (cursor === null ? null : this.act(inverse, { at: cursor }))));
  }

  /** Send what there is, until the server cannot be reached. */
  async flush(): Promise<void> {
    if (this.isSending) return;
    this.isSending = true;
    let next: Entry | undefined;
    while ((next = this.entries.find(({ cursor }) => cursor === null)) !== undefined && (await this.send(next)));
    this.isSending = false;
  }

  /** The state has come this far. */
  settle(isReached: (cursor: Cursor) => boolean): void {
    const reached = this.entries.filter(({ cursor }) => cursor !== null && isReached(parseCursor(cursor)));
    if (reached.length > 0) this.entries = this.entries.filter((entry) => !reached.includes(entry));
  }

  clear(): void {
    for (const { reject } of this.entries) reject(UNREACHABLE);
    this.entries = [];
  }

  private add(act: Act, body: ActBody): Promise<Entry> {
    return new Promise((resolve, reject) => {
      const since = new Date().toISOString();
      const entry: Entry = { act, body, since, cursor: null, waits: false, resolve: () => resolve(entry), reject };
      this.entries = [...this.entries, entry];
    });
  }

  /** Returns whether to go on with the next one. */
  private async send(entry: Entry): Promise<boolean> {
    try {
      entry.cursor = await this.events.send(entry.act, entry.body);
      entry.waits = false;
      entry.resolve();
      this.events.changed();
      return true;
    } catch (error) {
      if (error === UNREACHABLE || (error === SIGNED_OUT && entry.waits)) return this.keep();
      this.drop(entry);
      entry.reject(error);
      if (entry.waits && error instanceof ActError) this.events.refused(error);
      return true;
    }
  }

  private keep(): false {
    for (const entry of this.entries.filter(({ cursor }) => cursor === null)) {
      entry.waits = true;
      entry.resolve();
    }
    this.events.changed();
    return false;
  }

  private drop(...gone: readonly Entry[]): void {
    this.entries = this.entries.filter((entry) => !gone.includes(entry));
    this.events.changed();
  }
}

function split(body: ActBody): ActBody[] {
  const { ids } = body;
  if (ids === undefined || ids.length <= MOST_IDS) return [body];
  const starts = Array.from({ length: Math.ceil(ids.length / MOST_IDS) }, (_, n) => n * MOST_IDS);
  return starts.map((start) => ({ ...body, ids: ids.slice(start, start + MOST_IDS) }));
}

function done(act: Act, ids: readonly string[], parts: readonly Entry[]): Done {
  return {
    act,
    ids,
    parts,
    get cursor() {
      return parts.at(-1)?.cursor ?? null;
    },
  };
}

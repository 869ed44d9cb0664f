/**
 * Acts on their way to the server: in order, one at a time, and kept for later while it cannot be reached.
 *
 * An act is under way from the click until the state has reached the cursor that it was answered with, or until it was
 * refused. It is in the browser's keeping from the click until the answer.
 */
import { Backoff } from "./backoff";
import { ActError, SIGNED_OUT, UNREACHABLE } from "./errors";
import { Kept } from "./kept";
import type { Asked } from "./overlay";
import { Timer } from "./timer";
import { MOST_IDS, parseCursor } from "./wire";
import type { Ack, Act, ActBody, Cursor, RowAct } from "./wire";

/** What came of an act: enough to take it back. */
export interface Done {
  readonly act: Act;
  readonly ids: readonly string[];
  /** Where the mailbox stood after it; null while it waits for a server. */
  readonly cursor: string | null;
  /** What was asked for, one after the other: the server takes only so many ids at once. */
  readonly parts: readonly Entry[];
}

/** What puts rows off again, until when they were. */
export interface Again {
  readonly ids: readonly string[];
  readonly until: string;
}

export interface Entry extends Asked {
  cursor: string | null;
  /** Whether there was anything to change, so that there is something to take back. */
  changed: boolean;
  /** How many times it was sent: what has no answer may be done all the same. */
  sent: number;
  readonly snoozes: readonly Again[];
  /** The rows that it is about, as far as they were known when it was asked for. */
  readonly about: readonly string[];
  /** Nobody waits for an answer any more: there was no server. */
  waits: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface OutboxEvents {
  /** `sent` is called when it goes out, if it does. */
  readonly send: (act: Act, body: ActBody, sent: () => void) => Promise<Ack>;
  readonly changed: () => void;
  /** Whether the server has said that it is there. */
  readonly isThere: () => boolean;
  /** One that had been kept for later was refused after all, or a part of one. */
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
/** What a server says that cannot do it just now; nobody who waits needs to hear of it. */
const FOR_NOW = /^(unreachable|store_unavailable|too_many_.*|http_(429|50[234]))$/;

export class Outbox {
  /** In the order in which they were asked for. */
  entries: readonly Entry[] = [];
  private kept: Kept | null = null;
  private sending: { readonly entry: Entry; readonly done: Promise<boolean> } | null = null;
  private isClosed = true;
  private readonly waits = new Backoff(1_000, 30_000);
  private readonly again = new Timer(() => void this.flush());

  constructor(
    private readonly base: string,
    private person: string | null,
    private readonly events: OutboxEvents,
  ) {}

  /** The ids of the rows that an act is under way for. */
  get ids(): ReadonlySet<string> {
    return new Set(this.entries.filter(({ waits }) => !waits).flatMap(({ body }) => body.ids ?? []));
  }

  /** How many acts are kept for later. */
  get waiting(): number {
    return this.entries.filter(isWaiting).length;
  }

  /** Whose acts they are: what is kept of theirs is taken over. */
  belongsTo(person: string): void {
    if (person === this.person) return;
    this.leave();
    this.person = person;
    this.take(person);
  }

  /**
   * Rejects with ActError if all of it was refused. `about`: which rows that is, as far as they are known, if it is not
   * said by their ids; `snoozesOf`: of what is put off already, until when it is.
   */
  async act(act: Act, body: ActBody, about?: readonly string[], snoozesOf?: (ids: readonly string[]) => Again[]): Promise<Done> {
    const answers = split(body).map((part) => this.add(act, part, part.ids ?? about, snoozesOf?.(part.ids ?? [])));
    this.changed();
    void this.flush();
    const settled = await Promise.allSettled(answers);
    const parts = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const refused = settled.find((each) => each.status === "rejected");
    if (refused !== undefined && parts.length === 0) throw refused.reason;
    if (refused !== undefined) this.events.refused(refused.reason as ActError);
    return done(act, parts);
  }

  /** Do the opposite to what an act has changed, unless somebody else has changed it since. */
  async undo({ parts }: Done): Promise<void> {
    const { sending } = this;
    if (sending !== null && parts.includes(sending.entry)) await sending.done;
    this.drop(...parts.filter(({ cursor }) => cursor === null));
    await Promise.all(parts.map((part) => this.revert(part)));
  }

  /** Send what there is, until the server cannot be reached. */
  async flush(): Promise<void> {
    if (this.sending !== null || this.isClosed) return;
    const entry = this.entries.find(({ cursor }) => cursor === null);
    if (entry === undefined) return;
    this.sending = { entry, done: this.send(entry) };
    const goesOn = await this.sending.done;
    this.sending = null;
    if (goesOn) return this.flush();
  }

  /** The state stands here: what it has reached is no longer under way, nor what is of another life of the database. */
  settle(at: Cursor | null): void {
    const isUnderWay = ({ cursor }: Entry): boolean => {
      if (cursor === null || at === null) return true;
      const { epoch, revision } = parseCursor(cursor);
      return epoch === at.epoch && revision > at.revision;
    };
    if (!this.entries.every(isUnderWay)) this.entries = this.entries.filter(isUnderWay);
  }

  /** Somebody else is here; who, will be told. */
  clear(): void {
    const { entries } = this;
    this.entries = [];
    this.save();
    this.leave();
    this.person = null;
    for (const { reject } of entries) reject(UNREACHABLE);
  }

  /** What waits is for who comes next: another page, or this one. Only where nothing can be kept it stays here. */
  leave(): void {
    if (this.kept === null) return;
    this.kept.save(this.entries.filter(isWaiting));
    this.kept.close();
    this.kept = null;
    this.entries = this.entries.filter((entry) => !isWaiting(entry));
  }

  close(): void {
    this.isClosed = true;
    this.keep();
    this.again.stop();
    this.leave();
  }

  open(): void {
    this.isClosed = false;
    if (this.person !== null) this.take(this.person);
  }

  private take(person: string): void {
    this.kept = Kept.open(this.base, person, (acts) => this.adopt(acts));
  }

  private async revert(part: Entry): Promise<void> {
    const { act, body, snoozes } = part;
    const inverse = INVERSE[act];
    // What was put off until one moment is so again by a cursor; what was until several, only by its ids.
    const until = snoozes[0]?.ids.length === body.ids?.length ? snoozes[0]?.until : undefined;
    let back = touched(part);
    if (back !== null && inverse !== undefined && !(act === "snooze" && until !== undefined)) {
      const [undone] = (await this.act(inverse, back)).parts as [Entry];
      back = undone.cursor === null ? {} : touched(undone);
    }
    if (back === null) return;
    const again = back.at !== undefined && until !== undefined ? [{ ...back, until }] : snoozes;
    await Promise.all(again.map((each) => this.act("snooze", each)));
  }

  private add(act: Act, body: ActBody, about?: readonly string[], snoozes?: readonly Again[]): Promise<Entry> {
    return new Promise((resolve, reject) => {
      const asked = entryOf({ act, body, since: new Date().toISOString() }, about, snoozes);
      const entry: Entry = { ...asked, resolve: () => resolve(entry), reject };
      this.entries = [...this.entries, entry];
    });
  }

  private adopt(acts: readonly Asked[]): void {
    if (acts.length === 0) return;
    const adopted = acts.map((asked) => ({ ...entryOf(asked), waits: true }));
    this.entries = [...adopted, ...this.entries].sort((a, b) => Date.parse(a.since) - Date.parse(b.since));
    this.changed();
    if (this.events.isThere()) void this.flush();
  }

  /** Returns whether to go on with the next one. */
  private async send(entry: Entry): Promise<boolean> {
    try {
      const { cursor, changed } = await this.events.send(entry.act, entry.body, () => (entry.sent += 1));
      entry.cursor = cursor;
      entry.changed = changed !== 0;
      entry.waits = false;
      this.entries = [...this.entries];
      this.waits.reset();
    } catch (error) {
      const code = error instanceof ActError ? error.code : "";
      if (error === UNREACHABLE || (entry.waits && (error === SIGNED_OUT || FOR_NOW.test(code)))) return this.keep();
      this.drop(entry);
      entry.reject(error);
      if (entry.waits && error instanceof ActError) this.events.refused(error);
      return true;
    }
    entry.resolve();
    this.changed();
    return true;
  }

  private keep(): false {
    for (const entry of this.entries.filter(({ cursor }) => cursor === null)) {
      entry.waits = true;
      entry.resolve();
    }
    this.again.set(this.waits.next());
    this.changed();
    return false;
  }

  private drop(...gone: readonly Entry[]): void {
    this.entries = this.entries.filter((entry) => !gone.includes(entry));
    this.changed();
  }

  private changed(): void {
    this.save();
    this.events.changed();
  }

  private save(): void {
    this.kept?.save(this.entries.filter(({ cursor }) => cursor === null));
  }
}

function isWaiting({ waits, cursor }: Entry): boolean {
  return waits && cursor === null;
}

function entryOf({ act, body, since }: Asked, about = body.ids ?? [], snoozes: readonly Again[] = []): Entry {
  const nobody = (): void => undefined;
  const fresh = { cursor: null, changed: false, sent: 0, waits: false };
  return { act, body, since, about, snoozes, ...fresh, resolve: nobody, reject: nobody };
}

/** The rows that it has changed; or may have, where it was sent and the answer was lost: all that it was about. */
function touched({ cursor, changed, sent, about }: Entry): ActBody | null {
  if (cursor !== null && changed) return { at: cursor };
  return sent > (cursor === null ? 0 : 1) && about.length > 0 ? { ids: about } : null;
}

function split(body: ActBody): ActBody[] {
  const { ids } = body;
  if (ids === undefined || ids.length <= MOST_IDS) return [body];
  const starts = Array.from({ length: Math.ceil(ids.length / MOST_IDS) }, (_, n) => n * MOST_IDS);
  return starts.map((start) => ({ ...body, ids: ids.slice(start, start + MOST_IDS) }));
}

function done(act: Act, parts: readonly Entry[]): Done {
  return {
    act,
    ids: parts.flatMap(({ body }) => body.ids ?? []),
    parts,
    get cursor() {
      return parts.at(-1)?.cursor ?? null;
    },
  };
}

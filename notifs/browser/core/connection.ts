/**
 * One mailbox: messages go through the reducer, acts go to the server, gaps are filled.
 *
 * `state` changes only by what the server says. An act merely asks; until the state has reached the cursor that the
 * server answered with, `shown` is the state with the act done already. Knows no elements.
 */
import { Backoff } from "./backoff";
import { Emitter } from "./emitter";
import { UNREACHABLE } from "./errors";
import type { ActError } from "./errors";
import { Link } from "./link";
import type { LinkOptions, Status } from "./link";
import { Memo } from "./memo";
import { News } from "./news";
import { Outbox } from "./outbox";
import type { Again, Done } from "./outbox";
import { overlay } from "./overlay";
import { EMPTY, isUnread, reduce, restore, windowOf } from "./state";
import type { Input, State } from "./state";
import { Timer } from "./timer";
import { formatCursor, parseCursor } from "./wire";
import type { Ack, Act, ActBody, Cursor, Filter, Message, Notification, Page, Query, RowAct, Snapshot } from "./wire";

export type { Status, Transport } from "./link";

export interface Events {
  /** State, status or acts under way have changed. */
  change: undefined;
  /** Notifications were created while we watched, or woke from a snooze. Newest first. */
  arrived: readonly Notification[];
  /** So many new ones came while we were away: told once we are back. */
  missed: number;
  /** An act that had been kept for later was refused after all, or a part of a large one. */
  refused: ActError;
  degraded: string;
  error: string;
}

export interface Options extends Omit<LinkOptions, "person"> {
  /** What the server has painted already, and for whom. */
  readonly initial?:
    | {
        readonly message: Snapshot;
        readonly filter: Filter;
        /** What was found, where it has painted that. */
        readonly found?: Page | undefined;
        readonly person?: string | undefined;
      }
    | undefined;
}

/** Rows of a first page, and of one for who scrolls on. */
const PAGE = 50;
const OLDER = 200;
/** The acts after which a row is no longer put off until when it was. */
const ENDS_SNOOZE: ReadonlySet<RowAct> = new Set(["archive", "snooze", "unsnooze"]);
/** How long what the server has promised may take before we ask for it: a change, an answer. */
const CHANGE_PATIENCE = 1_000;
const ANSWER_PATIENCE = 10_000;

export class Connection extends Emitter<Events> {
  state: State;
  status: Status = { name: "connecting" };
  /** Whose mailbox it is, in a word that does not say who that is; null as long as the server has not said it. */
  person: string | null;
  /** The server's word that its store cannot be read just now, until it can. */
  degraded: string | null = null;
  /** Whether a token says who we are: then no link does, which brings nothing but cookies along. */
  readonly byToken: boolean;

  private readonly link: Link;
  private readonly outbox: Outbox;
  private readonly drawn = new Memo<State>();
  private readonly syncs = new Backoff(200, 5_000);
  private readonly syncing = new Timer(() => void this.sync());
  private readonly news: News;
  private promised: Cursor | null = null;

  /** `token`: how to get one of the host's, where no cookie says who we are. Rejects with SIGNED_OUT if nobody is. */
  constructor({ initial, ...options }: Options) {
    super();
    this.byToken = options.token !== undefined;
    const whole = initial === undefined ? EMPTY : restore(initial.message, initial.filter);
    this.state = initial?.found === undefined ? whole : reduce(whole, { type: "page", ...initial.found });
    this.news = new News(this.state.cursor);
    this.person = initial?.person ?? null;
    this.outbox = new Outbox(options.base, this.person, {
      send: (act, body, sent) => this.send(act, body, sent),
      changed: () => this.changed(),
      isThere: () => this.link.met,
      refused: (error) => this.emit("refused", error),
    });
    this.link = new Link(
      { ...options, person: initial?.person },
      {
        cursor: () => this.cursor,
        opened: () => this.opened(),
        message: (message) => this.receive(message),
        polled: (message) => this.polled(message),
        met: (person) => this.met(person),
        lost: () => this.news.lost(),
        another: () => this.startAfresh(),
        changed: (status) => {
          this.status = status;
          if (status.name === "signed-out") this.outbox.leave();
          this.changed();
        },
      },
    );
  }

  /** The cursor that we stand at, as the server writes it. */
  get cursor(): string | null {
    return this.state.cursor === null ? null : formatCursor(this.state.cursor);
  }

  /** The state with the acts that are under way done already: what to draw. */
  get shown(): State {
    const { state } = this;
    const { entries } = this.outbox;
    return this.drawn.get([state, entries], () => overlay(state, entries));
  }

  /** The ids of the rows that an act is under way for. */
  get pending(): ReadonlySet<string> {
    return this.outbox.ids;
  }

  /** How many acts are kept until there is a server again. */
  get waiting(): number {
    return this.outbox.waiting;
  }

  open(): void {
    if (!this.link.closed) return;
    this.outbox.open();
    this.link.open();
  }

  close(): void {
    this.syncing.stop();
    this.link.close();
    this.outbox.close();
  }

  /** Do not wait for the next attempt. */
  retryNow(): void {
    this.link.retryNow();
  }

  /**
   * Done at once in `shown`, and there for good once the server has done it. While there is no server it is kept for
   * later. Rejects with ActError if the server refuses; then `shown` is as if it had never been asked for. Of more
   * than one call takes, a part may be refused: that is told by `refused`.
   */
  act(act: RowAct, ids: readonly string[], until?: Date): Promise<Done> {
    const snoozesOf = ENDS_SNOOZE.has(act) ? (some: readonly string[]) => this.snoozesOf(some) : undefined;
    return this.outbox.act(act, until === undefined ? { ids } : { ids, until: until.toISOString() }, ids, snoozesOf);
  }

  /** Up to what the person was looking at: what arrives while they click stays unread. */
  async markAllRead(): Promise<Done> {
    const { cursor } = this;
    if (cursor === null) throw UNREACHABLE;
    const about = this.shown.rows.newest.filter(isUnread).map(({ id }) => id);
    return this.outbox.act("mark_all_read", { up_to: cursor }, about);
  }

  /** Whoever looks at the list has seen it. Not kept for later: the next look will ask again. */
  async markSeen(body: ActBody): Promise<void> {
    await this.send("mark_seen", body);
  }

  /** Take an act back, as far as nobody has changed the same rows since. */
  undo(done: Done): Promise<void> {
    return this.outbox.undo(done);
  }

  /** Load the next older stretch of what a query asks for. */
  async fetch(query: Query): Promise<void> {
    const before = windowOf(this.state, query).through;
    const request = { ...query, before, limit: before === null ? PAGE : OLDER };
    const page = await this.link.ask((via) => via.fetch(request));
    this.dispatch({ ...page, ...query, type: "page" });
    const cursor = parseCursor(page.cursor);
    this.expect(cursor);
    // What is newer than all that we know is kept until we know that, too: without it there is nothing to show.
    if (!this.reached(cursor) && this.state.awaiting && this.link.live) await this.answered();
    if (!this.reached(cursor)) await this.sync();
  }

  /** What puts these off once more, as they are now. */
  private snoozesOf(ids: readonly string[]): Again[] {
    const byTime = new Map<string, string[]>();
    for (const id of ids) {
      const until = this.shown.rows.live(id)?.snoozed_until;
      if (until) byTime.set(until, [...(byTime.get(until) ?? []), id]);
    }
    return [...byTime].map(([until, some]) => ({ ids: some, until }));
  }

  private async send(act: Act, body: ActBody, sent?: () => void): Promise<Ack> {
    const ack = await this.link.ask((via) => {
      sent?.();
      return via.act(act, body);
    });
    if (this.link.live) this.expect(parseCursor(ack.cursor));
    else void this.link.catchUp();
    return ack;
  }

  private receive(message: Message): void {
    const before = this.state;
    this.dispatch(message);
    if (message.type === "degraded") this.degrade(message.meta);
    if (message.type === "error") this.emit("error", message.error?.message ?? message.meta);
    const { arrived, missed } = this.news.hear(before, this.state, message);
    if (arrived.length > 0) this.emit("arrived", arrived);
    if (missed > 0) this.emit("missed", missed);
  }

  private dispatch(input: Input): void {
    const before = this.state;
    if (input.type === "delta" || input.type === "snapshot") this.degrade(null);
    this.state = reduce(before, input);
    if (before.awaiting && !this.state.awaiting) {
      this.syncs.reset();
      this.link.answered();
    }
    if (this.state.needsSync && !this.state.awaiting) this.syncing.set(this.syncs.next());
    if (this.state !== before) this.changed();
  }

  private degrade(meta: string | null): void {
    if (meta === this.degraded) return;
    this.degraded = meta;
    if (meta !== null) this.emit("degraded", meta);
    this.changed();
  }

  /** The server stands at this cursor, so its message is on the way; if it does not come soon, ask for it. */
  private expect(cursor: Cursor): void {
    if (this.reached(cursor)) return;
    this.promised = cursor;
    this.syncing.set(CHANGE_PATIENCE);
  }

  private reached(cursor: Cursor): boolean {
    const mine = this.state.cursor;
    return mine !== null && mine.epoch === cursor.epoch && mine.revision >= cursor.revision;
  }

  private async sync(): Promise<void> {
    const behind = this.promised !== null && !this.reached(this.promised);
    this.promised = null;
    if (!behind && !this.state.needsSync && !this.state.awaiting) return;
    if (this.link.live) this.dispatch({ type: "syncing" });
    // The answer comes as a message before the ack. If it did not, or there was no ack: once more, a little later.
    await this.link.catchUp();
    if (this.state.awaiting && this.link.live) this.syncing.set(this.syncs.next());
  }

  /** The answer that is awaited has come, or will not by this socket. */
  private answered(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.on("change", () => {
        if (this.state.awaiting && this.link.live) return;
        stop();
        resolve();
      });
    });
  }

  /** The delta or snapshot comes by itself; should it be lost on the way, ask for it. */
  private opened(): void {
    this.dispatch({ type: "syncing" });
    this.syncing.set(ANSWER_PATIENCE);
  }

  private polled(message: Message): void {
    this.dispatch({ type: "syncing" });
    this.receive(message);
  }

  private met(person: string | undefined): void {
    this.person = person ?? this.person;
    if (person !== undefined) this.outbox.belongsTo(person);
    void this.outbox.flush();
  }

  private startAfresh(): void {
    this.state = EMPTY;
    this.person = null;
    this.news.forget();
    this.promised = null;
    this.outbox.clear();
    this.syncing.stop();
  }

  private changed(): void {
    this.outbox.settle(this.state.cursor);
    this.emit("change", undefined);
  }
}

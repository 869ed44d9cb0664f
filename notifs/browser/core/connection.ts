/**
 * One mailbox's connection: messages go through the reducer, acts go to the server, gaps are filled.
 *
 * `state` changes only by what the server says. An act merely asks; until the state has reached the cursor that the
 * server answered with, `shown` is the state with the act done already. Knows no elements.
 */
import { Backoff } from "./backoff";
import { Emitter } from "./emitter";
import { ActError, SIGNED_OUT, UNREACHABLE } from "./errors";
import { Http } from "./http";
import { Outbox } from "./outbox";
import type { Done } from "./outbox";
import { overlay } from "./overlay";
import { Poller } from "./poller";
import { MailboxSocket } from "./socket";
import type { Closed } from "./socket";
import { news } from "./news";
import { EMPTY, reduce, restore, windowOf } from "./state";
import type { Input, State } from "./state";
import { Timer } from "./timer";
import { Tokens } from "./tokens";
import type { FetchToken } from "./tokens";
import { formatCursor, parseCursor } from "./wire";
import type { Act, ActBody, Cursor, Filter, Message, Notification, Query, RowAct, Snapshot } from "./wire";

export type Transport = "socket" | "http";

export type Status =
  | { readonly name: "connecting" | "live" | "polling" | "signed-out" }
  | { readonly name: "reconnecting"; readonly retryAt: number };

export interface Events {
  /** State, status or acts under way have changed. */
  change: undefined;
  /** Notifications were created while we watched, or woke from a snooze. */
  arrived: readonly Notification[];
  /** So many new ones came while we were away: told once we are back. */
  missed: number;
  degraded: string;
  error: string;
}

export interface Options {
  readonly base: string;
  readonly transport: Transport;
  /** What the server has painted already. */
  readonly initial?: { readonly message: Snapshot; readonly filter: Filter } | undefined;
  /** How to get a token of the host's, where no cookie says who we are. Rejects with SIGNED_OUT if nobody is. */
  readonly token?: FetchToken | undefined;
}

/** Rows of a first page, and of one for who scrolls on. */
const PAGE = 50;
const OLDER = 200;
const POLL = 5_000;
/** How long what the server has promised may take before we ask for it: a change, an answer. */
const CHANGE_PATIENCE = 1_000;
const ANSWER_PATIENCE = 10_000;
/** When a server restarts all come back, but not all at once. */
const SPREAD = 4_000;
/** After so many attempts in a row without a socket, HTTP takes over meanwhile. */
const PATIENT_ATTEMPTS = 3;

export class Connection extends Emitter<Events> {
  state: State;
  status: Status = { name: "connecting" };
  /** The server's word that its store cannot be read just now, until it can. */
  degraded: string | null = null;

  private readonly http: Http;
  private readonly socket: MailboxSocket | null;
  private readonly outbox = new Outbox({
    send: (act, body) => this.send(act, body),
    changed: () => this.changed(),
    refused: (error) => this.emit("error", error.message),
  });
  private drawn: { readonly state: State; readonly entries: readonly unknown[]; readonly shown: State } | null = null;
  private readonly poller = new Poller(() => this.poll(), POLL);
  private readonly attempts = new Backoff(500, 5_000);
  private readonly retry = new Timer(() => this.socket?.open());
  private readonly syncs = new Backoff(200, 5_000);
  private readonly syncing = new Timer(() => void this.sync());
  private readonly tokens: Tokens | null;
  private readonly refreshes = new Backoff(1_000, 30_000);
  private readonly refreshing = new Timer(() => void this.refresh());
  private readonly comeBack = (): void => this.retryNow();
  /** Whether nothing has come between us and the server since its last answer. */
  private watching = false;
  /** Up to where it was told what is new. */
  private told: Cursor | null;
  private failed = 0;
  private retryAt = 0;
  private promised: Cursor | null = null;
  private closed = true;

  constructor({ base, transport, initial, token }: Options) {
    super();
    this.state = initial === undefined ? EMPTY : restore(initial.message, initial.filter);
    this.told = this.state.cursor;
    this.tokens = token === undefined ? null : new Tokens(token, () => this.startAfresh());
    this.http = new Http(base, this.tokens);
    const events = {
      tokens: this.tokens,
      cursor: () => this.cursor,
      opened: () => this.opened(),
      closed: (how: Closed) => void this.lost(how),
      message: (message: Message) => this.receive(message),
    };
    this.socket = transport === "http" ? null : new MailboxSocket(base, events);
  }

  /** The cursor that we stand at, as the server writes it. */
  get cursor(): string | null {
    return this.state.cursor === null ? null : formatCursor(this.state.cursor);
  }

  /** The state with the acts that are under way done already: what to draw. */
  get shown(): State {
    const { state, drawn } = this;
    const { entries } = this.outbox;
    if (drawn?.state === state && drawn.entries === entries) return drawn.shown;
    this.drawn = { state, entries, shown: overlay(state, entries) };
    return this.drawn.shown;
  }

  /** The ids of the rows that an act is under way for. */
  get pending(): ReadonlySet<string> {
    return this.outbox.ids;
  }

  /** How many acts are kept until there is a server again. */
  get waiting(): number {
    return this.outbox.waiting;
  }

  private get person(): number {
    return this.tokens?.person ?? 0;
  }

  open(): void {
    if (!this.closed) return;
    this.closed = false;
    addEventListener("online", this.comeBack);
    if (this.socket === null) void this.poller.ask();
    else this.socket.open();
  }

  close(): void {
    this.closed = true;
    removeEventListener("online", this.comeBack);
    this.retry.stop();
    this.syncing.stop();
    this.refreshing.stop();
    this.poller.stop();
    this.socket?.close();
  }

  /** Do not wait for the next attempt. */
  retryNow(): void {
    if (this.retry.running) this.retry.now();
    if (this.poller.running) void this.poller.ask();
  }

  /**
   * Done at once in `shown`, and there for good once the server has done it. While there is no server it is kept for
   * later. Rejects with ActError if the server refuses; then `shown` is as if it had never been asked for.
   */
  act(act: RowAct, ids: readonly string[], until?: Date): Promise<Done> {
    return this.outbox.act(act, until === undefined ? { ids } : { ids, until: until.toISOString() });
  }

  /** Up to what the person was looking at: what arrives while they click stays unread. */
  async markAllRead(upTo: string | null = this.cursor): Promise<Done> {
    if (upTo === null) throw UNREACHABLE;
    return this.outbox.act("mark_all_read", { up_to: upTo });
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
    const page = await this.ask((via) => via.fetch(request));
    this.dispatch({ ...page, ...query, type: "page" });
    this.expect(parseCursor(page.cursor));
  }

  /** Returns the cursor at which it is done. */
  private async send(act: Act, body: ActBody): Promise<string> {
    const { cursor } = await this.ask((via) => via.act(act, body));
    if (this.socket?.live) this.expect(parseCursor(cursor));
    else void this.poller.ask();
    return cursor;
  }

  /** By the socket while there is one, else over HTTP, which may well work while the socket is coming back. */
  private async ask<Answer>(question: (via: MailboxSocket | Http) => Promise<Answer>): Promise<Answer> {
    const { person } = this;
    try {
      const answer = await question(this.socket?.live ? this.socket : this.http);
      if (person !== this.person) throw UNREACHABLE;
      return answer;
    } catch (error) {
      if (error === SIGNED_OUT) this.signOut();
      throw error;
    }
  }

  private receive(message: Message): void {
    const before = this.state;
    this.dispatch(message);
    if (message.type === "degraded") this.degrade(message.meta);
    if (message.type === "error") this.emit("error", message.error?.message ?? message.meta);
    this.tell(before, message);
  }

  /** Say what is new: one by one while we watch, and how much it was when we come back. */
  private tell(before: State, message: Message): void {
    const fresh = news(before, this.state, message, this.told);
    const isAnswer = message.type === "delta" || message.type === "snapshot";
    const missed = isAnswer && !this.watching;
    if (isAnswer) this.watching = true;
    this.told = latest(this.told, this.state.cursor);
    if (!missed && fresh.length > 0) this.emit("arrived", fresh);
    const more = message.type === "snapshot" && message.has_more && fresh.length === message.notifs.length;
    const count = more ? Math.max(fresh.length, this.state.unseen - before.unseen) : fresh.length;
    if (missed && count > 0) this.emit("missed", count);
  }

  private dispatch(input: Input): void {
    const before = this.state;
    if (input.type === "delta" || input.type === "snapshot") this.degrade(null);
    this.state = reduce(before, input);
    if (before.awaiting && !this.state.awaiting) this.answered();
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
    if (!this.socket?.live) return this.poller.ask();
    this.dispatch({ type: "syncing" });
    // The answer comes as a message before the ack. If it did not, or there was no ack: once more, a little later.
    await this.socket.sync(this.cursor).catch(() => undefined);
    if (this.state.awaiting && this.socket.live) this.syncing.set(this.syncs.next());
  }

  /** Whether the socket is not to be had for now, so that HTTP has to do. */
  private get onHttp(): boolean {
    return this.socket === null || this.failed >= PATIENT_ATTEMPTS;
  }

  private async poll(): Promise<boolean> {
    const { person } = this;
    try {
      const message = await this.http.changes(this.cursor);
      if (this.closed || this.socket?.live || person !== this.person) return false;
      this.dispatch({ type: "syncing" });
      this.receive(message);
      if (this.onHttp) this.setStatus({ name: "polling" });
      void this.outbox.flush();
    } catch (error) {
      if (this.closed || this.socket?.live || person !== this.person) return false;
      this.watching = false;
      if (error === SIGNED_OUT) this.signOut();
      else this.setStatus({ name: "reconnecting", retryAt: this.socket === null ? Date.now() + POLL : this.retryAt });
    }
    return this.onHttp && !this.closed;
  }

  private opened(): void {
    this.retry.stop();
    this.poller.stop();
    this.setStatus({ name: "live" });
    void this.outbox.flush();
    if (this.tokens !== null) this.refreshing.set(this.tokens.dueIn);
    // The delta or snapshot comes by itself; should it be lost on the way, ask for it.
    this.dispatch({ type: "syncing" });
    this.syncing.set(ANSWER_PATIENCE);
  }

  /** A socket ends with its token: bring a fresh one in time. */
  private async refresh(): Promise<void> {
    if (this.tokens === null || !this.socket?.live) return;
    const { person } = this;
    try {
      this.tokens.drop();
      const token = await this.tokens.get();
      if (person !== this.person) return;
      this.tokens.lasts(await this.socket.refresh(token));
      this.refreshes.reset();
      this.refreshing.set(this.tokens.dueIn);
    } catch (error) {
      const code = error instanceof ActError ? error.code : "";
      if (code === "wrong_subject") this.tokens.another();
      else if (code !== "not_by_token" && this.socket.live) this.refreshing.set(this.refreshes.next());
    }
  }

  /** Our tokens are somebody else's by now: nothing that we know is theirs, the cursor least of all. */
  private startAfresh(): void {
    this.state = EMPTY;
    this.told = null;
    this.watching = false;
    this.promised = null;
    this.outbox.clear();
    this.syncing.stop();
    if (this.poller.running) void this.poller.ask();
    if (this.socket?.live) {
      this.refreshing.stop();
      this.socket.reopen();
      this.status = { name: "connecting" };
    }
    this.changed();
  }

  /** Only an answer proves that the socket works: one that opens and is closed again has failed once more. */
  private answered(): void {
    this.syncs.reset();
    if (!this.socket?.live) return;
    this.failed = 0;
    this.attempts.reset();
  }

  /** The socket has closed, or could not be opened. */
  private async lost(how: Closed): Promise<void> {
    if (this.closed) return;
    this.refreshing.stop();
    if (this.status.name === "live") this.watching = false;
    if (how === "expired" || how === "ended") this.tokens?.drop();
    this.failed += 1;
    const wait = how === "restart" ? Math.random() * SPREAD : this.attempts.next();
    this.retryAt = Date.now() + wait;
    this.retry.set(wait);
    if (this.status.name !== "polling") this.setStatus({ name: "reconnecting", retryAt: this.retryAt });
    // Neither a refused handshake nor a closed socket says why: ask where there is a status code. But a socket that was
    // merely lost is tried again first: else a server that comes back would be asked by everybody at once.
    if (this.onHttp) return this.poller.running ? undefined : this.poller.ask();
    if (how !== "ended" && this.failed === 1) return;
    if ((await this.http.signedIn()) === false) this.signOut();
  }

  private signOut(): void {
    if (this.closed) return;
    this.close();
    this.setStatus({ name: "signed-out" });
  }

  private setStatus(status: Status): void {
    this.status = status;
    this.changed();
  }

  private changed(): void {
    this.outbox.settle((cursor) => this.reached(cursor));
    this.emit("change", undefined);
  }
}

/** The later of two cursors; of two lives of the database the one that we are in. */
function latest(told: Cursor | null, cursor: Cursor | null): Cursor | null {
  return told !== null && told.epoch === cursor?.epoch && told.revision > cursor.revision ? told : cursor;
}

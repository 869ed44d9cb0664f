/**
 * The way to the server: a socket while there is one, HTTP while there is none, and when to try again.
 *
 * Nothing is asked before the server has said whose mailbox it is that we reach: a page may stay open, or be opened
 * without a server, while somebody else signs in.
 */
import { Backoff } from "./backoff";
import { ActError, SIGNED_OUT, UNREACHABLE } from "./errors";
import { Http } from "./http";
import { Poller } from "./poller";
import { MailboxSocket } from "./socket";
import type { Closed } from "./socket";
import { Timer } from "./timer";
import { Tokens } from "./tokens";
import type { FetchToken } from "./tokens";
import type { Message } from "./wire";

export type Transport = "socket" | "http";

export type Status =
  | { readonly name: "connecting" | "live" | "polling" | "signed-out" }
  | { readonly name: "reconnecting"; readonly retryAt: number };

export interface LinkOptions {
  readonly base: string;
  readonly transport: Transport;
  /** Whose mailbox it is, as far as the page knows; see `Connected`. */
  readonly person?: string | undefined;
  readonly token?: FetchToken | undefined;
}

export interface LinkEvents {
  /** The cursor to come back with, asked at each attempt. */
  readonly cursor: () => string | null;
  /** A socket is open; what there is will be told. */
  readonly opened: () => void;
  readonly message: (message: Message) => void;
  /** What was asked for by HTTP. */
  readonly polled: (message: Message) => void;
  /** The server has said who we are, and that it is there: from now on it can be asked. */
  readonly met: (person: string | undefined) => void;
  /** From here on something may be missed. */
  readonly lost: () => void;
  /** We are somebody else: nothing that was known is theirs. */
  readonly another: () => void;
  readonly changed: (status: Status) => void;
}

const POLL = 5_000;
const PATIENCE = 10_000;
/** When a server restarts all come back, but not all at once. */
const SPREAD = 4_000;
/** After so many attempts in a row without a socket, HTTP takes over meanwhile. */
const PATIENT_ATTEMPTS = 3;

export class Link {
  closed = true;
  /** Whether the server has said who we are, and nothing has come between since. */
  met = false;
  private status: Status = { name: "connecting" };

  private readonly http: Http;
  private readonly socket: MailboxSocket | null;
  private readonly poller = new Poller(() => this.poll(), POLL);
  private readonly attempts = new Backoff(500, 5_000);
  private readonly retry = new Timer(() => this.socket?.open());
  private readonly tokens: Tokens | null;
  private readonly refreshes = new Backoff(1_000, 30_000);
  private readonly refreshing = new Timer(() => void this.refresh());
  private readonly comeBack = (): void => this.retryNow();
  private person: string | undefined;
  /** Counts the people whose this was. */
  private people = 0;
  private readonly waiting: (() => void)[] = [];
  private failed = 0;
  private retryAt = 0;

  constructor(
    { base, transport, person, token }: LinkOptions,
    private readonly events: LinkEvents,
  ) {
    this.person = person;
    this.tokens = token === undefined ? null : new Tokens(token, () => this.startAfresh());
    this.http = new Http(base, this.tokens, () => this.person);
    const socketEvents = {
      tokens: this.tokens,
      cursor: events.cursor,
      opened: () => this.opened(),
      closed: (how: Closed) => void this.lost(how),
      message: (message: Message) => this.hear(message),
    };
    this.socket = transport === "http" ? null : new MailboxSocket(base, socketEvents);
  }

  /** Whether changes are pushed, so that there is nothing to ask for. */
  get live(): boolean {
    return this.socket?.live === true;
  }

  open(): void {
    if (!this.closed) return;
    this.closed = false;
    this.setStatus({ name: "connecting" });
    addEventListener("online", this.comeBack);
    if (this.socket === null) void this.poller.ask();
    else this.socket.open();
  }

  close(): void {
    this.closed = true;
    removeEventListener("online", this.comeBack);
    this.retry.stop();
    this.refreshing.stop();
    this.poller.stop();
    this.socket?.close();
    this.forget();
  }

  /** Do not wait for the next attempt. */
  retryNow(): void {
    if (this.retry.running) this.retry.now();
    if (this.poller.running) void this.poller.ask();
  }

  /** Have what has changed told: by a socket at once, else by HTTP. Resolves when it was, or when it could not be. */
  async catchUp(): Promise<void> {
    if (this.closed) return;
    if (this.socket?.live) await this.socket.sync(this.events.cursor()).catch(() => undefined);
    else await this.poller.ask();
  }

  /** By the socket while there is one, else over HTTP, which may well work while the socket is coming back. */
  async ask<Answer>(question: (via: MailboxSocket | Http) => Promise<Answer>): Promise<Answer> {
    const { people } = this;
    try {
      await this.meeting();
      if (!this.met || people !== this.people) throw this.status.name === "signed-out" ? SIGNED_OUT : UNREACHABLE;
      const answer = await question(this.socket?.live ? this.socket : this.http);
      if (people !== this.people) throw UNREACHABLE;
      return answer;
    } catch (error) {
      if (error === SIGNED_OUT) this.signOut();
      if (!(error instanceof ActError) || error.code !== "another_person") throw error;
      if (people === this.people) this.startAfresh();
      throw UNREACHABLE;
    }
  }

  /** Only an answer proves that the socket works: one that opens and is closed again has failed once more. */
  answered(): void {
    if (!this.live) return;
    this.failed = 0;
    this.attempts.reset();
  }

  private hear(message: Message): void {
    const { people } = this;
    if (message.type === "connected") this.meet(message.person);
    if (people === this.people) this.events.message(message);
  }

  /** Until the server has said whose mailbox it is, or cannot be asked. */
  private async meeting(): Promise<void> {
    if (this.closed) return;
    if (!this.met && !this.live) await this.poller.ask();
    if (this.met || !this.live) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, PATIENCE);
      this.waiting.push(() => {
        clearTimeout(late);
        resolve();
      });
    });
  }

  private release(): void {
    for (const goOn of this.waiting.splice(0)) goOn();
  }

  private meet(person: string | undefined): void {
    if (this.person !== undefined && person !== undefined && person !== this.person) return this.startAfresh(person);
    this.person = person ?? this.person;
    this.met = true;
    this.release();
    this.events.met(this.person);
  }

  /** Whether the socket is not to be had for now, so that HTTP has to do. */
  private get onHttp(): boolean {
    return this.socket === null || this.failed >= PATIENT_ATTEMPTS;
  }

  private async poll(): Promise<boolean> {
    const { people } = this;
    const isLate = (): boolean => this.closed || this.live || people !== this.people;
    try {
      const message = await this.http.changes(this.events.cursor());
      if (isLate()) return false;
      this.meet(message.person);
      if (isLate()) return false;
      this.events.polled(message);
      if (this.onHttp) this.setStatus({ name: "polling" });
    } catch (error) {
      if (isLate()) return false;
      this.forget();
      if (error === SIGNED_OUT) this.signOut();
      else this.setStatus({ name: "reconnecting", retryAt: this.socket === null ? Date.now() + POLL : this.retryAt });
    }
    return this.onHttp && !this.closed;
  }

  private opened(): void {
    this.retry.stop();
    this.poller.stop();
    this.setStatus({ name: "live" });
    if (this.tokens !== null) this.refreshing.set(this.tokens.dueIn);
    this.events.opened();
  }

  /** A socket ends with its token: bring a fresh one in time. */
  private async refresh(): Promise<void> {
    if (this.tokens === null || !this.socket?.live) return;
    const { people } = this;
    try {
      this.tokens.drop();
      const token = await this.tokens.get();
      if (people !== this.people) return;
      this.tokens.lasts(await this.socket.refresh(token));
      this.refreshes.reset();
      this.refreshing.set(this.tokens.dueIn);
    } catch (error) {
      const code = error instanceof ActError ? error.code : "";
      if (code === "wrong_subject") this.tokens.another();
      else if (code !== "not_by_token" && this.socket.live) this.refreshing.set(this.refreshes.next());
    }
  }

  /** We are somebody else by now: nothing that we know is theirs, the cursor least of all. */
  private startAfresh(person?: string): void {
    this.people += 1;
    this.person = person;
    this.met = false;
    this.events.another();
    if (this.poller.running) void this.poller.ask();
    if (this.socket?.live) {
      this.refreshing.stop();
      this.socket.reopen();
      this.status = { name: "connecting" };
    }
    this.events.changed(this.status);
  }

  /** The socket has closed, or could not be opened. */
  private async lost(how: Closed): Promise<void> {
    if (this.closed) return;
    this.refreshing.stop();
    if (this.status.name === "live") this.forget();
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

  private forget(): void {
    this.met = false;
    this.release();
    this.events.lost();
  }

  private signOut(): void {
    if (this.closed) return;
    this.close();
    this.setStatus({ name: "signed-out" });
  }

  private setStatus(status: Status): void {
    this.status = status;
    this.events.changed(this.status);
  }
}

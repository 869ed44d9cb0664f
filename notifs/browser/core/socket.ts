/** The mailbox over Socket.IO: opens, asks and listens. When to try again is the connection's business. */
import { ActError } from "./errors";
import type { PageRequest } from "./http";
import { SocketIo } from "./socketio";
import type { End } from "./socketio";
import type { Tokens } from "./tokens";
import type { Ack, Act, ActBody, Message, Page, Refused } from "./wire";

const NAMESPACE = "/notifs";
/** WebSocket close code (IANA registry): this server stops; come back after a random part of a few seconds. */
const SERVICE_RESTART = 1012;

/** How it closed: by the server's word for good, because it restarts, as our token has expired, or who knows why. */
export type Closed = "ended" | "restart" | "expired" | "lost";

export interface SocketEvents {
  /** The cursor to come back with, asked at each attempt. */
  readonly cursor: () => string | null;
  /** Says who we are, where no cookie does. */
  readonly tokens: Tokens | null;
  readonly opened: () => void;
  /** It closed, or could not be opened. The server may have meant it: then somebody must ask why. */
  readonly closed: (how: Closed) => void;
  readonly message: (message: Message) => void;
}

export class MailboxSocket {
  private readonly socket: SocketIo;
  /** Whom the token was of that we last came with; see Tokens. */
  private person = 0;

  constructor(
    base: string,
    private readonly events: SocketEvents,
  ) {
    this.socket = new SocketIo(base, NAMESPACE, {
      auth: () => this.introduction(),
      connected: () => (this.isOurs ? events.opened() : this.reopen()),
      event: (name, data) => name === "response" && events.message(data as Message),
      closed: (end) => events.closed(how(end)),
    });
  }

  get live(): boolean {
    return this.socket.connected;
  }

  open(): void {
    this.socket.open();
  }

  close(): void {
    this.socket.close();
  }

  /** Leave, and come back as who we are by now. */
  reopen(): void {
    this.socket.open();
  }

  /** Go on with a fresh token. Returns the seconds that it lasts. */
  async refresh(token: string): Promise<number> {
    return (await this.ask<{ expires_in: number }>("refresh", { token })).expires_in;
  }

  async sync(cursor: string | null): Promise<void> {
    await this.ask<Ack>("sync", { cursor });
  }

  fetch(request: PageRequest): Promise<Page> {
    return this.ask("fetch", request);
  }

  act(act: Act, body: ActBody): Promise<Ack> {
    return this.ask(act, body);
  }

  /** Not if a fresh token was somebody else's while the socket was on its way. */
  private get isOurs(): boolean {
    return this.events.tokens === null || this.events.tokens.person === this.person;
  }

  private async introduction(): Promise<object> {
    const { cursor, tokens } = this.events;
    if (tokens === null) return { cursor: cursor() };
    const token = await tokens.get();
    this.person = tokens.person;
    return { cursor: cursor(), token };
  }

  private async ask<Answer>(event: string, data: object): Promise<Answer> {
    const answer = (await this.socket.ask(event, data)) as (Answer & { readonly ok: true }) | Refused;
    if (!answer.ok) throw new ActError(answer.error.code, answer.error.message);
    return answer;
  }
}

function how({ code, reason, meant }: End): Closed {
  if (meant) return "ended";
  if (reason === "token_expired") return "expired";
  return code === SERVICE_RESTART ? "restart" : "lost";
}

/** The mailbox over Socket.IO: opens, asks and listens. When to try again is the connection's business. */
import { io } from "socket.io-client";
import type { Socket } from "socket.io-client";

import { ActError, UNREACHABLE } from "./errors";
import type { PageRequest } from "./http";
import type { Tokens } from "./tokens";
import type { Ack, Act, ActBody, Message, Page, Refused } from "./wire";

const PATIENCE = 10_000;
/** WebSocket close code (IANA registry): this server stops; come back after a random part of a few seconds. */
const SERVICE_RESTART = 1012;

/** How it closed: by the server's word for good, because it restarts, as our token has expired, or by who knows what. */
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
  private readonly socket: Socket;
  /** Whom the token was of that we last came with; see Tokens. */
  private person = 0;

  constructor(
    base: string,
    private readonly events: SocketEvents,
  ) {
    this.socket = io("/notifs", {
      path: `${base}/socket.io`,
      transports: ["websocket"],
      withCredentials: true,
      autoConnect: false,
      // The connection keeps the time between attempts itself, so that it can say how long it will be.
      reconnection: false,
      // Two mailboxes on one page, behind two bases, must not share an engine.
      forceNew: true,
      auth: (send) => {
        const { tokens } = events;
        if (tokens === null) return send({ cursor: events.cursor() });
        const come = (token: string): void => {
          this.person = tokens.person;
          send({ cursor: events.cursor(), token });
        };
        tokens.get().then(come, () => this.giveUp());
      },
    });
    this.socket.on("connect", () => (this.isOurs ? events.opened() : this.reopen()));
    this.socket.on("connect_error", (error) => events.closed(refused(error) ? "ended" : "lost"));
    this.socket.on("disconnect", (reason, details) => {
      if (reason !== "io client disconnect") events.closed(how(reason, details));
    });
    this.socket.on("response", events.message);
  }

  get live(): boolean {
    return this.socket.connected;
  }

  open(): void {
    this.socket.connect();
  }

  close(): void {
    this.socket.disconnect();
  }

  /** Leave, and come back as who we are by now. */
  reopen(): void {
    this.socket.disconnect().connect();
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

  /** There is no token to be had; without one there is nothing to wait for. */
  private giveUp(): void {
    this.socket.disconnect();
    this.events.closed("ended");
  }

  private async ask<Answer>(event: string, data: object): Promise<Answer> {
    const asked = this.socket.timeout(PATIENCE).emitWithAck(event, data) as Promise<(Answer & { ok: true }) | Refused>;
    const answer = await asked.catch(() => {
      throw UNREACHABLE;
    });
    if (!answer.ok) throw new ActError(answer.error.code, answer.error.message);
    return answer;
  }
}

/** Whether it was the server that refused us, and no failure of the network. */
function refused(error: Error): boolean {
  return (error as { data?: { code?: unknown } }).data?.code !== undefined;
}

/** engine.io-client hands the browser's CloseEvent on as `context`. */
function how(reason: string, details: unknown): Closed {
  if (reason === "io server disconnect") return "ended";
  const { context } = (details ?? {}) as { context?: { code?: unknown; reason?: unknown } };
  if (context?.reason === "token_expired") return "expired";
  return context?.code === SERVICE_RESTART ? "restart" : "lost";
}

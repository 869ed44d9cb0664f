/** The mailbox over Socket.IO: opens, asks and listens. When to try again is the connection's business. */
import { io } from "socket.io-client";
import type { Socket } from "socket.io-client";

import { ActError, UNREACHABLE } from "./errors";
import type { ActBody, PageRequest } from "./http";
import type { Act, Done, Message, Page, Refused } from "./wire";

const PATIENCE = 10_000;
/** WebSocket close code (IANA registry): this server stops; come back after a random part of a few seconds. */
const SERVICE_RESTART = 1012;

/** How it closed: by the server's word for good, because it restarts, or by who knows what. */
export type Closed = "ended" | "restart" | "lost";

export interface SocketEvents {
  /** The cursor to come back with, asked at each attempt. */
  readonly cursor: () => string | null;
  readonly opened: () => void;
  /** It closed, or could not be opened. The server may have meant it: then somebody must ask why. */
  readonly closed: (how: Closed) => void;
  readonly message: (message: Message) => void;
}

export class MailboxSocket {
  private readonly socket: Socket;

  constructor(base: string, events: SocketEvents) {
    this.socket = io("/notifs", {
      path: `${base}/socket.io`,
      transports: ["websocket"],
      withCredentials: true,
      autoConnect: false,
      // The connection keeps the time between attempts itself, so that it can say how long it will be.
      reconnection: false,
      // Two mailboxes on one page, behind two bases, must not share an engine.
      forceNew: true,
      auth: (send) => send({ cursor: events.cursor() }),
    });
    this.socket.on("connect", events.opened);
    this.socket.on("connect_error", () => events.closed("lost"));
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

  async sync(cursor: string | null): Promise<void> {
    await this.ask<Done>("sync", { cursor });
  }

  fetch(request: PageRequest): Promise<Page> {
    return this.ask("fetch", request);
  }

  act(act: Act, body: ActBody): Promise<Done> {
    return this.ask(act, body);
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

/** engine.io-client hands the browser's CloseEvent on as `context`. */
function how(reason: string, details: unknown): Closed {
  if (reason === "io server disconnect") return "ended";
  const { context } = (details ?? {}) as { context?: { code?: unknown } };
  return context?.code === SERVICE_RESTART ? "restart" : "lost";
}

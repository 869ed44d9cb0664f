/** A server for one page: a socket and HTTP that answer from the model's store. */
import { vi } from "vitest";

import { ACTS } from "../core/wire";
import type { Act, ActBody, Message, Query } from "../core/wire";
import { Store } from "./model";

type Listener = (data?: unknown, details?: unknown) => void;
type Answer = { ok: true } | { ok: false; error: { code: string; message: string } };

export class FakeServer {
  store = new Store();
  sockets: FakeSocket[] = [];
  /** What the server does with the next handshakes and requests. */
  mode: "up" | "down" | "signed-out" = "up";
  /** Whether sockets, and only they, are refused. */
  socketsRefused = false;
  /** Messages that are lost on their way to the page. */
  loses: (message: Message) => boolean = () => false;
  refusal: { code: string; message: string } | null = null;
  readonly asked: { event: string; data: unknown }[] = [];
  readonly requests: string[] = [];
  /** The only token that is believed, if tokens are; and how many seconds one lasts. */
  believes: string | null = null;
  lasts = 300;
  /** The tokens that sockets have come with; `door` is what they wait for before they are in. */
  readonly came: (string | undefined)[] = [];
  door: Promise<void> | null = null;
  /** What came in Authorization. */
  readonly bearers: (string | null)[] = [];

  push(message: Message | null): void {
    if (message === null) return;
    for (const socket of this.sockets) if (socket.connected && !this.loses(message)) socket.fire("response", message);
  }

  create(count = 1): void {
    this.push(this.store.create(count));
  }

  sync(socket: FakeSocket, cursor: string | null): void {
    for (const message of this.store.sync(cursor)) if (!this.loses(message)) socket.fire("response", message);
  }

  async answer(socket: FakeSocket, event: string, data: Record<string, unknown>): Promise<Answer> {
    this.asked.push({ event, data });
    await Promise.resolve();
    if (this.refusal !== null) return { ok: false, error: this.refusal };
    if (event === "refresh") return this.refresh(data["token"]);
    if (event === "sync") this.sync(socket, data["cursor"] as string | null);
    else if (event === "fetch") return { ok: true, ...this.page(data) };
    else this.push(this.store.act(event as Act, data));
    return { ok: true, ...this.store.counted() };
  }

  private refresh(token: unknown): Answer {
    if (token !== this.believes) return { ok: false, error: { code: "invalid_token", message: "No." } };
    return { ok: true, expires_in: this.lasts } as Answer;
  }

  async request(input: string, init: RequestInit = {}): Promise<Response> {
    this.requests.push(`${init.method ?? "GET"} ${input}`);
    await Promise.resolve();
    if (this.mode === "down") throw new TypeError("network");
    if (this.mode === "signed-out") return Response.json({ code: "not_signed_in" }, { status: 401 });
    const bearer = new Headers(init.headers).get("authorization");
    this.bearers.push(bearer);
    if (this.believes !== null && bearer !== `Bearer ${this.believes}`) return Response.json({}, { status: 401 });
    const url = new URL(input, "http://page");
    const path = url.pathname.replace("/api/v1/inbox", "");
    if (path === "/changes") return Response.json(this.store.sync(url.searchParams.get("cursor"))[0]);
    if (path === "") return Response.json(this.page(Object.fromEntries(url.searchParams)));
    if (this.refusal !== null) {
      const { code, message: detail } = this.refusal;
      return Response.json({ code, detail }, { status: 503 });
    }
    const act = (Object.keys(ACTS) as Act[]).find((each) => path === `/${ACTS[each]}`) as Act;
    this.push(this.store.act(act, JSON.parse(String(init.body)) as ActBody));
    return Response.json({ ok: true, ...this.store.counted() });
  }

  install(): void {
    vi.stubGlobal("fetch", (input: string, init?: RequestInit) => this.request(input, init));
  }

  private page(data: Record<string, unknown>) {
    const before = data["before"] === undefined || data["before"] === null ? null : Number(data["before"]);
    const { filter, kind, actor, text } = data as unknown as Query;
    const given = Object.entries({ kind, actor, text }).filter(([, value]) => value !== undefined);
    return this.store.fetch({ filter, ...Object.fromEntries(given) }, before);
  }
}

/** As much of a Socket.IO client as socket.ts uses. */
export class FakeSocket {
  connected = false;
  readonly auth: (send: (data: { cursor: string | null; token?: string }) => void) => void;
  cursor: string | null = null;
  private readonly listeners = new Map<string, Listener>();

  constructor(
    private readonly server: FakeServer,
    options: { auth: FakeSocket["auth"] },
  ) {
    this.auth = options.auth;
    server.sockets.push(this);
  }

  on(event: string, listener: Listener): void {
    this.listeners.set(event, listener);
  }

  fire(event: string, data?: unknown): void {
    this.listeners.get(event)?.(data);
  }

  connect(): void {
    queueMicrotask(() => {
      if (this.server.mode !== "up" || this.server.socketsRefused) return this.fire("connect_error", new Error("websocket error"));
      this.auth(({ cursor, token }) => void this.join(cursor, token));
    });
  }

  private async join(cursor: string | null, token: string | undefined): Promise<void> {
    this.cursor = cursor;
    this.server.came.push(token);
    if (this.server.door !== null) await this.server.door;
    if (this.server.believes !== null && token !== this.server.believes) {
      return this.fire("connect_error", Object.assign(new Error("No."), { data: { code: "invalid_token" } }));
    }
    this.connected = true;
    this.fire("connect");
    if (!this.connected) return;
    this.fire("response", { type: "connected", meta: "" });
    this.server.sync(this, this.cursor);
  }

  disconnect(): this {
    if (this.connected) this.drop("io client disconnect");
    return this;
  }

  drop(reason = "transport close", code = 1006, why = ""): void {
    this.connected = false;
    for (const listener of [this.listeners.get("disconnect")]) listener?.(reason, { context: { code, reason: why } });
  }

  timeout() {
    return { emitWithAck: (event: string, data: Record<string, unknown>) => this.server.answer(this, event, data) };
  }
}


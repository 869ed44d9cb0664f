/** A server for one page: a socket and HTTP that answer from the model's store. */
import { vi } from "vitest";

import { ACTS } from "../core/wire";
import type { Act, ActBody, Message, Query } from "../core/wire";
import { Store } from "./model";

type Answer = { ok: true } | { ok: false; error: { code: string; message: string } };

export class FakeServer {
  store = new Store();
  /** Whose store it is. */
  person = "ada";
  sockets: FakeSocket[] = [];
  /** What the server does with the next handshakes and requests. */
  mode: "up" | "down" | "signed-out" = "up";
  /** Whether it lets sockets in and then says nothing, as it does while its store cannot be read. */
  mute = false;
  /** Whether sockets, and only they, are refused. */
  socketsRefused = false;
  /** Messages that are lost on their way to the page. */
  loses: (message: Message) => boolean = () => false;
  refusal: { code: string; message: string } | null = null;
  /** What it waits for before it does what it was asked. */
  thinks: Promise<void> | null = null;
  /** What is asked of just these rows is refused. */
  refuses: readonly string[] | null = null;
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
    for (const socket of [...this.sockets]) if (socket.connected && !this.loses(message)) socket.tell(message);
  }

  create(count = 1): void {
    this.push(this.store.create(count));
  }

  sync(socket: FakeSocket, cursor: string | null): void {
    for (const message of this.store.sync(cursor)) if (!this.loses(message)) socket.tell(message);
  }

  async answer(socket: FakeSocket, event: string, data: Record<string, unknown>): Promise<Answer> {
    this.asked.push({ event, data });
    await this.thinks;
    const refused = this.refused(data);
    if (refused !== null) return { ok: false, error: refused };
    if (event === "refresh") return this.refresh(data["token"]);
    if (event === "sync") this.sync(socket, data["cursor"] as string | null);
    else if (event === "fetch") return { ok: true, ...this.page(data) };
    else return this.act(event as Act, data);
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
    if (path === "/changes") {
      const [answer] = this.store.sync(url.searchParams.get("cursor"));
      return Response.json({ ...answer, person: this.person });
    }
    const meant = new Headers(init.headers).get("notifs-person");
    if (meant !== null && meant !== this.person) return Response.json({ code: "another_person" }, { status: 409 });
    if (path === "") return Response.json(this.page(Object.fromEntries(url.searchParams)));
    const act = (Object.keys(ACTS) as Act[]).find((each) => path === `/${ACTS[each]}`) as Act;
    const data = JSON.parse(String(init.body)) as ActBody;
    this.asked.push({ event: act, data });
    await this.thinks;
    const refused = this.refused(data);
    if (refused === null) return Response.json(this.act(act, data));
    return Response.json({ code: refused.code, detail: refused.message }, { status: 503 });
  }

  private refused({ ids }: ActBody): { code: string; message: string } | null {
    if (this.refusal !== null) return this.refusal;
    return this.refuses !== null && String(ids) === String(this.refuses) ? { code: "forbidden", message: "No." } : null;
  }

  install(): void {
    vi.stubGlobal("fetch", (input: string, init?: RequestInit) => this.request(input, init));
    const server = this;
    vi.stubGlobal("WebSocket", class extends FakeSocket {
      constructor() {
        super(server);
      }
    });
  }

  private act(act: Act, body: ActBody): Answer {
    const message = this.store.act(act, body);
    this.push(message);
    return { ok: true, ...this.store.counted(), changed: message?.notifs.length ?? 0 } as Answer;
  }

  private page(data: Record<string, unknown>) {
    const before = data["before"] === undefined || data["before"] === null ? null : Number(data["before"]);
    const { filter, kind, actor, text } = data as unknown as Query;
    const given = Object.entries({ kind, actor, text }).filter(([, value]) => value !== undefined);
    return this.store.fetch({ filter, ...Object.fromEntries(given) }, before);
  }
}

/** A WebSocket whose other end is our server, as far as the socket speaks the protocols rightly. */
export class FakeSocket {
  connected = false;
  cursor: string | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  private readonly pings = setInterval(() => this.say("2"), 25_000);

  constructor(private readonly server: FakeServer) {
    server.sockets.push(this);
    queueMicrotask(() => {
      if (server.mode !== "up" || server.socketsRefused) return this.drop();
      this.say(`0${JSON.stringify({ sid: "s", upgrades: [], pingInterval: 25_000, pingTimeout: 20_000 })}`);
    });
  }

  /** What a message of the server's looks like. */
  tell(message: Message): void {
    this.say(`42/notifs,${JSON.stringify(["response", message])}`);
  }

  say(data: unknown): void {
    this.onmessage?.({ data });
  }

  send(text: string): void {
    const [, type, id, payload] = /^4([02])\/notifs,(\d*)(.*)$/s.exec(text) ?? [];
    const data = JSON.parse(payload ?? "null");
    if (type === "0") void this.join(data);
    else if (type === "2") void this.answer(id ?? "", data);
    else if (text !== "3") throw new Error(`the server does not understand ${text}`);
  }

  close(): void {
    clearInterval(this.pings);
    this.connected = false;
    this.server.sockets = this.server.sockets.filter((socket) => socket !== this);
  }

  /** It breaks, or the server says goodbye. */
  drop(reason = "transport close", code = 1006, why = ""): void {
    const { onclose } = this;
    if (reason === "io server disconnect") return this.say("41/notifs,");
    this.close();
    onclose?.({ code, reason: why });
  }

  private async join({ cursor, token }: { cursor: string | null; token?: string }): Promise<void> {
    const { server } = this;
    this.cursor = cursor;
    server.came.push(token);
    if (server.door !== null) await server.door;
    if (server.believes !== null && token !== server.believes) {
      return this.say('44/notifs,{"message":"No.","data":{"code":"invalid_token"}}');
    }
    this.connected = true;
    this.say('40/notifs,{"sid":"s"}');
    if (!this.connected) return;
    if (server.mute) return;
    this.tell({ type: "connected", meta: "", person: server.person });
    server.sync(this, this.cursor);
  }

  private async answer(id: string, [event, data]: [string, Record<string, unknown>]): Promise<void> {
    const answer = await this.server.answer(this, event, data);
    this.say(`43/notifs,${id}${JSON.stringify([answer])}`);
  }
}

/** Web Locks, as far as we use them: each name is one's at a time, first come, first served. */
export class FakeLocks {
  private readonly queues = new Map<string, Promise<void>>();

  async request(name: string, { signal }: { signal: AbortSignal }, work: () => Promise<void>): Promise<void> {
    const before = this.queues.get(name);
    const aborted = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const granted = before === undefined ? Promise.resolve() : Promise.race([before, aborted]);
    aborted.catch(() => undefined);
    const done = granted.then(work);
    const over = done.catch(() => undefined);
    this.queues.set(name, Promise.all([before, over]).then(() => undefined));
    return done;
  }
}

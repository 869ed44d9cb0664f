/**
 * A client of Socket.IO (see packets.ts) over a WebSocket, as small as one namespace of one server needs it.
 *
 * It opens, asks and listens; when to open again is somebody else's business. A server that is not heard of for longer
 * than it has promised is lost, also if this machine slept meanwhile and its timers with it.
 */
import { UNREACHABLE } from "./errors";
import { connect, event, parse } from "./packets";
import type { Packet } from "./packets";
import { Timer } from "./timer";

/** Milliseconds until the namespace must have let us in, and until an event must have been acknowledged. */
const OPENING = 20_000;
const PATIENCE = 10_000;
/** What wakes a page up: by then the time may have passed in which its timers stood still. */
const WAKES = ["visibilitychange", "pageshow", "online", "offline"];

/**
 * How it ended. `code` and `reason` are the WebSocket's (RFC 6455, 7.4; 1006 if there was none); `meant` says that the
 * server refused us or bade us goodbye, or that there was nothing to say who we are by.
 */
export interface End {
  readonly code: number;
  readonly reason: string;
  readonly meant: boolean;
}

export interface Listeners {
  /** What to say about ourselves, asked at each attempt. Rejects if there is nothing to be said. */
  readonly auth: () => Promise<object>;
  readonly connected: () => void;
  readonly event: (name: string, data: unknown) => void;
  /** It closed, or could not be opened; not called for `close`. */
  readonly closed: (end: End) => void;
}

interface Asked {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

const LOST: End = { code: 1006, reason: "", meant: false };
const MEANT: End = { ...LOST, meant: true };

export class SocketIo {
  connected = false;
  private line: WebSocket | null = null;
  private asked = new Map<number, Asked>();
  private lastId = 0;
  private silence = OPENING;
  private due = 0;
  private readonly overdue = new Timer(() => this.end(LOST));
  private readonly wake = (): void => this.check();

  /** `base` is where the server is mounted: a path on this page's origin, or an address. */
  constructor(
    private readonly base: string,
    private readonly namespace: string,
    private readonly listeners: Listeners,
  ) {}

  open(): void {
    this.close();
    try {
      this.line = this.dial();
    } catch {
      // The browser would not even try: told like any other failure, which is later.
      queueMicrotask(() => this.listeners.closed(LOST));
      return;
    }
    this.silence = OPENING;
    this.heard();
    for (const name of WAKES) addEventListener(name, this.wake, true);
  }

  close(): void {
    const { line } = this;
    if (line === null) return;
    line.onmessage = line.onclose = null;
    line.close();
    this.line = null;
    this.connected = false;
    this.overdue.stop();
    for (const name of WAKES) removeEventListener(name, this.wake, true);
    for (const { reject } of this.asked.values()) reject(UNREACHABLE);
    this.asked.clear();
  }

  /** Returns what the server acknowledged the event with. Rejects with UNREACHABLE if it did not. */
  ask(name: string, data: object): Promise<unknown> {
    this.check();
    if (!this.connected) return Promise.reject(UNREACHABLE);
    const id = (this.lastId += 1);
    const answer = new Promise<unknown>((resolve, reject) => this.asked.set(id, { resolve, reject }));
    const late = setTimeout(() => this.asked.get(id)?.reject(UNREACHABLE), PATIENCE);
    this.line?.send(event(this.namespace, id, name, data));
    return answer.finally(() => {
      clearTimeout(late);
      this.asked.delete(id);
    });
  }

  private dial(): WebSocket {
    const address = new URL(`${this.base}/socket.io/?EIO=4&transport=websocket`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const line = new WebSocket(address);
    line.onmessage = ({ data }) => this.receive(parse(data, this.namespace));
    line.onclose = ({ code, reason }) => this.end({ code, reason, meant: false });
    return line;
  }

  private receive(packet: Packet | null): void {
    this.heard();
    switch (packet?.type) {
      case "open":
        return void this.introduce(packet.pingInterval + packet.pingTimeout);
      case "ping":
        return this.line?.send("3");
      case "connect":
        this.connected = true;
        return this.listeners.connected();
      case "event":
        return this.listeners.event(packet.name, packet.data);
      case "ack":
        return this.asked.get(packet.id)?.resolve(packet.data);
      case "refused":
        return this.end(packet.data == null ? LOST : MEANT);
      case "disconnect":
        return this.end(MEANT);
      case "noop":
        return;
      default:
        return this.end(LOST);
    }
  }

  private async introduce(silence: number): Promise<void> {
    const { line } = this;
    this.silence = silence;
    const auth = await this.listeners.auth().catch(() => null);
    if (line === null || line !== this.line) return;
    if (auth === null) this.end(MEANT);
    else line.send(connect(this.namespace, auth));
  }

  private heard(): void {
    this.due = Date.now() + this.silence;
    this.overdue.stop();
    this.overdue.set(this.silence);
  }

  /** Without a network nothing is heard either, and waiting for that to show would only let acts run into it. */
  private check(): void {
    if (this.line !== null && (Date.now() > this.due || navigator.onLine === false)) this.end(LOST);
  }

  private end(end: End): void {
    this.close();
    this.listeners.closed(end);
  }
}

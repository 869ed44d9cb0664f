/**
 * Packets as text: Engine.IO protocol 4, and in its messages Socket.IO protocol 5, of one namespace and without binary.
 *
 * Sources: socket.io/docs/v4/engine-io-protocol and socket.io/docs/v4/socket-io-protocol.
 */

/** What the server opens with: milliseconds between its pings, and for how long one may be late. */
export interface Handshake {
  readonly pingInterval: number;
  readonly pingTimeout: number;
}

export type Packet =
  | ({ readonly type: "open" } & Handshake)
  | { readonly type: "close" | "ping" | "noop" | "connect" | "disconnect" }
  | { readonly type: "event"; readonly name: string; readonly data: unknown }
  | { readonly type: "ack"; readonly id: number; readonly data: unknown }
  | { readonly type: "refused"; readonly data: unknown };

/** In characters: ten times what 500 notifications, the most in one message, usually are. */
const MOST = 2 ** 24;
const ENGINE = { "1": "close", "2": "ping", "6": "noop" } as const;
const MESSAGE = /^4([0-4])(\/[^,]*),(\d{0,9})(.*)$/s;

/** Null for what is no packet, of another namespace or none that a server sends: then the line is not to be trusted. */
export function parse(text: unknown, namespace: string): Packet | null {
  if (typeof text !== "string" || text.length > MOST) return null;
  if (text in ENGINE) return { type: ENGINE[text as keyof typeof ENGINE] };
  try {
    return text.startsWith("0") ? handshake(JSON.parse(text.slice(1))) : message(text, namespace);
  } catch {
    return null;
  }
}

export function connect(namespace: string, auth: object): string {
  return `40${namespace},${JSON.stringify(auth)}`;
}

/** An event that is to be acknowledged under the number `id`. */
export function event(namespace: string, id: number, name: string, data: object): string {
  return `42${namespace},${id}${JSON.stringify([name, data])}`;
}

function handshake({ pingInterval, pingTimeout }: Handshake): Packet | null {
  return pingInterval > 0 && pingTimeout > 0 ? { type: "open", pingInterval, pingTimeout } : null;
}

function message(text: string, namespace: string): Packet | null {
  const [, type, where, id, payload = ""] = MESSAGE.exec(text) ?? [];
  if (where !== namespace) return null;
  if (type === "1") return { type: "disconnect" };
  const data: unknown = JSON.parse(payload);
  if (type === "0") return { type: "connect" };
  if (type === "4") return { type: "refused", data: (data as { data?: unknown }).data };
  if (!Array.isArray(data)) return null;
  if (type === "3") return id ? { type: "ack", id: Number(id), data: data[0] } : null;
  return typeof data[0] === "string" ? { type: "event", name: data[0], data: data[1] } : null;
}

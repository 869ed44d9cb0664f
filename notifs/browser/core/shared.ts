/** The page's connections: all elements that want the same share one, so that they agree and cost one socket. */
import { Connection } from "./connection";
import type { Options } from "./connection";
import { tokensFrom } from "./tokens";

interface Wanted extends Omit<Options, "token"> {
  /** Where the host gives tokens, if they say who we are. */
  readonly tokenUrl?: string | undefined;
}

interface Entry {
  readonly connection: Connection;
  users: number;
}

const entries = new Map<string, Entry>();

/** Every call is to be matched by one of `release`. */
export function connect({ tokenUrl, ...options }: Wanted): Connection {
  const key = `${options.transport} ${options.base} ${tokenUrl ?? ""}`;
  const token = tokenUrl ? tokensFrom(tokenUrl) : undefined;
  const entry = entries.get(key) ?? { connection: new Connection({ ...options, token }), users: 0 };
  entries.set(key, entry);
  entry.users += 1;
  entry.connection.open();
  return entry.connection;
}

/** Closed with its last user, but not in the same turn: an element that is moved leaves and comes back at once. */
export function release(connection: Connection): void {
  for (const [key, entry] of entries) {
    if (entry.connection !== connection) continue;
    entry.users -= 1;
    queueMicrotask(() => {
      if (entry.users > 0) return;
      entries.delete(key);
      connection.close();
    });
  }
}

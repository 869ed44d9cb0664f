/** The page's connections: all elements of one base share one, so that they agree and cost one socket. */
import { Connection } from "./connection";
import type { Options } from "./connection";

interface Entry {
  readonly connection: Connection;
  users: number;
}

const entries = new Map<string, Entry>();

/** Every call is to be matched by one of `release`. */
export function connect(options: Options): Connection {
  const key = `${options.transport} ${options.base}`;
  const entry = entries.get(key) ?? { connection: new Connection(options), users: 0 };
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

/** Node as a page of the server that a live test talks to, signed in by a header. */
import { vi } from "vitest";

const { NOTIFS_URL = "", NOTIFS_USER = "" } = process.env;

export const SERVER = NOTIFS_URL;

/** From now on, for all that is asked; without a user, nobody is signed in. */
export function bePage(user: string = NOTIFS_USER): void {
  const headers = user === "" ? {} : { "x-user": user };
  const { fetch, WebSocket } = globalThis;
  vi.stubGlobal("location", new URL(SERVER));
  for (const name of ["addEventListener", "removeEventListener"]) vi.stubGlobal(name, () => undefined);
  vi.stubGlobal("fetch", (url: string, init: RequestInit = {}) => {
    return fetch(url, { ...init, headers: { ...Object.fromEntries(new Headers(init.headers)), ...headers } });
  });
  // Node's takes headers, as a page cannot give them.
  vi.stubGlobal(
    "WebSocket",
    class extends WebSocket {
      constructor(url: URL) {
        super(url, { headers } as unknown as string[]);
      }
    },
  );
}

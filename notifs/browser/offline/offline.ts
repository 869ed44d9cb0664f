/** A page's part in being readable without a network. */
import type { Connection } from "../core/connection";
import { keep } from "./keep";

/** As much of Trusted Types as a worker's address needs; none in some browsers. */
interface TrustedTypes {
  createPolicy(name: string, rules: ScriptURLs): ScriptURLs;
}

interface ScriptURLs {
  createScriptURL(url: string): string;
}

/** Returns the ways to stop. The worker stays. */
export function beOffline(base: string, connection: Connection): (() => void)[] {
  // A browser that lets no worker in has nothing to keep for one.
  if (!("serviceWorker" in navigator)) return [];
  register(base).catch((error: unknown) => console.warn("notifs: no service worker:", error));
  return [...keep(base, connection), endCopy(connection)];
}

/** A page that is a copy is none any more once there is a server. Returns the way to stop. */
function endCopy(connection: Connection): () => void {
  const look = (): void => {
    const isThere = connection.status.name === "live" || connection.status.name === "polling";
    if (isThere) delete document.documentElement.dataset["kept"];
  };
  look();
  return connection.on("change", look);
}

/** Let the server's worker in, unless its place is somebody else's. */
async function register(base: string): Promise<void> {
  const scope = new URL(`${base}/`, location.href).href;
  const script = new URL(`${base}/notifs/static/worker.js`, location.href).href;
  const there = (await navigator.serviceWorker.getRegistrations()).find((each) => each.scope === scope);
  const theirs = there?.active?.scriptURL ?? script;
  if (theirs === script) await navigator.serviceWorker.register(trusted(script), { scope });
}

let policy: ScriptURLs | undefined;

/** Under Trusted Types the address of a script takes a policy; the page's CSP has to allow one of this name. */
function trusted(url: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  policy ??= trustedTypes?.createPolicy("notifs", { createScriptURL: (url) => url });
  return policy?.createScriptURL(url) ?? url;
}

/** What has changed since the page came, kept beside what worker.ts keeps: for as long as it is the person's to see. */
import type { Connection } from "../core/connection";
import { view, windowOf } from "../core/state";
import { Timer } from "../core/timer";
import { readIsland } from "../elements/island";
import type { Snapshot } from "../core/wire";

/** Milliseconds after a change; a page that is left keeps at once. */
const SOON = 1_000;
const MOST_ROWS = 200;
const QUERY = { filter: "unread" } as const;

/** Returns the ways to stop. */
export function keep(base: string, connection: Connection): (() => void)[] {
  const { person, transport, message } = readIsland(base) ?? {};
  const ours = `notifs ${base}/ `;
  let kept = message?.cursor ?? null;
  let isTheirs = false;
  let whose: string | null = null;
  const write = async (): Promise<void> => {
    const { cursor } = connection;
    if (isTheirs || person === undefined || cursor === kept || !(await caches.has(ours + person))) return;
    kept = cursor;
    const island = { base, person, transport, filter: QUERY.filter, message: snapshot(connection) };
    const headers = { "content-type": "application/json", date: new Date().toUTCString() };
    const cache = await caches.open(ours + person);
    await cache.put(`${base}/notifs/static/island`, new Response(JSON.stringify(island), { headers }));
    if (isTheirs) await forget(ours);
  };
  // Some browsers have caches, and let nobody use them: then there is nothing to forget, either.
  const quietly = (done: Promise<void>): void => void done.catch(() => undefined);
  const soon = new Timer(() => quietly(write()));
  const left = (): void => void (document.hidden && quietly(write()));
  const look = (): void => {
    // A page that came with a cursor has none any more when somebody else has signed in meanwhile.
    const isAnother = person !== undefined && (connection.cursor === null || (connection.person ?? person) !== person);
    isTheirs ||= isAnother || connection.status.name === "signed-out";
    if (isTheirs) return quietly(forget(ours));
    soon.set(SOON);
    // Who signs in at a host comes by none of our doors, and the host's pages do not say who it is: the server does.
    if (whose === connection.person) return;
    whose = connection.person;
    if (whose !== null) quietly(forget(ours, whose));
  };
  document.addEventListener("visibilitychange", left);
  look();
  return [
    connection.on("change", look),
    () => document.removeEventListener("visibilitychange", left),
    () => soon.stop(),
  ];
}

/** As the server would write it: what is unread, newest first. */
function snapshot({ state, cursor }: Connection): Snapshot {
  const rows = view(state, QUERY);
  return {
    type: "snapshot",
    meta: "",
    notif_count: state.unread,
    unseen_count: state.unseen,
    cursor: cursor ?? "",
    notifs: rows.slice(0, MOST_ROWS),
    has_more: rows.length > MOST_ROWS || !windowOf(state, QUERY).complete,
  };
}

/** What is kept, but for what is this person's. */
async function forget(ours: string, theirs = ""): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith(ours) && name !== ours + theirs);
  await Promise.all(names.map((name) => caches.delete(name)));
}

/** What the server has painted and left for the elements to go on from: a JSON island in the page. */
import type { Transport } from "../core/connection";
import type { Filter, Page, Snapshot } from "../core/wire";

export interface Island {
  readonly base: string;
  /** Whose mailbox it is; says nothing, but differs for everybody. */
  readonly person: string;
  readonly transport: Transport;
  readonly filter: Filter;
  readonly message: Snapshot;
  readonly found?: Page;
}

export function readIsland(base: string): Island | null {
  const text = document.getElementById("notifs-island")?.textContent;
  if (!text) return null;
  const island = JSON.parse(text) as Island;
  return island.base === base ? island : null;
}

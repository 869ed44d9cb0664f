/** On a page of ours that is a copy, which the worker has kept: since when, until there is a server again. */
import type { Connection } from "../core/connection";
import { locale } from "../words";

/** When the page was sent, in words; null if it is no copy. */
export function copiedAt(): string | null {
  const { kept } = document.documentElement.dataset;
  if (kept === undefined) return null;
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(kept));
}

/** Returns the way to stop. */
export function endCopy(connection: Connection): () => void {
  return connection.on("change", () => {
    if (connection.status.name === "live" || connection.status.name === "polling") {
      delete document.documentElement.dataset["kept"];
    }
  });
}

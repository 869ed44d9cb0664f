/** The inbox page's address: it says what is shown, as the server's own links do. */
import type { Query } from "../core/wire";

/** What follows the path. */
export function queryString({ filter, kind, actor, text }: Query): string {
  const terms = Object.entries({ filter: filter === "unread" ? "" : filter, kind, actor, text });
  const query = new URLSearchParams(terms.flatMap(([name, value]) => (value ? [[name, value]] : [])));
  return query.size > 0 ? `?${query}` : "";
}

/** The page's address: it says what is shown, as the server's own links do, and all else in it is the page's. */
import type { Query } from "../core/wire";

/** The page's address with this query in it. Nothing that is shown is further down any more. */
export function withQuery({ filter, kind, actor, text }: Query): string {
  const { pathname, search, hash } = location;
  const all = new URLSearchParams(search);
  const terms = { filter: filter === "unread" ? "" : filter, kind, actor, text, before: "" };
  for (const [name, value] of Object.entries(terms)) {
    all.delete(name);
    if (value) all.set(name, value);
  }
  return pathname + (all.size > 0 ? `?${all}` : "") + hash;
}

/** What a notification may point to. The server has checked it (urls.py); this page looks again before it shows a link. */

const LIMIT = 2048;
/** Browsers drop tabs and newlines inside a URL, and read a backslash as a slash. */
const FORBIDDEN = /[\u0000-\u0020\u007f\\]/;
/** http(s) and a host without a name before it, or a path on this host: "//host" would leave it. */
const SAFE = /^(?:https?:\/\/[^/?#@]+(?:[/?#]|$)|\/(?!\/))/i;

export function safeLink(url: unknown): string | null {
  return typeof url === "string" && url.length <= LIMIT && !FORBIDDEN.test(url) && SAFE.test(url) ? url : null;
}

/** Whether a safe link leads to another site, which then shall not know this page. */
export function leaves(url: string): boolean {
  return !url.startsWith("/");
}

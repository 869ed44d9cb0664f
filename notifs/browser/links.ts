/** What a notification may point to. The server has checked it; this page looks again before it renders a link. */

/** http(s), or a path on this host: "//host" and "/\host" would leave it, and browsers drop control characters. */
export function safeLink(url: string | null | undefined): string | null {
  if (!url || /[\u0000-\u0020\\]/.test(url)) return null;
  return /^(https?:\/\/|\/(?!\/))/i.test(url) ? url : null;
}

/** Pictures come from this origin only: another's would tell it who reads what, and when. */
export function safeImage(url: string | null | undefined): string | null {
  const link = safeLink(url);
  return link !== null && URL.canParse(link, location.href) && new URL(link, location.href).origin === location.origin
    ? link
    : null;
}

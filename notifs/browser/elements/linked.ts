/** Words that lead to where a notification does. */
import { html, nothing } from "lit";

import type { MailboxElement } from "./element";
import { leaves, safeLink } from "./links";
import { isUnread } from "../core/state";
import type { Notification } from "../core/wire";

/**
 * While the notification is unread by way of the server, which marks it. Where a token says who we are no link brings
 * that along: it leads straight on, and who follows it marks.
 */
export function linked(host: MailboxElement, row: Notification, words: unknown, open?: (event: MouseEvent) => void): unknown {
  const { connection } = host;
  const url = safeLink(row.url);
  if (url === null) return words;
  let isNew = isUnread(row);
  const href = (isNew && !connection?.byToken && safeLink(row.mark_read)) || url;
  const rel = leaves(url) ? "noopener noreferrer" : nothing;
  const mark = (): void => {
    if (isNew) connection?.act("mark_read", [row.id]).catch(() => undefined);
    isNew = false;
  };
  const follow = (event: MouseEvent): void => {
    open?.(event);
    if (!connection?.byToken || event.defaultPrevented) return;
    // Not before the browser has followed the link, which may be another row's once this one is read; but while there is a page.
    setTimeout(mark);
    addEventListener("pagehide", mark);
  };
  return html`<a href=${href} rel=${rel} data-slot="title" @click=${follow}
    >${words}</a
  >`;
}

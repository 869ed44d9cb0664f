/** Words that lead to where a notification does. */
import { html, nothing } from "lit";

import { leaves, safeLink } from "./links";
import { isUnread } from "../core/state";
import type { Notification } from "../core/wire";

/** While the notification is unread by way of the server, which marks it. */
export function linked(notification: Notification, words: unknown, open?: (event: MouseEvent) => void): unknown {
  const url = safeLink(notification.url);
  if (url === null) return words;
  const href = isUnread(notification) ? (safeLink(notification.mark_read) ?? url) : url;
  const rel = leaves(url) ? "noopener noreferrer" : nothing;
  return html`<a href=${href} rel=${rel} data-slot="title" @click=${open ?? nothing}
    >${words}</a
  >`;
}

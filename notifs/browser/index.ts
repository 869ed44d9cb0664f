/** Everything a page needs: load it as a module, and the elements are there. */
import { NotifsBell } from "./elements/bell";
import { NotifsInbox } from "./elements/inbox";
import { fetchParts, whenIdle } from "./elements/part";
import { adopt, THEME } from "./elements/sheets";
import { NotifsToasts } from "./elements/toasts";
import { speak } from "./words";

const ELEMENTS = { "notifs-inbox": NotifsInbox, "notifs-bell": NotifsBell, "notifs-toasts": NotifsToasts };

declare global {
  interface HTMLElementTagNameMap {
    "notifs-inbox": NotifsInbox;
    "notifs-bell": NotifsBell;
    "notifs-toasts": NotifsToasts;
  }
}

// Elements that are there already are drawn as soon as they are defined.
await speak(document.documentElement.lang);

for (const [name, element] of Object.entries(ELEMENTS)) {
  if (!customElements.get(name)) customElements.define(name, element);
}

// The page may choose light or dark on its root; inside a shadow root that attribute cannot be seen.
adopt(document, THEME);

// So that nobody has to wait for what comes later, and it is there when there is no network.
whenIdle(() => void fetchParts());

export { Connection } from "./core/connection";
export { ActError, SIGNED_OUT } from "./core/errors";
export { connect, release } from "./core/shared";
export type { Events as ElementEvents } from "./elements/events";
export { NotifsBell, NotifsInbox, NotifsToasts };

/** The sheet that tells of the keys. */
import { html } from "lit";
import type { TemplateResult } from "lit";

import { icon } from "./icons";
import type { Command } from "./keys";
import { t } from "../words";

const KEYS: readonly (readonly [string, Command])[] = [
  ["j ↓", "next"], ["k ↑", "previous"], ["Enter o", "open"], ["Shift+i", "read"], ["u", "unread"],
  ["e #", "archive"], ["s", "snooze"], ["z", "undo"], ["x", "select"], ["Ctrl+a ⌘+a", "select_all"], ["/", "search"],
  ["1 2 3 4", "tab"], ["Esc", "clear"], ["?", "help"],
];

export function sheet(): TemplateResult {
  return html`<dialog class="sheet" part="help" aria-labelledby="keys">
    <form class="sheet-head" method="dialog">
      <div class="page-title" id="keys" role="heading" aria-level="2">${t("keys.title")}</div>
      <button class="icon-button" title=${t("keys.close")} aria-label=${t("keys.close")}>${icon("close")}</button>
    </form>
    <dl>
      ${KEYS.map(
        ([keys, command]) => html`<div>
          <dt>${t(`keys.${command}`)}</dt>
          <dd>${keys.split(" ").map((key) => html`<kbd dir="ltr">${key}</kbd>`)}</dd>
        </div>`,
      )}
    </dl>
  </dialog>`;
}

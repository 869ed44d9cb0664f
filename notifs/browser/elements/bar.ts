/** What stands in the tabs' place while rows are picked: how many, and what to do with all of them. */
import { html } from "lit";
import type { TemplateResult } from "lit";

import { icon } from "./icons";
import type { IconName } from "./icons";
import { CONTROLS } from "./row";
import type { Filter, RowAct } from "../core/wire";
import { t } from "../words";

export interface BarContext {
  readonly act: (act: RowAct) => void;
  readonly snooze: (event: MouseEvent) => void;
  readonly clear: () => void;
}

export function bar(count: number, filter: Filter, { act, snooze, clear }: BarContext): TemplateResult {
  const button = (name: IconName, words: string, press: () => void): TemplateResult =>
    html`<button class="icon-button" part="control" type="button" title=${words} aria-label=${words} @click=${press}>
      ${icon(name)}
    </button>`;
  const control = (each: keyof typeof CONTROLS): TemplateResult =>
    button(CONTROLS[each].icon, t(CONTROLS[each].label), () => act(each));
  const isArchived = filter === "archived";
  return html`<div class="tabs bar" part="bar" role="toolbar" aria-label=${t("bar.label")}>
    ${button("close", t("bar.clear"), clear)}
    <span class="picked-count" role="status">${t("bar.count", { n: count })}</span>
    ${isArchived ? control("unarchive") : [
      control("mark_read"), control("mark_unread"), control("archive"),
      filter === "snoozed" ? control("unsnooze") : "",
      html`<button
        class="icon-button snooze"
        part="control"
        type="button"
        popovertarget="menu"
        aria-haspopup="menu"
        title=${t("row.snooze")}
        aria-label=${t("row.snooze")}
        @click=${snooze}
      >
        ${icon("clock")}
      </button>`,
    ]}
  </div>`;
}

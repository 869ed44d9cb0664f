/** The filters as tabs; arrow keys go from one to the next, as people expect of tabs. */
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";

import { FILTERS } from "../core/wire";
import type { Filter } from "../core/wire";
import { t } from "../words";

export function tabs(current: Filter, unread: number, choose: (filter: Filter) => void): TemplateResult {
  const onKeydown = (event: KeyboardEvent): void => step(event, choose);
  const count = (filter: Filter) =>
    filter === "unread" && unread > 0 ? html`<span class="count">${unread}</span>` : nothing;
  return html`<div class="tabs" part="tabs" role="tablist" aria-label=${t("tabs.label")} @keydown=${onKeydown}>
    ${FILTERS.map(
      (filter) => html`<button
        class="tab"
        part="tab"
        type="button"
        role="tab"
        id="tab-${filter}"
        aria-selected=${filter === current}
        aria-controls="list"
        tabindex=${filter === current ? 0 : -1}
        @click=${() => choose(filter)}
      >
        ${t(`tabs.${filter}`)}${count(filter)}
      </button>`,
    )}
  </div>`;
}

function step(event: KeyboardEvent, choose: (filter: Filter) => void): void {
  const list = event.currentTarget as HTMLElement;
  const buttons = [...list.querySelectorAll("button")];
  const here = buttons.indexOf(event.target as HTMLButtonElement);
  const onward = getComputedStyle(list).direction === "rtl" ? -1 : 1;
  const places: Record<string, number> = { ArrowRight: here + onward, ArrowLeft: here - onward, Home: 0, End: -1 };
  const place = places[event.key];
  if (place === undefined) return;
  const next = place === buttons.length ? 0 : buttons.indexOf(buttons.at(place) as HTMLButtonElement);
  const filter = FILTERS[next];
  if (filter === undefined) return;
  event.preventDefault();
  buttons[next]?.focus();
  choose(filter);
}

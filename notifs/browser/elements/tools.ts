/** What searches and filters, beside the tabs. */
import { html } from "lit";
import type { TemplateResult } from "lit";

import { icon } from "./icons";
import { t } from "../words";

export function tools(search: () => void, filter: (event: MouseEvent) => void): TemplateResult {
  return html`<div class="tools" part="tools">
    <button class="icon-button" type="button" title=${t("find.label")} aria-label=${t("find.label")} @click=${search}>
      ${icon("search")}
    </button>
    <button
      class="icon-button filter"
      type="button"
      popovertarget="menu"
      aria-haspopup="menu"
      title=${t("find.filter")}
      aria-label=${t("find.filter")}
      @click=${filter}
    >
      ${icon("filter")}
    </button>
  </div>`;
}

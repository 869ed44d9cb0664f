/** What stands where rows would: nothing yet, nothing left, nothing reached. What was not found is in find.ts. */
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";

import { icon } from "./icons";
import type { IconName } from "./icons";
import type { Filter } from "../core/wire";
import { t } from "../words";

const SKELETONS = [1, 2, 3, 4, 5];
const ICONS: Readonly<Record<Filter, IconName>> = {
  unread: "done",
  all: "bell",
  archived: "archive",
  snoozed: "clock",
};

/** The style sheet shows it only after a moment: most of the time there is nothing to wait for. */
export function loading(): TemplateResult {
  return html`<div class="loading">
    <span class="hidden">${t("inbox.loading")}</span>
    ${SKELETONS.map(
      () => html`<div class="row skeleton" aria-hidden="true">
        <span></span><span class="avatar"></span><span class="what"><i></i><i></i></span>
      </div>`,
    )}
  </div>`;
}

/** A page may say it in its own words, in the slot `empty`. */
export function empty(filter: Filter, showAll: () => void): TemplateResult {
  const hint = filter === "snoozed" || filter === "archived" ? t(`blank.${filter}_how`) : "";
  return html`<slot name="empty"><div class="blank" part="blank">
    ${icon(ICONS[filter])}
    <p>${t(`blank.${filter}`)}</p>
    ${hint && html`<p class="secondary">${hint}</p>`}
    ${filter === "unread" ? html`<button class="link" type="button" @click=${showAll}>${t("blank.show_all")}</button>` : nothing}
  </div></slot>`;
}

export function failed(reason: string, tryAgain: () => void): TemplateResult {
  return html`<div class="blank" part="blank" role="alert">
    ${icon("warning")}
    <p>${reason}</p>
    <button class="button" type="button" @click=${tryAgain}>${t("blank.try_again")}</button>
  </div>`;
}

/** `wasIn`: whether there was an inbox to see before. */
export function signedOut(href: string, wasIn: boolean): TemplateResult {
  return html`<div class="blank" part="blank" role="alert">
    ${icon("bell")}
    <p>${t(wasIn ? "blank.signed_out" : "blank.not_signed_in")}</p>
    <p class="secondary">${t("blank.signed_out_how")}</p>
    ${href && html`<a class="button primary" href=${href}>${t("blank.sign_in")}</a>`}
  </div>`;
}

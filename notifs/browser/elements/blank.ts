/** What stands where rows would: nothing yet, nothing left, nothing reached. */
import { html } from "lit";
import type { TemplateResult } from "lit";

import { icon } from "./icons";
import type { Filter } from "../core/wire";
import { t } from "../words";

const SKELETONS = [1, 2, 3, 4, 5];

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

export function empty(filter: Filter, showAll: () => void): TemplateResult {
  if (filter === "archived") return html`<div class="blank">${icon("archive")}<p>${t("blank.archived")}</p></div>`;
  if (filter === "all") return html`<div class="blank">${icon("bell")}<p>${t("blank.all")}</p></div>`;
  return html`<div class="blank">
    ${icon("done")}
    <p>${t("blank.unread")}</p>
    <button class="link" type="button" @click=${showAll}>${t("blank.show_all")}</button>
  </div>`;
}

export function failed(reason: string, tryAgain: () => void): TemplateResult {
  return html`<div class="blank" role="alert">
    ${icon("warning")}
    <p>${reason}</p>
    <button class="button" type="button" @click=${tryAgain}>${t("blank.try_again")}</button>
  </div>`;
}

export function signedOut(href: string): TemplateResult {
  return html`<div class="blank" role="alert">
    ${icon("bell")}
    <p>${t("blank.signed_out")}</p>
    <p class="secondary">${t("blank.signed_out_how")}</p>
    ${href && html`<a class="button primary" href=${href}>${t("blank.sign_in")}</a>`}
  </div>`;
}

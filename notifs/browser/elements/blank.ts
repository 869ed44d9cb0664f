/** What stands where rows would: nothing yet, nothing left, nothing reached. */
import { html } from "lit";
import type { TemplateResult } from "lit";

import { icon } from "./icons";
import type { Filter } from "../core/wire";

const SKELETONS = [1, 2, 3, 4, 5];

/** The style sheet shows it only after a moment: most of the time there is nothing to wait for. */
export function loading(): TemplateResult {
  return html`<div class="loading">
    <span class="hidden">Loading</span>
    ${SKELETONS.map(
      () => html`<div class="row skeleton" aria-hidden="true">
        <span></span><span class="avatar"></span><span class="what"><i></i><i></i></span>
      </div>`,
    )}
  </div>`;
}

export function empty(filter: Filter, showAll: () => void): TemplateResult {
  if (filter === "archived") return html`<div class="blank">${icon("archive")}<p>Nothing is archived.</p></div>`;
  if (filter === "all") return html`<div class="blank">${icon("bell")}<p>No notifications yet.</p></div>`;
  return html`<div class="blank">
    ${icon("done")}
    <p>You are all caught up.</p>
    <button class="link" type="button" @click=${showAll}>Show all notifications</button>
  </div>`;
}

export function failed(reason: string, tryAgain: () => void): TemplateResult {
  return html`<div class="blank" role="alert">
    ${icon("warning")}
    <p>${reason}</p>
    <button class="button" type="button" @click=${tryAgain}>Try again</button>
  </div>`;
}

export function signedOut(href: string): TemplateResult {
  return html`<div class="blank" role="alert">
    ${icon("bell")}
    <p>You have been signed out.</p>
    <p class="secondary">Sign in again to see your notifications.</p>
    ${href && html`<a class="button primary" href=${href}>Sign in</a>`}
  </div>`;
}

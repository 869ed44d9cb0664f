/**
 * Who it is from, as a picture or initials. web/templates/avatar.html draws the same.
 *
 * The server names no picture of another host that its settings do not list: that host would learn who reads, and when.
 */
import { html } from "lit";
import type { TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";

import { icon } from "./icons";
import { safeLink } from "./links";
import type { Notification } from "../core/wire";

const TINTS = 8;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

export function avatar({ actor, icon: sent }: Notification): unknown {
  const picture = safeLink(actor?.avatar) ?? safeLink(sent);
  if (picture !== null) return image(picture);
  const name = actor?.name?.trim();
  if (!name) return html`<span class="avatar plain" aria-hidden="true">${icon("bell")}</span>`;
  return html`<span class="avatar tint-${tint(name)}" aria-hidden="true">${initials(name)}</span>`;
}

/** Another element for another picture: one element would show the old one for as long as the new one takes to come. */
function image(picture: string): unknown {
  const draw = (): TemplateResult =>
    html`<img class="avatar" src=${picture} alt="" width="32" height="32" loading="lazy" />`;
  return repeat([picture], () => picture, draw);
}

/** "Ada Lovelace" is AL, "ada" is A. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const first = [...(words[0] ?? "")][0] ?? "";
  const last = words.length > 1 ? ([...(words.at(-1) ?? "")][0] ?? "") : "";
  return (first + last).toUpperCase();
}

/** One of eight tints, always the same for a name; simple enough for a template to reckon too. */
export function tint(name: string): number {
  const letters = [...name];
  return (LETTERS.indexOf((letters[0] ?? "").toUpperCase()) + letters.length) % TINTS;
}

/** Looking for some of many: by words in titles, by kind and by actor. */
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";

import { icon } from "./icons";
import type { Item } from "./menu";
import { actorOf } from "../core/state";
import type { Notification, Query } from "../core/wire";
import { t } from "../words";

/** As many of each are offered, those with the most rows first. */
const MOST_OFFERED = 6;

export type Terms = Pick<Query, "kind" | "actor" | "text">;

export interface Finder {
  readonly input: (text: string) => void;
  readonly close: () => void;
  /** Look for this as well; undefined no longer. */
  readonly set: (terms: Terms) => void;
  /** What an actor was called last; as it is known otherwise. */
  readonly nameOf: (actor: string) => string;
}

export function searchField(text: string, finder: Finder): TemplateResult {
  const onInput = (event: Event): void => finder.input((event.target as HTMLInputElement).value);
  const onKeydown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    finder.close();
  };
  return html`<div class="find" part="search" role="search">
    <label class="hidden" for="search">${t("find.label")}</label>
    ${icon("search")}
    <input
      id="search"
      type="search"
      enterkeyhint="search"
      autocomplete="off"
      maxlength="200"
      placeholder=${t("find.label")}
      .value=${text}
      @input=${onInput}
      @keydown=${onKeydown}
    />
    <button class="icon-button" type="button" title=${t("find.clear")} aria-label=${t("find.clear")} @click=${() => finder.close()}>
      ${icon("close")}
    </button>
  </div>`;
}

/** What else is looked for, each taken away by a click. */
export function chips({ kind, actor }: Terms, finder: Finder): TemplateResult | typeof nothing {
  if (!kind && !actor) return nothing;
  const chip = (words: string, terms: Terms): TemplateResult =>
    html`<button
      class="chip"
      part="chip"
      type="button"
      aria-label=${t("find.remove", { words })}
      @click=${() => finder.set(terms)}
    >
      ${words} ${icon("close")}
    </button>`;
  return html`<div class="chips">
    ${actor ? chip(from(actor, finder), { actor: undefined }) : nothing}
    ${kind ? chip(kindName(kind), { kind: undefined }) : nothing}
  </div>`;
}

/** The kinds and actors of what is loaded, to choose from. */
export function offers(rows: readonly Notification[], finder: Finder): Item[] {
  const actors = mostOf(rows.map(actorOf));
  const kinds = mostOf(rows.map((row) => row.kind));
  const item = (icon: Item["icon"], label: string, terms: Terms): Item => ({ icon, label, run: () => finder.set(terms) });
  return [
    ...actors.map((actor) => item("person", from(actor, finder), { actor })),
    ...kinds.map((kind) => item("filter", kindName(kind), { kind })),
  ];
}

/** What was looked for, in words. */
export function sought({ kind, actor, text }: Terms, finder: Finder): string {
  const parts = [text && `“${text}”`, actor && from(actor, finder), kind && kindName(kind)];
  return parts.filter(Boolean).join(", ");
}

/** In the place of rows. `searchAll`: where what is looked for may yet be. */
export function notFound(words: string, clear: () => void, searchAll: (() => void) | null): TemplateResult {
  const link = (label: string, act: () => void): TemplateResult =>
    html`<button class="link" type="button" @click=${act}>${label}</button>`;
  return html`<div class="blank" part="blank" role="status">
    ${icon("search")}
    <p>${t("blank.not_found", { sought: words })}</p>
    <p class="choices">
      ${link(t("find.clear"), clear)} ${searchAll === null ? nothing : link(t("find.in_all"), searchAll)}
    </p>
  </div>`;
}

/** "comment.posted" is "Comment posted". */
export function kindName(kind: string): string {
  const words = kind.replace(/[._-]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function from(actor: string, finder: Finder): string {
  return t("find.from", { name: finder.nameOf(actor) });
}

function mostOf(values: readonly (string | null)[]): string[] {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, MOST_OFFERED).map(([value]) => value);
}

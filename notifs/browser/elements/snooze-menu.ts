/** The menu of when a notification shall come back, and the form for any other time. */
import { html } from "lit";
import type { TemplateResult } from "lit";

import type { Filling, Item } from "./menu";
import { bounds, moments } from "./snooze";
import { exact, until } from "./time";
import { t } from "../words";

/** `close` closes the menu, which has no word in what is done with a form. */
export function snoozeMenu(snooze: (at: Date) => void, close: () => void): Filling {
  const now = new Date();
  const offered = moments(now).map(
    ({ word, at }): Item => ({ icon: "clock", label: t(word), detail: until(at, now), run: () => snooze(at) }),
  );
  const label = t("snooze.pick");
  const pick: Item = { icon: "more", label, run: () => ({ label, content: form(snooze, close) }) };
  return { label: t("row.snooze"), content: [...offered, pick] };
}

function form(snooze: (at: Date) => void, close: () => void): TemplateResult {
  const { min, max, value } = bounds(new Date());
  const inWords = (value: string): string => value && exact(new Date(value).toISOString());
  const onInput = ({ target }: Event): void => {
    const { value, nextElementSibling } = target as HTMLInputElement;
    (nextElementSibling as HTMLOutputElement).value = inWords(value);
  };
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const input = (event.target as HTMLFormElement).querySelector("input");
    close();
    if (input?.value) snooze(new Date(input.value));
  };
  return html`<form class="snooze-form" @submit=${onSubmit}>
    <label for="until">${t("snooze.until")}</label>
    <input id="until" type="datetime-local" required min=${min} max=${max} .value=${value} @input=${onInput} />
    <output class="secondary" for="until">${inWords(value)}</output>
    <button class="button primary">${t("row.snooze")}</button>
  </form>`;
}

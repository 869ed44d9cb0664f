/** How to be alerted, in the bell's popover. It all holds for this browser; a sound and quiet need no permission. */
import { html, nothing, unsafeCSS } from "lit";
import type { TemplateResult } from "lit";
import { live } from "lit/directives/live.js";

import { hasDesktop } from "../alerts/desktop";
import { inAnHour, tomorrow } from "../alerts/quiet";
import type { Settings } from "../alerts/settings";
import { chime } from "../alerts/sound";
import { icon } from "./icons";
import settingsStyles from "../styles/settings.css?inline";
import { locale, t } from "../words";
import type { Word } from "../words";

export const SETTINGS = unsafeCSS(settingsStyles);
const QUIET = "quiet";
const HOUR = "hour";
const TOMORROW = "tomorrow";

export function alertSettings(settings: Settings, close: () => void): TemplateResult {
  const { sound, desktop, keys } = settings.choices;
  return html`<section class="settings" part="settings" aria-labelledby="settings-title">
    <header class="settings-head">
      <button class="icon-button" type="button" aria-label=${t("alerts.back")} @click=${close}>${icon("back")}</button>
      <div class="settings-title" id="settings-title" role="heading" aria-level="2">${t("bell.alerts")}</div>
    </header>
    ${check("alerts.sound", sound, (sound) => {
      settings.choose({ sound });
      if (sound) chime();
    })}
    ${hasDesktop()
      ? [
          check("alerts.desktop", desktop && Notification.permission === "granted", (on) => void permit(settings, on)),
          html`<p class="hint" role="status">
            ${t(Notification.permission === "denied" ? "alerts.blocked" : "alerts.desktop_when")}
          </p>`,
        ]
      : nothing}
    ${quiet(settings)} ${check("alerts.keys", keys, (keys) => settings.choose({ keys }))}
  </section>`;
}

function check(word: Word, checked: boolean, choose: (checked: boolean) => void): TemplateResult {
  const onChange = (event: Event): void => choose((event.target as HTMLInputElement).checked);
  return html`<label class="choice">
    <input type="checkbox" .checked=${live(checked)} @change=${onChange} /><span>${t(word)}</span>
  </label>`;
}

function quiet(settings: Settings): TemplateResult {
  const { quietUntil } = settings.choices;
  const now = Date.now();
  const onChange = (event: Event): void => {
    const { value } = event.target as HTMLSelectElement;
    if (value !== QUIET) settings.choose({ quietUntil: until(value) });
  };
  return html`<label class="choice">
    <span>${t("alerts.quiet")}</span>
    <select @change=${onChange}>
      <option value="" .selected=${live(quietUntil === 0)}>${t("alerts.quiet_off")}</option>
      ${quietUntil > 0
        ? html`<option value=${QUIET} .selected=${live(true)}>${t("alerts.quiet_until", { time: timeOf(quietUntil, now) })}</option>`
        : nothing}
      <option value=${HOUR}>${t("alerts.quiet_hour")}</option>
      <option value=${TOMORROW}>${t("alerts.quiet_tomorrow", { time: timeOf(tomorrow(now), tomorrow(now)) })}</option>
    </select>
  </label>`;
}

function until(value: string): number {
  if (value === "") return 0;
  return value === HOUR ? inAnHour(Date.now()) : tomorrow(Date.now());
}

/** With the day, if it is another one than that of `now`. */
function timeOf(moment: number, now: number): string {
  const isToday = new Date(moment).toDateString() === new Date(now).toDateString();
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(locale, isToday ? time : { ...time, weekday: "long" }).format(moment);
}

/** The browser asks the person only here, after a click; some browsers never ask twice. */
async function permit(settings: Settings, isWanted: boolean): Promise<void> {
  if (isWanted && Notification.permission === "default") await Notification.requestPermission();
  settings.choose({ desktop: isWanted && Notification.permission === "granted" });
}

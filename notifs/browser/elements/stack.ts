/** What a person is told of what arrives, and for how long it is there to be read. */
import { adoptStyles, html, nothing, unsafeCSS } from "lit";
import type { TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";

import { Alerts } from "../alerts/alerts";
import { isHidden } from "../alerts/claims";
import { MOST_SHOWN } from "../alerts/desktop";
import { settingsOf } from "../alerts/settings";
import { Speech } from "../alerts/speech";
import { avatar } from "./avatar";
import type { Connection } from "../core/connection";
import { tell } from "./events";
import { icon } from "./icons";
import type { IconName } from "./icons";
import { linked } from "./linked";
import { safeLink } from "./links";
import { isUnread } from "../core/state";
import { SHEETS } from "./sheets";
import toastStyles from "../styles/toasts.css?inline";
import type { NotifsToasts } from "./toasts";
import type { Notification } from "../core/wire";
import { t } from "../words";

const STAYS = 6_000;
const TICK = 250;

/** About one row, or about a number of them: a burst, or what came while we were away. */
interface Toast {
  readonly id: string;
  readonly row?: Notification;
  readonly count: number;
  left: number;
}

const STYLES = [...SHEETS, unsafeCSS(toastStyles)];

export class Stack {
  /** The newest first. */
  private toasts: readonly Toast[] = [];
  private ticking: ReturnType<typeof setInterval> | undefined;
  private readonly speech = new Speech(
    (titles) => (titles.length === 1 ? titles.join() : t("toasts.burst", { n: titles.length })),
    () => this.host.requestUpdate(),
  );

  private readonly alerts: Alerts;
  private readonly stops: readonly (() => void)[];

  constructor(
    private readonly host: NotifsToasts,
    connection: Connection,
  ) {
    const { base, tokenUrl = "" } = host;
    const settings = settingsOf(base);
    adoptStyles(host.renderRoot as ShadowRoot, STYLES);
    this.alerts = new Alerts(`notifs ${base} ${tokenUrl}`, connection, settings, {
      tell: (notifications) => tell(host, "notifs-alert", { notifications }),
      show: (rows) => this.show(rows),
      missed: (count) => this.showMissed(count),
      go: (row) => this.go(connection, row),
    });
    this.stops = [
      ...this.alerts.open(),
      connection.on("change", () => this.dropStale(connection)),
      settings.on("change", () => settings.choices.quietUntil > 0 && this.keep([])),
    ];
    host.requestUpdate();
  }

  close(): void {
    for (const stop of this.stops) stop();
    this.speech.stop();
    this.keep([]);
  }

  arrived(rows: readonly Notification[]): void {
    void this.alerts.alert(rows);
  }

  missed(count: number): void {
    this.alerts.miss(count);
  }

  render(): TemplateResult {
    const isEmpty = this.toasts.length === 0;
    return html`<div class="hidden" role="status">${this.speech.text}</div>
      <div class="toasts" part="toasts" role=${isEmpty ? nothing : "region"} aria-label=${isEmpty ? nothing : t("toasts.label")}>
        ${repeat(this.toasts, ({ id }) => id, (toast) => (toast.row ? this.single(toast.row) : this.counter(toast)))}
      </div>`;
  }

  private single(row: Notification): TemplateResult {
    const { id, title, body, priority } = row;
    const isUrgent = priority === "urgent";
    return html`<div class=${isUrgent ? "toast urgent" : "toast"} part="toast">
      ${avatar(row)}
      <div class="what">
        ${isUrgent ? html`<div class="flag">${t("row.urgent")}</div>` : nothing}
        <div class="title" dir="auto">${linked(this.host, row, title)}</div>
        ${body ? html`<p class="body" dir="auto">${body}</p>` : nothing}
      </div>
      <div class="controls">
        ${button("check", t("row.act_on", { act: t("row.mark_read"), title }), () => this.markRead(row))}
        ${button("close", t("row.act_on", { act: t("toasts.dismiss"), title }), () => this.dismiss(id))}
      </div>
    </div>`;
  }

  private counter({ id, count }: Toast): TemplateResult {
    const { inboxHref } = this.host;
    const words = t(id === "missed" ? "toasts.missed" : "toasts.burst", { n: count });
    return html`<div class="toast" part="toast">
      <span class="avatar plain" aria-hidden="true">${icon("bell")}</span>
      <div class="what"><div class="title">${inboxHref ? html`<a href=${inboxHref}>${words}</a>` : words}</div></div>
      <div class="controls">${button("close", t("toasts.dismiss"), () => this.dismiss(id))}</div>
    </div>`;
  }

  /** As `linked` does, from a notification of the desktop's. */
  private go(connection: Connection, row?: Notification): void {
    const { byToken } = connection;
    if (byToken && row) void connection.act("mark_read", [row.id]).catch(() => undefined);
    const href = (row && safeLink(byToken ? row.url : row.mark_read)) ?? this.host.inboxHref;
    if (href) location.assign(href);
  }

  private show(rows: readonly Notification[]): void {
    const others = this.toasts.filter(({ row }) => row === undefined);
    const singles = this.toasts.filter(({ row }) => row !== undefined);
    const burst = others.find(({ id }) => id === "burst");
    const more = rows.map((row) => ({ id: row.id, row, count: 1, left: STAYS }));
    const isBurst = burst !== undefined || this.toasts.length + rows.length > MOST_SHOWN;
    const count = rows.length + (burst?.count ?? singles.length);
    const missed = others.filter((toast) => toast !== burst);
    this.keep(isBurst ? [{ id: "burst", count, left: STAYS }, ...missed] : [...more, ...this.toasts]);
    this.speech.say(rows.map(({ title }) => t("toasts.arrived", { title })));
  }

  private showMissed(count: number): void {
    const others = this.toasts.filter(({ id }) => id !== "missed");
    this.keep([{ id: "missed", count, left: STAYS }, ...others].slice(0, MOST_SHOWN));
    this.speech.say([t("toasts.missed", { n: count })]);
  }

  /** Read on another device, archived or taken back: then there is nothing left to say. */
  private dropStale({ shown }: Connection): void {
    const isCurrent = ({ id, row: told }: Toast): boolean => {
      const row = shown.rows.get(id);
      return told === undefined ? shown.unseen > 0 : row !== undefined && row.retracted !== true && isUnread(row);
    };
    this.keep(this.toasts.filter(isCurrent));
  }

  private tick(): void {
    if (isHidden() || this.host.matches(":hover, :focus-within")) return;
    for (const toast of this.toasts) toast.left -= TICK;
    this.keep(this.toasts.filter(({ left }) => left > 0));
  }

  private markRead(row: Notification): void {
    this.dismiss(row.id);
    // Refused: then there is still something to say.
    this.host.connection?.act("mark_read", [row.id]).catch(() => this.show([row]));
  }

  /** Whoever does it by the keyboard goes on to the next one. */
  private dismiss(id: string): void {
    const { host } = this;
    const hadFocus = host.shadowRoot?.activeElement != null;
    this.keep(this.toasts.filter((toast) => toast.id !== id));
    if (hadFocus) void host.updateComplete.then(() => host.renderRoot.querySelector<HTMLElement>(".controls button")?.focus());
  }

  private keep(toasts: readonly Toast[]): void {
    const isSame = toasts.length === this.toasts.length && toasts.every((toast, place) => toast === this.toasts[place]);
    if (!isSame) this.host.requestUpdate();
    this.toasts = toasts;
    if (toasts.length > 0) {
      this.ticking ??= setInterval(() => this.tick(), TICK);
    } else {
      clearInterval(this.ticking);
      this.ticking = undefined;
    }
  }
}

function button(name: IconName, label: string, press: () => void): TemplateResult {
  return html`<button class="icon-button" type="button" title=${label} aria-label=${label} @click=${press}>
    ${icon(name)}
  </button>`;
}

/** `<notifs-toasts>`: a short word about what has just arrived. Never about a backlog. */
import { html, nothing, unsafeCSS } from "lit";
import type { TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";

import { avatar } from "./avatar";
import type { Connection } from "../core/connection";
import { MailboxElement } from "./element";
import { icon } from "./icons";
import { linked } from "./row";
import { isUnread } from "../core/state";
import controls from "../styles/controls.css?inline";
import toastStyles from "../styles/toasts.css?inline";
import tokens from "../styles/tokens.css?inline";
import type { Notification } from "../core/wire";
import { t } from "../words";

const MOST_SHOWN = 3;
const STAYS = 6_000;
const TICK = 250;

interface Toast {
  readonly id: string;
  readonly notification: Notification;
  left: number;
}

export class NotifsToasts extends MailboxElement {
  static override styles = [unsafeCSS(tokens), unsafeCSS(controls), unsafeCSS(toastStyles)];

  private toasts: Toast[] = [];
  /** A burst is one toast with their number; 0 when there is none. */
  private burst = 0;
  private burstLeft = 0;
  private ticking: ReturnType<typeof setInterval> | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.dismissAll();
  }

  protected override listen(connection: Connection): (() => void)[] {
    return [
      connection.on("arrived", (notifications) => this.show(notifications)),
      connection.on("change", () => this.dropStale(connection)),
    ];
  }

  protected override render(): TemplateResult {
    return html`<div class="toasts" role="status">
      ${this.burst > 0 ? this.burstToast() : repeat(this.toasts, ({ id }) => id, (toast) => this.toast(toast))}
    </div>`;
  }

  private toast({ id, notification }: Toast): TemplateResult {
    const { title, body } = notification;
    return html`<div class="toast">
      ${avatar(notification)}
      <div class="what">
        <div class="title">${linked(notification, title)}</div>
        ${body ? html`<p class="body">${body}</p>` : nothing}
      </div>
      ${closeButton(() => this.dismiss(id))}
    </div>`;
  }

  private burstToast(): TemplateResult {
    return html`<div class="toast">
      <span class="avatar plain" aria-hidden="true">${icon("bell")}</span>
      <div class="what">
        <div class="title"><a href=${this.inboxHref}>${t("toasts.burst", { n: this.burst })}</a></div>
      </div>
      ${closeButton(() => this.dismissAll())}
    </div>`;
  }

  private show(arrived: readonly Notification[]): void {
    const fresh = arrived.filter(isUnread);
    if (fresh.length === 0) return;
    const count = this.burst + this.toasts.length + fresh.length;
    if (count > MOST_SHOWN) {
      this.burst = count;
      this.burstLeft = STAYS;
      this.toasts = [];
    } else {
      const more = fresh.map((notification) => ({ id: notification.id, notification, left: STAYS }));
      this.toasts = [...more, ...this.toasts];
    }
    this.ticking ??= setInterval(() => this.tick(), TICK);
    this.requestUpdate();
  }

  /** Read on another device, archived or taken back: then there is nothing left to say. */
  private dropStale({ state }: Connection): void {
    const isCurrent = ({ id }: Toast): boolean => {
      const row = state.rows.get(id);
      return row !== undefined && row.retracted !== true && isUnread(row);
    };
    this.keep(this.toasts.filter(isCurrent));
  }

  private tick(): void {
    if (document.hidden || this.matches(":hover, :focus-within")) return;
    this.burstLeft -= TICK;
    if (this.burst > 0 && this.burstLeft <= 0) return this.dismissAll();
    for (const toast of this.toasts) toast.left -= TICK;
    this.keep(this.toasts.filter(({ left }) => left > 0));
  }

  private dismiss(id: string): void {
    this.keep(this.toasts.filter((toast) => toast.id !== id));
  }

  private dismissAll(): void {
    this.burst = 0;
    this.keep([]);
    this.requestUpdate();
  }

  private keep(toasts: Toast[]): void {
    if (toasts.length !== this.toasts.length) this.requestUpdate();
    this.toasts = toasts;
    if (toasts.length > 0 || this.burst > 0) return;
    clearInterval(this.ticking);
    this.ticking = undefined;
  }
}

function closeButton(close: () => void): TemplateResult {
  const label = t("toasts.dismiss");
  return html`<button class="icon-button" type="button" aria-label=${label} @click=${close}>${icon("close")}</button>`;
}

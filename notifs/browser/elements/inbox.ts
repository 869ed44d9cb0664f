/** `<notifs-inbox>`: the list, its tabs, and what can be done with a row. */
import { html, nothing, unsafeCSS } from "lit";
import type { PropertyDeclarations, TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";

import { empty, failed, loading, signedOut } from "./blank";
import type { Connection } from "../core/connection";
import type { Done } from "../core/outbox";
import { Continuity } from "./continuity";
import { MailboxElement } from "./element";
import { icon } from "./icons";
import { readIsland } from "./island";
import { row } from "./row";
import type { RowAct } from "./row";
import { EMPTY, loaded, view } from "../core/state";
import type { State } from "../core/state";
import controls from "../styles/controls.css?inline";
import inboxStyles from "../styles/inbox.css?inline";
import tokens from "../styles/tokens.css?inline";
import { tabs } from "./tabs";
import { dayOf } from "./time";
import { Timer } from "../core/timer";
import type { Filter, Notification } from "../core/wire";
import { reason, t } from "../words";
import type { Word } from "../words";

const DONE: Record<RowAct, Word> = {
  mark_read: "done.mark_read",
  mark_unread: "done.mark_unread",
  archive: "done.archive",
  unarchive: "done.unarchive",
};
const NOTICE_STAYS = 8_000;
const CLOCK = 30_000;

interface Notice {
  readonly text: string;
  readonly undo?: () => Promise<void>;
}

interface Day {
  readonly label: string;
  readonly rows: Notification[];
}

export class NotifsInbox extends MailboxElement {
  static override properties: PropertyDeclarations = {
    filter: { reflect: true },
    compact: { type: Boolean },
    history: { type: Boolean },
  };
  static override styles = [unsafeCSS(tokens), unsafeCSS(controls), unsafeCSS(inboxStyles)];

  /** The tab that is shown. */
  declare filter: Filter;
  /** As in the bell's popover: one heading level lower, and a scroll of its own. */
  declare compact: boolean;
  /** Keep the address in step with the tab; for a page that is nothing but the inbox. */
  declare history: boolean;

  private isLoading = false;
  private failure: string | null = null;
  private notice: Notice | null = null;
  private readonly refusals = new Map<string, string>();
  private readonly noticeEnds = new Timer(() => this.endNotice());
  private readonly clock = new Timer(() => this.requestUpdate());
  private readonly watcher = new IntersectionObserver((entries) => {
    if (this.failure === null && entries.some((entry) => entry.isIntersecting)) void this.load();
  });

  constructor() {
    super();
    this.filter = "unread";
    this.compact = false;
    this.history = false;
    new Continuity(this, () => this.filter, "#list");
  }

  override connectedCallback(): void {
    if (!this.hasAttribute("filter")) this.filter = (!this.compact && readIsland(this.base)?.filter) || this.filter;
    super.connectedCallback();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.noticeEnds.stop();
    this.clock.stop();
    this.watcher.disconnect();
  }

  protected override listen(connection: Connection): (() => void)[] {
    return [...super.listen(connection), connection.on("change", () => this.forgetFailure(connection))];
  }

  protected override updated(): void {
    this.watcher.disconnect();
    const older = this.renderRoot.querySelector(".older");
    if (older !== null) this.watcher.observe(older);
    const { state } = this;
    if (state.cursor !== null && !loaded(state.windows[this.filter]) && this.failure === null) void this.load();
    this.clock.set(this.connection?.status.name === "reconnecting" ? 1_000 : CLOCK);
  }

  protected override render(): TemplateResult {
    const isSignedOut = this.connection?.status.name === "signed-out";
    return html`<section class="inbox" aria-labelledby=${this.compact ? nothing : "title"}>
      ${this.header(isSignedOut)}
      ${isSignedOut ? signedOut(this.loginHref) : [tabs(this.filter, this.state.unread, this.choose), this.list()]}
      <div class="notice" role="status">
        ${this.notice === null || isSignedOut ? nothing : this.noticeLine(this.notice)}
      </div>
    </section>`;
  }

  private get state(): State {
    return this.connection?.shown ?? EMPTY;
  }

  private get headingLevel(): number {
    return this.compact ? 2 : 1;
  }

  private header(isSignedOut: boolean): TemplateResult {
    const { unread } = this.state;
    return html`<header class="head">
      <div class="page-title" id="title" role="heading" aria-level=${this.headingLevel}>${t("inbox.title")}</div>
      ${isSignedOut
        ? nothing
        : html`<button class="button quiet" type="button" ?disabled=${unread === 0} @click=${this.markAllRead}>
              ${t("inbox.mark_all_read")}
            </button>
            <p class="summary">
              ${this.trouble() ?? (unread > 0 ? t("inbox.unread", { n: unread }) : t("inbox.nothing_unread"))}
            </p>`}
    </header>`;
  }

  private trouble(): TemplateResult | null {
    const { status, degraded } = this.connection ?? {};
    const words = status?.name === "reconnecting" ? unreachable(status.retryAt) : degraded && `${degraded}.`;
    return words ? html`<span class="trouble" role="status">${icon("warning")} ${words}</span>` : null;
  }

  private list(): TemplateResult {
    return html`<div class="list" id="list" role="tabpanel" tabindex="-1" aria-labelledby="tab-${this.filter}">
      ${this.content()}
    </div>`;
  }

  private content(): TemplateResult {
    const window = this.state.windows[this.filter];
    if (!loaded(window)) return this.failure === null ? loading() : failed(this.failure, this.tryAgain);
    const rows = view(this.state, { filter: this.filter });
    if (rows.length === 0 && window.complete) return empty(this.filter, () => this.choose("all"));
    return html`${this.days(rows)}${window.complete ? nothing : this.older()}`;
  }

  private days(rows: readonly Notification[]): unknown {
    const now = Date.now();
    const context = {
      now,
      headingLevel: this.headingLevel + 2,
      pending: this.connection?.pending ?? new Set<string>(),
      refusals: this.refusals,
      act: (act: RowAct, id: string) => void this.perform(act, [id]),
    };
    return repeat(
      byDay(rows, now),
      ({ label }) => label,
      (day) => html`<section class="day">
        <div class="day-title" role="heading" aria-level=${this.headingLevel + 1}>${day.label}</div>
        <ul class="rows" role="list">
          ${repeat(day.rows, ({ id }) => id, (each) => row(each, context))}
        </ul>
      </section>`,
    );
  }

  private older(): TemplateResult {
    return html`<div class="older">
      ${this.failure === null ? nothing : html`<p class="refusal" role="alert">${icon("warning")} ${this.failure}</p>`}
      <button class="button" type="button" aria-disabled=${this.isLoading} @click=${this.tryAgain}>
        ${this.isLoading ? t("inbox.loading") : t("inbox.older")}
      </button>
    </div>`;
  }

  private noticeLine({ text, undo }: Notice): TemplateResult {
    return html`<div class="notice-line">
      <span>${text}</span>
      ${undo && html`<button class="link" type="button" @click=${() => void undo()}>${t("inbox.undo")}</button>`}
    </div>`;
  }

  private readonly choose = (filter: Filter): void => {
    if (filter === this.filter) return;
    this.filter = filter;
    this.failure = null;
    const query = filter === "unread" ? "" : `?filter=${filter}`;
    if (this.history) history.replaceState(null, "", this.inboxHref + query);
  };

  private readonly tryAgain = (): void => {
    this.failure = null;
    this.connection?.retryNow();
    void this.load();
  };

  private async load(): Promise<void> {
    const { connection } = this;
    if (this.isLoading || connection === null) return;
    this.isLoading = true;
    try {
      await connection.fetch({ filter: this.filter });
    } catch (error) {
      this.failure = reason(error);
    }
    this.isLoading = false;
    this.requestUpdate();
  }

  /** What failed while the server was away is tried again now that it is back. */
  private forgetFailure({ status }: Connection): void {
    if (status.name === "live" && !this.isLoading) this.failure = null;
  }

  private async perform(act: RowAct, ids: readonly string[]): Promise<void> {
    for (const id of ids) this.refusals.delete(id);
    try {
      const done = await this.connection?.act(act, ids);
      this.say({ text: t(DONE[act]), undo: () => this.undo(done) });
    } catch (error) {
      for (const id of ids) this.refusals.set(id, reason(error));
    }
    this.requestUpdate();
  }

  private readonly markAllRead = async (): Promise<void> => {
    try {
      const done = await this.connection?.markAllRead();
      this.say({ text: t("inbox.all_marked_read"), undo: () => this.undo(done) });
    } catch (error) {
      this.say({ text: reason(error) });
    }
  };

  private async undo(done: Done | undefined): Promise<void> {
    this.say(null);
    try {
      if (done !== undefined) await this.connection?.undo(done);
    } catch (error) {
      this.say({ text: reason(error) });
    }
  }

  private say(notice: Notice | null): void {
    this.notice = notice;
    this.noticeEnds.stop();
    if (notice !== null) this.noticeEnds.set(NOTICE_STAYS);
    this.requestUpdate();
  }

  /** Not under the pointer or the focus: somebody is about to press Undo. */
  private endNotice(): void {
    if (this.renderRoot.querySelector(".notice:is(:hover, :focus-within)")) this.noticeEnds.set(1_000);
    else this.say(null);
  }
}

/** Rows keep the feed's order; a day is a heading over those of the same day. */
function byDay(rows: readonly Notification[], now: number): Day[] {
  const days = new Map<string, Day>();
  for (const each of rows) {
    const label = dayOf(each.created_at, now);
    const day = days.get(label) ?? { label, rows: [] };
    days.set(label, day);
    day.rows.push(each);
  }
  return [...days.values()];
}

/** Seconds are for the eye only: a screen reader would count them aloud. */
function unreachable(retryAt: number): TemplateResult {
  const seconds = Math.ceil((retryAt - Date.now()) / 1000);
  const words = t("inbox.unreachable");
  if (seconds <= 0) return html`${words}`;
  const exactly = t("inbox.unreachable_in", { n: seconds });
  return html`<span class="hidden">${words}</span><span aria-hidden="true">${exactly}</span>`;
}

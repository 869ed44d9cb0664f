/** `<notifs-inbox>`: the list, its tabs, and what can be done with a row. */
import { html, nothing, unsafeCSS } from "lit";
import type { PropertyDeclarations, PropertyValues, TemplateResult } from "lit";

import { queryString } from "./address";
import { bar } from "./bar";
import { empty, failed, loading, notFound, signedOut } from "./blank";
import type { Connection } from "../core/connection";
import { MailboxElement } from "./element";
import { actorOf, byDay } from "./entries";
import type { Day, Entry } from "./entries";
import { tell } from "./events";
import { chips, offers, searchField, sought, tools } from "./find";
import type { Finder, Terms } from "./find";
import { head } from "./head";
import { icon } from "./icons";
import { readIsland } from "./island";
import { commandOf, sheet } from "./keys";
import { cue, keysOf, list } from "./list";
import type { Item } from "./menu";
import type { RowContext } from "./row";
import { EMPTY, loaded, view, windowOf } from "../core/state";
import type { State } from "../core/state";
import controls from "../styles/controls.css?inline";
import inboxStyles from "../styles/inbox.css?inline";
import tokens from "../styles/tokens.css?inline";
import triageStyles from "../styles/triage.css?inline";
import { tabs } from "./tabs";
import { Timer } from "../core/timer";
import { Triage } from "./triage";
import type { Filter, Notification, Query, RowAct } from "../core/wire";
import { reason, t } from "../words";

const CLOCK = 30_000;
/** How long people pause when they have typed what they look for. */
const TYPING = 250;

export class NotifsInbox extends MailboxElement {
  static override properties: PropertyDeclarations = {
    filter: { reflect: true },
    kind: {},
    actor: {},
    text: {},
    compact: { type: Boolean },
    history: { type: Boolean },
    shortcuts: {},
    actionHosts: { attribute: "action-hosts" },
  };
  static override styles = [tokens, controls, inboxStyles, triageStyles].map((each) => unsafeCSS(each));

  /** The tab that is shown; of it only one kind, only one actor (id, or name where it has none), only such titles. */
  declare filter: Filter;
  declare kind: string | undefined;
  declare actor: string | undefined;
  declare text: string | undefined;
  /** As in the bell's popover: one heading level lower, and a scroll of its own. */
  declare compact: boolean;
  /** Keep the address in step with the tab, and take keys from the whole page: one that is nothing but the inbox. */
  declare history: boolean;
  /** "off": single keys do nothing (WCAG 2.2, 2.1.4). */
  declare shortcuts: string;
  /** Origins that a notification's actions may be sent to, besides the page's own; with spaces between them. */
  declare actionHosts: string;

  private query: Query = { filter: "unread" };
  private isSearching = false;
  private isLoading = false;
  private failure: string | null = null;
  private rows: readonly Notification[] = [];
  private days: readonly Day[] = [];
  private entries: readonly Entry[] = [];
  private keys: readonly string[] = [];
  private reckoned: readonly unknown[] = [];
  private keysFrom: EventTarget = this;
  private typed = "";
  /** Of actors: a filter outlives the rows that it was chosen from. */
  private readonly names = new Map<string, string>();
  private readonly typing = new Timer(() => this.look({ text: this.typed || undefined }));
  private readonly clock = new Timer(() => this.requestUpdate());
  private readonly triage: Triage;

  constructor() {
    super();
    this.filter = "unread";
    this.compact = false;
    this.history = false;
    this.shortcuts = "";
    this.actionHosts = "";
    this.triage = new Triage(this, {
      connection: () => this.connection,
      entries: () => this.entries,
      filter: () => this.filter,
      whole: (entry) => this.whole(entry),
      actionHosts: () => this.actionHosts,
      choose: this.choose,
      search: this.search,
      only: (terms) => this.look(terms),
      forget: () => this.forget(),
    });
  }

  override connectedCallback(): void {
    if (!this.hasAttribute("filter")) this.filter = (!this.compact && readIsland(this.base)?.filter) || this.filter;
    super.connectedCallback();
    // In the bell's popover keys come from the bell as well, which has the focus at first.
    const bell = this.compact ? (this.getRootNode() as Partial<ShadowRoot>).host : undefined;
    this.keysFrom = this.history ? document : (bell ?? this);
    this.keysFrom.addEventListener("keydown", this.onKey);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.keysFrom.removeEventListener("keydown", this.onKey);
    this.typing.stop();
    this.clock.stop();
  }

  protected override listen(connection: Connection): (() => void)[] {
    const say = (words: string): unknown => this.triage.notices.say(words);
    return [
      ...super.listen(connection),
      connection.on("change", () => this.forgetFailure(connection)),
      connection.on("error", say),
      connection.on("refused", (error) => say(reason(error))),
    ];
  }

  protected override willUpdate(changed: PropertyValues): void {
    const { filter, kind, actor, text } = this;
    if (["filter", "kind", "actor", "text"].some((name) => changed.has(name))) {
      this.query = { filter, kind: kind || undefined, actor: actor || undefined, text: text || undefined };
      this.failure = null;
      this.triage.clear();
      this.triage.strip.toTop();
      if (this.hasUpdated) this.tellQuery();
    }
    this.reckon();
  }

  protected override updated(): void {
    const window = windowOf(this.state, this.query);
    const { strip } = this.triage;
    const isShort = !loaded(window) || (!window.complete && strip.to >= strip.offsets.keys.length);
    if (this.state.cursor !== null && isShort && this.failure === null) void this.load();
    this.clock.set(this.connection?.status.name === "reconnecting" ? 1_000 : CLOCK);
  }

  protected override render(): TemplateResult {
    const isSignedOut = this.connection?.status.name === "signed-out";
    const { notices, menu } = this.triage;
    return html`<section class="inbox" part="inbox" aria-labelledby=${this.compact ? nothing : "title"}>
      ${this.head()} ${isSignedOut ? signedOut(this.loginHref, this.state.cursor !== null) : [this.toolbar(), this.list(), notices.render()]}
      ${menu.render()} ${sheet()}
    </section>`;
  }

  private get state(): State {
    return this.connection?.shown ?? EMPTY;
  }

  private get headingLevel(): number {
    return this.compact ? 2 : 1;
  }

  /** The rows to show: again only if something has changed, as in a long list that takes longer than a turn may. */
  private reckon(): void {
    const now = Date.now();
    const { opened, selection } = this.triage;
    const from = [view(this.state, this.query), opened, new Date(now).getDate()] as const;
    if (from.every((each, n) => each === this.reckoned[n])) return;
    this.reckoned = from;
    [this.rows] = from;
    this.days = byDay(this.rows, now, opened, this.days);
    this.entries = this.days.flatMap(({ entries }) => entries);
    this.keys = keysOf(this.days);
    selection.keep(this.entries);
  }

  private head(): TemplateResult {
    return head({
      level: this.headingLevel,
      unread: this.state.cursor === null ? null : this.state.unread,
      connection: this.connection,
      markAllRead: () => void this.triage.acts.markAllRead(),
    });
  }

  private offers(): readonly Item[] | TemplateResult {
    const offered = offers(view(this.state, { filter: this.filter }), this.finder);
    return offered.length > 0 ? offered : html`<p class="secondary nothing">${t("find.nothing")}</p>`;
  }

  /** The tabs, or what can be done with all that are picked; and beneath it what is looked for. */
  private toolbar(): unknown {
    const { triage, filter, finder } = this;
    const count = triage.selection.ids.size;
    const snooze = (at: Date): void => triage.actOnPicked("snooze", at);
    const picked = {
      act: (act: RowAct) => triage.actOnPicked(act),
      snooze: (event: MouseEvent) => triage.menu.fill(event, triage.snoozeMenu(snooze)),
      clear: () => triage.clear(),
    };
    const text = this.typed || this.text || "";
    const offer = (event: MouseEvent): void =>
      triage.menu.fill(event, { label: t("find.filter"), content: this.offers() });
    return [
      count > 0
        ? bar(count, filter, picked)
        : html`<div class="toolbar">${tabs(filter, this.state.unread, this.choose)} ${tools(this.search, offer)}</div>`,
      this.isSearching || text ? searchField(text, finder) : nothing,
      chips(this.query, finder),
    ];
  }

  private list(): TemplateResult {
    const { selection, swipe } = this.triage;
    const isPicking = selection.ids.size > 0;
    return html`<div
      class=${isPicking ? "list picking" : "list"}
      part="list"
      id="list"
      role="tabpanel"
      tabindex="-1"
      aria-labelledby=${isPicking ? nothing : `tab-${this.filter}`}
      aria-label=${isPicking ? t(`tabs.${this.filter}`) : nothing}
      aria-busy=${this.isLoading}
      @scroll=${() => this.triage.strip.drawOn()}
    >
      ${cue(swipe.cue, (each) => this.triage.swipeAct(each.key, each.side))} ${this.content()}
      <div class="leaving" aria-hidden="true" inert></div>
    </div>`;
  }

  private content(): unknown {
    const window = windowOf(this.state, this.query);
    const { strip } = this.triage;
    strip.lay(this.keys);
    if (!loaded(window)) return this.failure === null ? loading() : failed(this.failure, this.tryAgain);
    if (this.rows.length > 0 || !window.complete) {
      return [list(this.days, strip, this.context()), window.complete ? nothing : this.older()];
    }
    const { filter } = this;
    const words = sought(this.query, this.finder);
    if (words === "") return empty(filter, () => this.choose("all"));
    const forget = (): void => {
      this.forget();
      this.focusList();
    };
    return notFound(words, forget, filter === "all" ? null : () => this.choose("all"));
  }

  private context(): RowContext {
    const { triage } = this;
    const isPicking = triage.selection.ids.size > 0;
    return {
      now: Date.now(),
      headingLevel: this.headingLevel + 2,
      pending: this.connection?.pending ?? new Set<string>(),
      refusals: triage.acts.refusals,
      actions: triage.actions,
      opened: triage.opened,
      isPartial: (entry) => this.isPartial(entry),
      isPicked: (entry) => isPicking && triage.selection.has(entry),
      act: (act, entry) => triage.act(act, entry),
      pick: (entry, event) => triage.pick(entry, event.shiftKey),
      toggle: (entry) => triage.toggle(entry),
      menu: (entry, event) => triage.menu.fill(event, triage.rowMenu(entry)),
      open: (notification, event) => {
        if (!tell(this, "notifs-open", { notification })) event.preventDefault();
      },
    };
  }

  private older(): TemplateResult {
    return html`<div class="older">
      ${this.failure === null ? nothing : html`<p class="refusal" role="alert">${icon("warning")} ${this.failure}</p>`}
      <button class="button" type="button" aria-disabled=${this.isLoading} @click=${this.tryAgain}>
        ${this.isLoading ? t("inbox.loading") : t("inbox.older")}
      </button>
    </div>`;
  }

  private readonly choose = (filter: Filter): void => {
    this.filter = filter;
  };

  private tellQuery(): void {
    tell(this, "notifs-query", this.query);
    if (this.history) history.replaceState(null, "", this.inboxHref + queryString(this.query));
  }

  private readonly search = (): void => {
    this.isSearching = true;
    this.requestUpdate();
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>("#search")?.focus());
  };

  private look(terms: Terms): void {
    Object.assign(this, terms);
  }

  private readonly finder: Finder = {
    input: (text) => {
      this.typed = text;
      this.typing.stop();
      this.typing.set(TYPING);
    },
    close: () => {
      this.unsearch();
      this.focusList();
    },
    set: (terms) => this.look(terms),
    nameOf: (actor) => {
      const row = this.state.rows.newest.find((each) => actorOf(each) === actor);
      if (row?.actor?.name) this.names.set(actor, row.actor.name);
      return this.names.get(actor) ?? actor;
    },
  };

  private unsearch(): void {
    this.typing.stop();
    this.isSearching = false;
    this.typed = "";
    this.look({ text: undefined });
    this.requestUpdate();
  }

  private forget(): boolean {
    const isSought = this.isSearching || sought(this.query, this.finder) !== "";
    if (isSought) {
      this.unsearch();
      this.look({ kind: undefined, actor: undefined });
    }
    return isSought;
  }

  private focusList(): void {
    this.renderRoot.querySelector<HTMLElement>("#list")?.focus();
  }

  /** Only of the last day that is loaded. */
  private isPartial({ key }: Entry): boolean {
    const isLast = this.days.at(-1)?.entries.some((each) => each.key === key) ?? false;
    return isLast && !windowOf(this.state, this.query).complete;
  }

  /** What cannot be had just now is left as it is. */
  private async whole(entry: Entry): Promise<Entry> {
    const { connection, query } = this;
    while (connection !== null && query === this.query && this.isPartial(entry)) {
      const { through } = windowOf(this.state, query);
      await connection.fetch(query).catch(() => undefined);
      this.reckon();
      if (windowOf(this.state, query).through === through) break;
    }
    return this.entries.find(({ key }) => key === entry.key) ?? entry;
  }

  private readonly onKey = (event: Event): void => {
    if (this.shortcuts === "off" || this.connection?.status.name === "signed-out") return;
    const command = commandOf(event as KeyboardEvent, this);
    if (command !== null && this.triage.run(command, event as KeyboardEvent)) event.preventDefault();
  };

  private readonly tryAgain = (): void => {
    this.failure = null;
    this.connection?.retryNow();
    void this.load();
  };

  private async load(): Promise<void> {
    const { connection, query } = this;
    if (this.isLoading || connection === null) return;
    this.isLoading = true;
    try {
      await connection.fetch(query);
    } catch (error) {
      if (query === this.query) this.failure = reason(error);
    }
    this.isLoading = false;
    this.requestUpdate();
  }

  /** What failed while the server was away is tried again now that it is back. */
  private forgetFailure({ status }: Connection): void {
    if (status.name === "live" && !this.isLoading) this.failure = null;
  }
}

/** What an inbox shows: its head, its tabs, and the rows of one query, or what stands where there are none. */
import { adoptStyles, html, nothing, unsafeCSS } from "lit";
import type { ReactiveController, TemplateResult } from "lit";

import { empty, failed, loading, signedOut } from "./blank";
import type { Entry } from "./entries";
import { tell } from "./events";
import type { Hands } from "./hands";
import { head } from "./head";
import { icon } from "./icons";
import type { NotifsInbox } from "./inbox";
import { list } from "./list";
import { Listing } from "./listing";
import { Memo } from "../core/memo";
import type { Filling } from "./menu";
import type { RowContext } from "./row";
import { Part, whenIdle } from "./part";
import { SHEETS } from "./sheets";
import blankStyles from "../styles/blank.css?inline";
import inboxStyles from "../styles/inbox.css?inline";
import rowStyles from "../styles/rows.css?inline";
import { tabs } from "./tabs";
import { Timer } from "../core/timer";
import { tools } from "./tools";
import type { Triage } from "./triage";
import { loaded } from "../core/windows";
import type { Filter, Query } from "../core/wire";
import { t } from "../words";

const STYLES = [...SHEETS, ...[blankStyles, inboxStyles, rowStyles].map((each) => unsafeCSS(each))];
const CLOCK = 30_000;
const TERMS = ["filter", "kind", "actor", "text"] as const;

type TriageModule = typeof import("./triage");

/** All that takes an act of somebody. */
export const TRIAGE = new Part(() => import("./triage"));

export class View implements ReactiveController {
  /** Null until it has come. */
  private triage: Triage | null = null;
  /** The groups that are open, by their keys; another set whenever it changes. */
  private opened: ReadonlySet<string> = new Set();
  private readonly drawnBy = new Memo<RowContext>();
  private readonly clock = new Timer(() => this.host.requestUpdate());
  private readonly listing: Listing;

  constructor(private readonly host: NotifsInbox) {
    adoptStyles(host.renderRoot as ShadowRoot, STYLES);
    this.listing = new Listing(host);
    this.listing.ask(this.asked());
    host.addController(this);
    if (TRIAGE.module !== null) this.triage = new TRIAGE.module.Triage(host, this.listing);
    else whenIdle(() => this.then(() => undefined));
  }

  hostDisconnected(): void {
    this.clock.stop();
  }

  /** A word at the bottom. */
  say(words: string): void {
    this.then(({ notices }) => void notices.say(words));
  }

  forgetFailure(): void {
    this.listing.forgetFailure();
  }

  /** At what there is to show, before it is drawn. */
  look(): void {
    const { listing, triage } = this;
    const query = this.asked();
    if (TERMS.some((term) => query[term] !== listing.query[term])) {
      listing.ask(query);
      triage?.clear();
      triage?.strip.toTop();
      this.then((triage) => triage.search.tell());
    }
    listing.reckon(this.opened);
    triage?.keep();
  }

  /** Load what is missing in what was drawn. */
  drawn(): void {
    // What is on its way comes also when the element is gone: it needs no clock then, and no more rows.
    if (!this.host.isConnected) return;
    const { state, window, failure } = this.listing;
    const isShort = !loaded(window) || (!window.complete && this.triage?.strip.isAtEnd);
    if (state.cursor !== null && isShort && failure === null) void this.listing.load();
    this.clock.set(this.host.connection?.status.name === "reconnecting" ? 1_000 : CLOCK);
  }

  render(): TemplateResult {
    const { host, triage } = this;
    const { state } = this.listing;
    const isSignedOut = host.connection?.status.name === "signed-out";
    const blank = (): unknown => signedOut(host.loginHref, state.cursor !== null);
    const shown = (): unknown => [this.toolbar(), triage?.search.render(), this.list(), triage?.notices.render()];
    return html`<section class="inbox" part="inbox" aria-labelledby=${host.compact ? nothing : "title"}>
      ${this.head()} ${isSignedOut ? blank() : shown()} ${triage?.hands.render()}
    </section>`;
  }

  /** What is asked for, by the element's properties. */
  private asked(): Query {
    const { filter, kind, actor, text } = this.host;
    return { filter, kind: kind || undefined, actor: actor || undefined, text: text || undefined };
  }

  private get headingLevel(): number {
    return this.host.compact ? 2 : 1;
  }

  private head(): TemplateResult {
    const { cursor, unread } = this.listing.state;
    return head({
      level: this.headingLevel,
      unread: cursor === null ? null : unread,
      connection: this.host.connection,
      markAllRead: () => this.then(({ acts }) => acts.markAllRead()),
    });
  }

  /** The tabs, or what can be done with all that are picked. */
  private toolbar(): unknown {
    const { triage, host } = this;
    if (triage?.isPicking) return triage.hands.bar();
    const search = (): void => this.then((triage) => triage.search.open());
    const filter = (event: MouseEvent): void => this.openMenu(event, (hands) => hands.findMenu());
    return html`<div class="toolbar">
      ${tabs(host.filter, this.listing.state.unread, this.choose)} ${tools(search, filter)}
    </div>`;
  }

  private list(): TemplateResult {
    const { triage, host } = this;
    const isPicking = triage?.isPicking ?? false;
    return html`<div
      class=${isPicking ? "list picking" : "list"}
      part="list"
      id="list"
      role="tabpanel"
      tabindex="-1"
      aria-labelledby=${isPicking ? nothing : `tab-${host.filter}`}
      aria-label=${isPicking ? t(`tabs.${host.filter}`) : nothing}
      aria-busy=${this.listing.isLoading}
    >
      ${triage?.hands.cue()} ${this.content()}
      <div class="leaving" aria-hidden="true" inert></div>
    </div>`;
  }

  private content(): unknown {
    const { listing, triage } = this;
    const { window, failure } = listing;
    triage?.strip.lay();
    if (!loaded(window)) return failure === null ? loading() : failed(failure, listing.tryAgain);
    if (!listing.isEmpty) {
      return [list(listing.days, triage?.strip, this.context()), window.complete ? nothing : this.older()];
    }
    const { filter } = this.host;
    const all = (): void => this.choose("all");
    return triage?.search.words ? triage.search.blank(filter === "all" ? null : all) : empty(filter, all);
  }

  /** By another one rows are drawn again: another only if something in it has changed, or the clock has gone on. */
  private context(): RowContext {
    const { host, triage, listing, opened } = this;
    const { base, actionHosts, compact } = host;
    const pending = host.connection?.pending ?? new Set<string>();
    const { acts: { refusals } = {}, asks: { presses } = {}, selection } = triage ?? {};
    const now = Date.now();
    const of = [listing.days, listing.window, selection?.ids, [...pending].join(), refusals, presses, opened];
    return this.drawnBy.get([...of, base, actionHosts, compact, triage, Math.floor(now / CLOCK)], () => ({
      host,
      now,
      headingLevel: this.headingLevel + 2,
      pending,
      refusals,
      presses,
      opened,
      isPartial: (entry) => listing.isPartial(entry),
      isPicked: (entry) => triage?.isPicked(entry) ?? false,
      act: (act, entry) => this.then((triage) => triage.act(act, entry)),
      pick: (entry, event) => this.then((triage) => triage.pick(entry, event.shiftKey)),
      press: (notification, action) => this.then(({ asks }) => asks.press(notification, action)),
      toggle: (entry) => this.toggle(entry),
      menu: (entry, event) => this.openMenu(event, (hands) => hands.rowMenu(entry)),
      open: (notification, event) => {
        if (!tell(host, "notifs-open", { notification })) event.preventDefault();
      },
    }));
  }

  private older(): TemplateResult {
    const { failure, isLoading, tryAgain } = this.listing;
    return html`<div class="older">
      ${failure === null ? nothing : html`<p class="refusal" role="alert">${icon("warning")} ${failure}</p>`}
      <button class="button" type="button" aria-disabled=${isLoading} @click=${tryAgain}>
        ${isLoading ? t("inbox.loading") : t("inbox.older")}
      </button>
    </div>`;
  }

  private readonly choose = (filter: Filter): void => {
    this.host.filter = filter;
  };

  private toggle({ key }: Entry): void {
    const opened = new Set(this.opened);
    if (!opened.delete(key)) opened.add(key);
    this.opened = opened;
    this.host.requestUpdate();
  }

  /** For a click on a button with `popovertarget="menu"`: the browser opens it, once there is a menu. */
  private openMenu(event: MouseEvent, fill: (hands: Hands) => Filling): void {
    const anchor = event.currentTarget as HTMLElement;
    if (this.triage !== null) return this.triage.hands.menu.fill(event, fill(this.triage.hands));
    this.then(({ hands }) => this.host.updateComplete.then(() => hands.menu.open(anchor, fill(hands))));
  }

  /** At once, or as soon as it has come. If it does not come there is no server, which is told already. */
  private then(act: (triage: Triage) => unknown): void {
    if (this.triage !== null) return void act(this.triage);
    const begin = ({ Triage }: TriageModule): void => {
      this.triage ??= new Triage(this.host, this.listing);
      act(this.triage);
    };
    void TRIAGE.get().then(begin, () => undefined);
  }
}

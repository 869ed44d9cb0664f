/** What is done with rows: with one, with several; looked for, picked, acted on and taken back. */
import { unsafeCSS } from "lit";

import { Acts } from "./acts";
import { Asks } from "./asks";
import { Continuity } from "./continuity";
import type { Entry } from "./entries";
import { tell } from "./events";
import { Hands } from "./hands";
import type { NotifsInbox } from "./inbox";
import type { Listing } from "./listing";
import { Notices } from "./notices";
import { Search } from "./search";
import { Selection } from "./selection";
import { adopt } from "./sheets";
import { isUnread } from "../core/state";
import { Strip } from "./strip";
import triageStyles from "../styles/triage.css?inline";
import type { RowAct } from "../core/wire";
import { learn, t } from "../words";
import english from "../words/en.json?triage";

learn(english);

const SHEET = unsafeCSS(triageStyles);

export class Triage {
  readonly strip: Strip;
  readonly notices: Notices;
  readonly acts: Acts;
  readonly asks: Asks;
  readonly search: Search;
  readonly selection = new Selection();
  readonly continuity: Continuity;
  readonly hands: Hands;
  /** Of what is not there yet of the groups that are picked. */
  private loading = Promise.resolve();

  constructor(
    readonly host: NotifsInbox,
    readonly listing: Listing,
  ) {
    adopt(host.renderRoot, SHEET);
    this.strip = new Strip(host, () => listing.keys);
    this.continuity = new Continuity(host, this.strip, listing, () => host.filter, "#list, .blank .primary");
    this.notices = new Notices(host);
    this.acts = new Acts(host, this.notices);
    this.asks = new Asks(host, (notification, { label }) => {
      this.notices.say(t("action.done", { label }));
      if (isUnread(notification)) void host.connection?.act("mark_read", [notification.id]).catch(() => undefined);
    });
    this.search = new Search(host, listing);
    this.hands = new Hands(this);
    host.requestUpdate();
  }

  act(act: RowAct, entry: Entry, at?: Date): void {
    const ids = idsOf(entry.rows);
    const groups = ids.length > 1 ? [entry] : [];
    void this.older(groups).then((older) => this.acts.do(act, [...ids, ...older], at));
  }

  get isPicking(): boolean {
    return this.selection.ids.size > 0;
  }

  isPicked(entry: Entry): boolean {
    return this.isPicking && this.selection.has(entry);
  }

  pick(entry: Entry | undefined, isRange = false): void {
    const { selection, listing: { entries } } = this;
    if (entry !== undefined) selection.toggle(entry, entries, isRange);
    this.picked();
    const groups = entries.filter((each) => each.rows.length > 1 && selection.has(each));
    this.loading = this.older(groups).then((ids) => {
      const isSame = groups.every((each) => selection.has(each));
      if (isSame && ids.length > 0) this.set([...selection.ids, ...ids]);
    });
  }

  pickAll(): void {
    this.set(this.listing.entries.flatMap(({ rows }) => idsOf(rows)));
  }

  /** What is no longer in the list is no longer picked. */
  keep(): void {
    if (this.selection.keep(this.listing.entries)) this.picked();
  }

  clear(): void {
    if (this.isPicking) this.set([]);
  }

  /** Act on all that are picked, as one. */
  actOnPicked(act: RowAct, at?: Date): void {
    void this.loading.then(() => {
      const ids = [...this.selection.ids];
      this.clear();
      void this.acts.do(act, ids, at);
    });
  }

  /**
   * What there is of groups that is older than what was there, by ids: nothing that arrives, which nobody has seen.
   * What cannot be had just now is left as it is.
   */
  private async older(groups: readonly Entry[]): Promise<string[]> {
    const { listing, host: { connection } } = this;
    const { query } = listing;
    while (connection !== null && query === listing.query && groups.some((each) => listing.isPartial(each))) {
      const { through } = listing.window;
      await connection.fetch(query).catch(() => undefined);
      listing.reckon();
      if (listing.window.through === through) break;
    }
    if (query !== listing.query) return [];
    return groups.flatMap(({ key, rows }) => {
      const last = rows.at(-1)?.position ?? 0;
      return idsOf(listing.entry(key)?.rows.filter(({ position }) => position < last) ?? []);
    });
  }

  private set(ids: readonly string[]): void {
    this.selection.set(ids);
    this.picked();
  }

  private picked(): void {
    tell(this.host, "notifs-select", { ids: [...this.selection.ids] });
    this.host.requestUpdate();
  }
}

function idsOf(rows: Entry["rows"]): string[] {
  return rows.map(({ id }) => id);
}

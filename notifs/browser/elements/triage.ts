/** What is done with rows: with one, with several; by pointer, by key and by finger. */
import { html } from "lit";
import type { ReactiveControllerHost, TemplateResult } from "lit";

import { Actions } from "./actions";
import { Acts } from "./acts";
import { Continuity } from "./continuity";
import { actorOf } from "./entries";
import type { Entry } from "./entries";
import { tell } from "./events";
import { kindName } from "./find";
import type { Terms } from "./find";
import type { Command } from "./keys";
import { Menu } from "./menu";
import type { Filling, Item } from "./menu";
import { Notices } from "./notices";
import { actsFor, CONTROLS } from "./row";
import { Selection } from "./selection";
import { bounds, moments, until } from "./snooze";
import { Strip } from "./strip";
import { Swipe } from "./swipe";
import type { Side } from "./swipe";
import { isUnread } from "../core/state";
import { exact } from "./time";
import type { Connection } from "../core/connection";
import { FILTERS } from "../core/wire";
import type { Filter, RowAct } from "../core/wire";
import { t } from "../words";

/** What the inbox has, and can do. */
export interface Desk {
  readonly connection: () => Connection | null;
  readonly entries: () => readonly Entry[];
  readonly filter: () => Filter;
  /** The entry with all that belongs to it, those too that were not loaded yet. */
  readonly whole: (entry: Entry) => Promise<Entry>;
  readonly actionHosts: () => string;
  readonly choose: (filter: Filter) => void;
  readonly search: () => void;
  readonly only: (terms: Terms) => void;
  /** Look for nothing any more; returns whether anything was looked for. */
  readonly forget: () => boolean;
}

export class Triage {
  readonly strip: Strip;
  readonly notices: Notices;
  readonly menu: Menu;
  readonly swipe: Swipe;
  readonly acts: Acts;
  readonly actions: Actions;
  readonly selection = new Selection();
  /** The groups that are open, by their keys; another set whenever it changes. */
  opened: ReadonlySet<string> = new Set();
  private readonly continuity: Continuity;

  constructor(
    private readonly host: ReactiveControllerHost & HTMLElement & { readonly base: string },
    private readonly desk: Desk,
  ) {
    this.strip = new Strip(host);
    this.continuity = new Continuity(host, this.strip, desk.filter, "#list, .blank .primary");
    this.notices = new Notices(host);
    this.menu = new Menu(host);
    this.acts = new Acts(host, desk.connection, this.notices);
    this.actions = new Actions(host, desk.actionHosts, (notification, { label }) => {
      this.notices.say(t("action.done", { label }));
      if (isUnread(notification)) void desk.connection()?.act("mark_read", [notification.id]).catch(() => undefined);
    });
    this.swipe = new Swipe(host, {
      act: (key, side) => this.swiped(key, side),
      select: (key) => this.pick(this.entry(key)),
      isSelecting: () => this.selection.ids.size > 0,
    });
  }

  act(act: RowAct, entry: Entry, at?: Date): void {
    const go = ({ rows }: Entry): void => void this.acts.do(act, idsOf(rows), at);
    if (entry.rows.length > 1) void this.desk.whole(entry).then(go);
    else go(entry);
  }

  pick(entry: Entry | undefined, isRange = false): void {
    if (entry !== undefined) this.selection.toggle(entry, this.desk.entries(), isRange);
    this.picked();
  }

  clear(): void {
    if (this.selection.ids.size === 0) return;
    this.selection.set([]);
    this.picked();
  }

  /** Act on all that are picked, as one. */
  actOnPicked(act: RowAct, at?: Date): void {
    const ids = [...this.selection.ids];
    this.clear();
    void this.acts.do(act, ids, at);
  }

  toggle({ key }: Entry): void {
    const opened = new Set(this.opened);
    if (!opened.delete(key)) opened.add(key);
    this.opened = opened;
    this.host.requestUpdate();
  }

  /** What pushing a row aside does to it. */
  swipeAct(key: string, side: Side): Exclude<RowAct, "snooze"> | undefined {
    const acts = actsFor(this.entry(key)?.rows ?? []);
    return acts.find((act) => (side === "end" ? act !== "archive" : CONTROLS[act].slot === "archive"));
  }

  rowMenu(entry: Entry): Filling {
    const { rows } = entry;
    const { actor, kind } = rows[0] ?? {};
    const item = (icon: Item["icon"], label: string, run: Item["run"]): Item => ({ icon, label, run });
    const acts = actsFor(rows).map((act) =>
      item(CONTROLS[act].icon, t(CONTROLS[act].label), () => this.act(act, entry)),
    );
    const isArchived = rows.every(({ archived_at }) => archived_at !== null);
    const isSnoozed = rows.every(({ snoozed_until }) => snoozed_until !== null);
    const snooze = item("clock", t(isSnoozed ? "row.snooze_again" : "row.snooze"), () => this.snoozeMenu((at) => this.act("snooze", entry, at)));
    const only = (icon: Item["icon"], label: string, terms: Terms): Item =>
      item(icon, label, () => this.desk.only(terms));
    const who = rows[0] && actorOf(rows[0]);
    return {
      label: t("row.menu"),
      content: [
        ...acts,
        ...(isArchived ? [] : [snooze]),
        item("done", t("row.pick"), () => this.pick(entry)),
        ...(actor && who ? [only("person", t("row.only_from", { name: actor.name ?? who }), { actor: who })] : []),
        ...(kind ? [only("filter", t("row.only_kind", { kind: kindName(kind) }), { kind })] : []),
      ],
    };
  }

  snoozeMenu(snooze: (at: Date) => void): Filling {
    const now = new Date();
    const offered = moments(now).map(
      ({ word, at }): Item => ({ icon: "clock", label: t(word), detail: until(at, now), run: () => snooze(at) }),
    );
    const label = t("snooze.pick");
    const pick: Item = { icon: "more", label, run: () => ({ label, content: this.snoozeForm(snooze) }) };
    return { label: t("row.snooze"), content: [...offered, pick] };
  }

  /** Returns whether the key had something to do. */
  run(command: Command, event: KeyboardEvent): boolean {
    const { selection } = this;
    const focused = this.focused();
    const isPicked = selection.ids.size > 0;
    switch (command) {
      case "next":
      case "previous":
        void this.move(command === "next" ? 1 : -1);
        return true;
      case "open":
        focused?.querySelector<HTMLElement>("a[data-slot=title], .more")?.click();
        return focused !== null;
      case "archive":
        return this.actByKey(this.desk.filter() === "archived" ? "unarchive" : "archive");
      case "read":
        return this.actByKey("mark_read");
      case "unread":
        return this.actByKey("mark_unread");
      case "snooze":
        return this.snoozeByKey();
      case "select":
        this.pick(this.entry(focused?.dataset["id"]));
        return true;
      case "select_all":
        if (focused === null && !isPicked) return false;
        selection.set(this.desk.entries().flatMap(({ rows }) => idsOf(rows)));
        this.picked();
        return true;
      case "undo":
        this.notices.undo();
        return true;
      case "search":
        this.desk.search();
        return true;
      case "tab":
        this.desk.choose(FILTERS[Number(event.key) - 1] ?? "unread");
        return true;
      case "help":
        this.find<HTMLDialogElement>(".sheet")?.showModal();
        return true;
      case "clear":
        if (!isPicked) return this.desk.forget();
        this.clear();
        return true;
    }
  }

  private actByKey(act: RowAct, at?: Date): boolean {
    const entry = this.entry(this.focused()?.dataset["id"]);
    if (this.selection.ids.size > 0) this.actOnPicked(act, at);
    else if (entry !== undefined) this.act(act, entry, at);
    return true;
  }

  private snoozeByKey(): boolean {
    const isPicked = this.selection.ids.size > 0;
    const anchor = isPicked ? this.find(".snooze") : this.focused()?.querySelector<HTMLElement>("[data-slot=menu]");
    const entry = this.entry(this.focused()?.dataset["id"]);
    if (!anchor || this.desk.filter() === "archived") return false;
    const snooze = (at: Date): void =>
      isPicked || !entry ? this.actOnPicked("snooze", at) : this.act("snooze", entry, at);
    this.menu.open(anchor, this.snoozeMenu(snooze));
    return true;
  }

  private async move(by: number): Promise<void> {
    this.continuity.look();
    const entries = this.desk.entries();
    const here = entries.findIndex(({ key }) => key === this.continuity.current);
    const key = here < 0 ? this.strip.first : entries[Math.max(0, Math.min(here + by, entries.length - 1))]?.key;
    if (key === undefined) return;
    if (this.rowOf(key) === null) await this.strip.reveal(key);
    const row = this.rowOf(key);
    row?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  }

  private swiped(key: string, side: Side): void {
    const entry = this.entry(key);
    const act = this.swipeAct(key, side);
    if (entry !== undefined && act !== undefined) this.act(act, entry);
  }

  private picked(): void {
    tell(this.host, "notifs-select", { ids: [...this.selection.ids] });
    this.host.requestUpdate();
  }

  private snoozeForm(snooze: (at: Date) => void): TemplateResult {
    const { min, max, value } = bounds(new Date());
    const inWords = (value: string): string => value && exact(new Date(value).toISOString());
    const onInput = ({ target }: Event): void => {
      const { value, nextElementSibling } = target as HTMLInputElement;
      (nextElementSibling as HTMLOutputElement).value = inWords(value);
    };
    const onSubmit = (event: SubmitEvent): void => {
      event.preventDefault();
      const input = (event.target as HTMLFormElement).querySelector("input");
      this.menu.close();
      if (input?.value) snooze(new Date(input.value));
    };
    return html`<form class="snooze-form" @submit=${onSubmit}>
      <label for="until">${t("snooze.until")}</label>
      <input id="until" type="datetime-local" required min=${min} max=${max} .value=${value} @input=${onInput} />
      <output class="secondary" for="until">${inWords(value)}</output>
      <button class="button primary">${t("row.snooze")}</button>
    </form>`;
  }

  private entry(key: string | undefined): Entry | undefined {
    return this.desk.entries().find((each) => each.key === key);
  }

  /** The row that has the focus, or something in it. */
  private focused(): HTMLElement | null {
    return this.host.shadowRoot?.activeElement?.closest<HTMLElement>("[data-id]") ?? null;
  }

  private rowOf(key: string): HTMLElement | null {
    return this.find(`[data-id="${CSS.escape(key)}"]`);
  }

  private find<Found extends HTMLElement>(selector: string): Found | null {
    return this.host.shadowRoot?.querySelector<Found>(selector) ?? null;
  }
}

function idsOf(rows: Entry["rows"]): string[] {
  return rows.map(({ id }) => id);
}

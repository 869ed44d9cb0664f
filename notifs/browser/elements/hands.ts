/** Rows by menu, by key and by finger. */
import { html, nothing } from "lit";
import type { ReactiveController, TemplateResult } from "lit";

import { settingsOf } from "../alerts/settings";
import { bar } from "./bar";
import { cue } from "./cue";
import type { Entry } from "./entries";
import { kindName, offers } from "./find";
import type { Terms } from "./find";
import { commandOf } from "./keys";
import type { Command } from "./keys";
import { Menu } from "./menu";
import type { Filling, Item } from "./menu";
import { actsFor, CONTROLS } from "./row";
import type { Control } from "./row";
import { sheet } from "./sheet";
import { snoozeMenu } from "./snooze-menu";
import { actorOf, view } from "../core/state";
import { Swipe } from "./swipe";
import type { Side } from "./swipe";
import type { Triage } from "./triage";
import { FILTERS } from "../core/wire";
import type { RowAct } from "../core/wire";
import { t } from "../words";

export class Hands implements ReactiveController {
  readonly menu: Menu;
  private readonly swipe: Swipe;
  private keysFrom: EventTarget | null = null;

  constructor(private readonly triage: Triage) {
    const { host } = triage;
    this.menu = new Menu(host);
    this.swipe = new Swipe(host, {
      act: (key, side) => this.swiped(key, side),
      select: (key) => triage.pick(this.entry(key)),
      isSelecting: () => triage.isPicking,
    });
    host.addController(this);
  }

  hostConnected(): void {
    const { host } = this.triage;
    // In the bell's popover keys come from the bell as well, which has the focus at first.
    const bell = host.compact ? (host.getRootNode() as Partial<ShadowRoot>).host : undefined;
    this.keysFrom = host.history ? document : (bell ?? host);
    this.keysFrom.addEventListener("keydown", this.onKey);
  }

  hostDisconnected(): void {
    this.keysFrom?.removeEventListener("keydown", this.onKey);
  }

  render(): TemplateResult {
    return html`${this.menu.render()} ${sheet()}`;
  }

  /** Under a row that is pushed aside. */
  cue(): TemplateResult | typeof nothing {
    return cue(this.swipe.cue, ({ key, side }) => this.swipeAct(key, side));
  }

  /** In the tabs' place, while rows are picked. */
  bar(): TemplateResult {
    const { triage } = this;
    return bar(triage.selection.ids.size, triage.host.filter, {
      act: (act) => triage.actOnPicked(act),
      snooze: (event) => this.menu.fill(event, this.snoozeMenu((at) => triage.actOnPicked("snooze", at))),
      clear: () => triage.clear(),
    });
  }

  /** What can be looked for, of what is loaded; of what was found, where that is all. */
  findMenu(): Filling {
    const { host, listing: { state, query }, search } = this.triage;
    const rows = view(state, { filter: host.filter });
    const offered = offers(rows.length > 0 ? rows : view(state, query), search);
    const none = html`<p class="secondary nothing">${t("find.nothing")}</p>`;
    return { label: t("find.filter"), content: offered.length > 0 ? offered : none };
  }

  rowMenu(entry: Entry): Filling {
    const { triage } = this;
    const { rows } = entry;
    const { actor, kind } = rows[0] ?? {};
    const item = (icon: Item["icon"], label: string, run: Item["run"]): Item => ({ icon, label, run });
    const acts = actsFor(rows).map((act) =>
      item(CONTROLS[act].icon, t(CONTROLS[act].label), () => triage.act(act, entry)),
    );
    const isArchived = rows.every(({ archived_at }) => archived_at !== null);
    const isSnoozed = rows.every(({ snoozed_until }) => snoozed_until !== null);
    const when = (): Filling => this.snoozeMenu((at) => triage.act("snooze", entry, at));
    const snooze = item("clock", t(isSnoozed ? "row.snooze_again" : "row.snooze"), when);
    const only = (icon: Item["icon"], label: string, terms: Terms): Item =>
      item(icon, label, () => triage.search.set(terms));
    const who = rows[0] && actorOf(rows[0]);
    return {
      label: t("row.menu"),
      content: [
        ...acts,
        ...(isArchived ? [] : [snooze]),
        item("done", t("row.pick"), () => triage.pick(entry)),
        ...(actor && who ? [only("person", t("row.only_from", { name: actor.name ?? who }), { actor: who })] : []),
        ...(kind ? [only("filter", t("row.only_kind", { kind: kindName(kind) }), { kind })] : []),
      ],
    };
  }

  private readonly onKey = (event: Event): void => {
    const { host } = this.triage;
    if (host.shortcuts === "off" || host.connection?.status.name === "signed-out") return;
    const { key } = event as KeyboardEvent;
    const command = commandOf(event as KeyboardEvent, host);
    if (command === null || !settingsOf(host.base).choices.keys) return;
    if (this.run(command, key)) event.preventDefault();
  };

  /** `key` says which tab. Returns whether there was something to do. */
  private run(command: Command, key: string): boolean {
    const { triage } = this;
    const focused = this.focused();
    const { isPicking } = triage;
    switch (command) {
      case "next":
      case "previous":
        void this.move(command === "next" ? 1 : -1);
        return true;
      case "open":
        focused?.querySelector<HTMLElement>("a[data-slot=title], .more")?.click();
        return focused !== null;
      case "archive":
        return this.act(triage.host.filter === "archived" ? "unarchive" : "archive");
      case "read":
        return this.act("mark_read");
      case "unread":
        return this.act("mark_unread");
      case "snooze":
        return this.snooze();
      case "select":
        triage.pick(this.entry(focused?.dataset["id"]));
        return true;
      case "select_all":
        if (focused === null && !isPicking) return false;
        triage.pickAll();
        return true;
      case "undo":
        triage.notices.undo();
        return true;
      case "search":
        triage.search.open();
        return true;
      case "tab":
        triage.host.filter = FILTERS[Number(key) - 1] ?? "unread";
        return true;
      case "help":
        this.find<HTMLDialogElement>(".sheet")?.showModal();
        return true;
      case "clear":
        if (!isPicking) return triage.search.forget();
        triage.clear();
        return true;
    }
  }

  private act(act: RowAct): true {
    const { triage } = this;
    const entry = this.entry(this.focused()?.dataset["id"]);
    if (triage.isPicking) triage.actOnPicked(act);
    else if (entry !== undefined) triage.act(act, entry);
    return true;
  }

  private snooze(): boolean {
    const { triage } = this;
    const { isPicking } = triage;
    const anchor = isPicking ? this.find(".snooze") : this.focused()?.querySelector<HTMLElement>("[data-slot=menu]");
    const entry = this.entry(this.focused()?.dataset["id"]);
    if (!anchor || triage.host.filter === "archived") return false;
    const snooze = (at: Date): void =>
      isPicking || !entry ? triage.actOnPicked("snooze", at) : triage.act("snooze", entry, at);
    this.menu.open(anchor, this.snoozeMenu(snooze));
    return true;
  }

  private async move(by: number): Promise<void> {
    const { continuity, strip, listing: { entries } } = this.triage;
    continuity.look();
    const here = entries.findIndex(({ key }) => key === continuity.current);
    const key = here < 0 ? strip.first : entries[Math.max(0, Math.min(here + by, entries.length - 1))]?.key;
    if (key === undefined) return;
    if (this.rowOf(key) === null) await strip.reveal(key);
    const row = this.rowOf(key);
    row?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  }

  private swiped(key: string, side: Side): void {
    const entry = this.entry(key);
    const act = this.swipeAct(key, side);
    if (entry !== undefined && act !== undefined) this.triage.act(act, entry);
  }

  private swipeAct(key: string, side: Side): Control | undefined {
    const acts = actsFor(this.entry(key)?.rows ?? []);
    return acts.find((act) => (side === "end" ? act !== "archive" : CONTROLS[act].slot === "archive"));
  }

  private snoozeMenu(snooze: (at: Date) => void): Filling {
    return snoozeMenu(snooze, () => this.menu.close());
  }

  private entry(key: string | undefined): Entry | undefined {
    return this.triage.listing.entry(key);
  }

  /** The row that has the focus, or something in it. */
  private focused(): HTMLElement | null {
    return this.triage.host.shadowRoot?.activeElement?.closest<HTMLElement>("[data-id]") ?? null;
  }

  private rowOf(key: string): HTMLElement | null {
    return this.find(`[data-id="${CSS.escape(key)}"]`);
  }

  private find<Found extends HTMLElement>(selector: string): Found | null {
    return this.triage.host.shadowRoot?.querySelector<Found>(selector) ?? null;
  }
}

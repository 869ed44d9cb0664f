/** What is looked for in an inbox, and the field to type it into. */
import { nothing } from "lit";
import type { ReactiveController, TemplateResult } from "lit";

import { withQuery } from "./address";
import { tell } from "./events";
import { chips, notFound, searchField, sought } from "./find";
import type { Finder, Terms } from "./find";
import type { NotifsInbox } from "./inbox";
import type { Listing } from "./listing";
import { actorOf } from "../core/state";
import { Timer } from "../core/timer";

/** How long people pause when they have typed what they look for. */
const TYPING = 250;

export class Search implements Finder, ReactiveController {
  private isOpen = false;
  private typed = "";
  /** Of actors: a filter outlives the rows that it was chosen from. */
  private readonly names = new Map<string, string>();
  private readonly typing = new Timer(() => this.set({ text: this.typed || undefined }));

  constructor(
    private readonly host: NotifsInbox,
    private readonly listing: Listing,
  ) {
    host.addController(this);
  }

  hostDisconnected(): void {
    this.typing.stop();
  }

  /** What is looked for, in words; empty if that is nothing. */
  get words(): string {
    return sought(this.listing.query, this);
  }

  open(): void {
    this.isOpen = true;
    this.host.requestUpdate();
    void this.host.updateComplete.then(() => this.focus("#search"));
  }

  input(text: string): void {
    this.isOpen = true; // the field may have come with the address, and stays when it is emptied
    this.typed = text;
    this.typing.stop();
    this.typing.set(TYPING);
  }

  close(): void {
    this.end();
    this.focus("#list");
  }

  set(terms: Terms): void {
    Object.assign(this.host, terms);
  }

  nameOf(actor: string): string {
    const row = this.listing.state.rows.newest.find((each) => actorOf(each) === actor);
    if (row?.actor?.name) this.names.set(actor, row.actor.name);
    return this.names.get(actor) ?? actor;
  }

  /** What is shown now, in an event, and in the address of a page that is nothing but the inbox. */
  tell(): void {
    const { host, listing: { query } } = this;
    tell(host, "notifs-query", query);
    if (host.history) history.replaceState(history.state, "", withQuery(query));
  }

  /** Look for nothing any more; returns whether anything was looked for. */
  forget(): boolean {
    const isSought = this.isOpen || this.words !== "";
    if (isSought) {
      this.end();
      this.set({ kind: undefined, actor: undefined });
    }
    return isSought;
  }

  private focus(selector: string): void {
    this.host.renderRoot.querySelector<HTMLElement>(selector)?.focus();
  }

  render(): unknown {
    // The page may look for something else, once it is told what was typed.
    const text = (this.typing.running ? this.typed : this.host.text) ?? "";
    return [this.isOpen || text ? searchField(text, this) : nothing, chips(this.listing.query, this)];
  }

  /** Where there is nothing that was looked for. */
  blank(searchAll: (() => void) | null): TemplateResult {
    return notFound(this.words, () => this.startAfresh(), searchAll);
  }

  /** Look for nothing any more, and go on with what there is. */
  private startAfresh(): void {
    this.forget();
    this.focus("#list");
  }

  private end(): void {
    this.typing.stop();
    this.isOpen = false;
    this.set({ text: undefined });
    this.host.requestUpdate();
  }
}

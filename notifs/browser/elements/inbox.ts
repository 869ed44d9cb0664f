/** `<notifs-inbox>`: what it is told, and where it is. What it shows is a part by itself, which may come later. */
import { adoptStyles, html, unsafeCSS } from "lit";
import type { PropertyDeclarations, TemplateResult } from "lit";

import { failed, loading } from "./blank";
import type { Connection } from "../core/connection";
import { UNREACHABLE } from "../core/errors";
import { MailboxElement } from "./element";
import { readIsland } from "./island";
import { Part } from "./part";
import { SHEETS } from "./sheets";
import blankStyles from "../styles/blank.css?inline";
import type { View } from "./view";
import { FILTERS } from "../core/wire";
import type { Filter } from "../core/wire";
import { reason } from "../words";

const VIEW = new Part(() => import("./view"));
/** Of what stands in its place. */
const STYLES = [...SHEETS, unsafeCSS(blankStyles)];

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

  private view: View | null = null;
  private hasFailed = false;

  constructor() {
    super();
    this.filter = "unread";
    this.compact = false;
    this.history = false;
    this.shortcuts = "";
    this.actionHosts = "";
  }

  override connectedCallback(): void {
    if (!this.hasAttribute("filter")) this.filter = (!this.compact && readIsland(this.base)?.filter) || this.filter;
    super.connectedCallback();
    if (VIEW.module === null) void this.fetchView();
  }

  protected override listen(connection: Connection): (() => void)[] {
    return [
      ...super.listen(connection),
      connection.on("change", () => this.view?.forgetFailure()),
      connection.on("error", (words) => this.view?.say(words)),
      connection.on("refused", (error) => this.view?.say(reason(error))),
    ];
  }

  /** What the server has painted stays until there is all that it takes to go on from there. */
  protected override scheduleUpdate(): void | Promise<unknown> {
    const isPainted = !this.hasUpdated && this.renderRoot.hasChildNodes();
    const draw = (): unknown => super.scheduleUpdate();
    return isPainted ? this.ready().then(draw, draw) : super.scheduleUpdate();
  }

  private async ready(): Promise<void> {
    const { TRIAGE } = await VIEW.get();
    if (this.kind || this.actor || this.text) await TRIAGE.get();
  }

  protected override willUpdate(): void {
    if (!FILTERS.includes(this.filter)) this.filter = "unread";
    if (this.view === null && VIEW.module !== null) this.view = new VIEW.module.View(this);
    if (this.view !== null) this.view.look();
    else if (!this.hasUpdated) adoptStyles(this.renderRoot as ShadowRoot, STYLES);
  }

  protected override updated(): void {
    this.view?.drawn();
  }

  protected override render(): TemplateResult {
    if (this.view !== null) return this.view.render();
    const shown = this.hasFailed ? failed(reason(UNREACHABLE), () => void this.fetchView()) : loading();
    return html`<div class="inbox">${shown}</div>`;
  }

  private async fetchView(): Promise<void> {
    this.hasFailed = await VIEW.get().then(() => false, () => true);
    this.requestUpdate();
  }
}

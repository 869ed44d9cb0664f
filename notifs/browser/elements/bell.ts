/** `<notifs-bell>`: how many are new, the inbox in a popover, and how to be alerted. */
import { html, nothing, unsafeCSS } from "lit";
import type { PropertyDeclarations, PropertyValues, TemplateResult } from "lit";

import type { Badge } from "../alerts/badge";
import { settingsOf } from "../alerts/settings";
import type { Settings } from "../alerts/settings";
import type { Connection } from "../core/connection";
import { MailboxElement } from "./element";
import { icon } from "./icons";
import { fetchParts, Part, whenIdle } from "./part";
import { adopt, SHEETS } from "./sheets";
import { ALERTING } from "./toasts";
import bellStyles from "../styles/bell.css?inline";
import { t } from "../words";

const BEYOND = new Part(() => import("./beyond"));
const MOST_SHOWN = 99;
const MARGIN = 8;
/** What scrolls may be anything in the page. */
const SCROLLS = { capture: true, passive: true };

export class NotifsBell extends MailboxElement {
  static override properties: PropertyDeclarations = {
    count: { type: Number },
    badgeTitle: { type: Boolean, attribute: "badge-title" },
    badgeIcon: { attribute: "badge-icon" },
    offline: { type: Boolean },
    isOpen: { state: true },
    isSetting: { state: true },
  };
  static override styles = [...SHEETS, unsafeCSS(bellStyles)];

  /** What the badge shows until the mailbox is known. */
  declare count: number;
  /** Whether the page's title, and the icon of an installed app, say how many are new. */
  declare badgeTitle: boolean;
  /** With `badgeTitle`: the address of what is the page's icon while there is something new. */
  declare badgeIcon: string | undefined;
  /** Whether the inbox page can be read without a network; read when the element enters the page. */
  declare offline: boolean;
  private declare isOpen: boolean;
  private declare isSetting: boolean;
  private settings: Settings = settingsOf("");
  private seenUpTo: string | null = null;
  private badge: Badge | null = null;
  private readonly keepInPlace = (): void => this.place();

  constructor() {
    super();
    this.count = 0;
    this.badgeTitle = false;
    this.offline = false;
    this.isOpen = false;
    this.isSetting = false;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stay(false);
    // The browser closes a popover that leaves the page, and says nothing of it.
    this.isOpen = this.isSetting = false;
    if (this.badgeTitle) this.badge?.show(0, "", null);
  }

  protected override listen(connection: Connection): (() => void)[] {
    this.settings = settingsOf(this.base);
    return [
      ...super.listen(connection),
      this.settings.on("change", () => this.requestUpdate()),
      this.reach(connection),
    ];
  }

  protected override updated(changed: PropertyValues): void {
    if (this.isOpen) this.markSeen();
    const badge = this.badgeTitle ? this.fresh : 0;
    if (this.isConnected && (this.badgeTitle || changed.get("badgeTitle"))) {
      this.badge?.show(badge, this.isQuiet ? "•" : badgeFor(badge), this.badgeIcon ?? null);
    }
    if (changed.get("isSetting") !== undefined) this.focusOn(this.isSetting);
  }

  protected override render(): TemplateResult {
    return html`<button
        class=${this.isQuiet ? "bell quiet" : "bell"}
        part="button"
        type="button"
        popovertarget="panel"
        aria-haspopup="dialog"
        aria-label=${this.label}
        @pointerenter=${fetchParts}
        @focus=${fetchParts}
      >
        <slot name="icon">${icon("bell")}</slot>${this.mark()}
      </button>
      <div
        class="panel"
        id="panel"
        part="panel"
        popover
        role="dialog"
        aria-label=${t("bell.label")}
        @toggle=${this.onToggle}
      >
        ${this.isOpen ? this.panel() : nothing}
      </div>`;
  }

  /** How many are new; who is not to be disturbed sees only that there are some. */
  private mark(): TemplateResult | typeof nothing {
    if (this.fresh === 0) return nothing;
    return this.isQuiet
      ? html`<span class="badge dot" part="badge"></span>`
      : html`<span class="badge" part="badge" aria-hidden="true">${badgeFor(this.fresh)}</span>`;
  }

  private panel(): TemplateResult {
    return html`<notifs-inbox
        compact
        ?hidden=${this.isSetting}
        .connection=${this.connection}
        base=${this.base}
        transport=${this.transport ?? nothing}
        login-url=${this.loginUrl ?? nothing}
        token-url=${this.tokenUrl ?? nothing}
        filter="unread"
      ></notifs-inbox>
      ${this.isSetting ? ALERTING.module?.alertSettings(this.settings, () => (this.isSetting = false)) : nothing}
      <div class="foot" part="foot">
        ${this.inboxHref && html`<a class="link" href=${this.inboxHref}>${t("bell.open_inbox")}</a>`}
        <button class="link to-settings" type="button" ?hidden=${this.isSetting} @click=${this.openSettings}>
          ${t("bell.alerts")}
        </button>
        <button class="link close" type="button" popovertarget="panel" popovertargetaction="hide">${t("bell.close")}</button>
      </div>`;
  }

  /** Whose they are is not known any more once somebody has signed out. */
  private get fresh(): number {
    if (this.connection?.status.name === "signed-out") return 0;
    return this.connection?.state.cursor ? this.connection.shown.unseen : this.count;
  }

  private get isQuiet(): boolean {
    return this.settings.choices.quietUntil > 0;
  }

  private get label(): string {
    const { fresh } = this;
    const label = fresh > 0 ? t("bell.new", { n: fresh, shown: badgeFor(fresh) }) : t("bell.label");
    return this.isQuiet ? t("bell.quiet", { label }) : label;
  }

  private onToggle(event: ToggleEvent): void {
    this.isOpen = event.newState === "open";
    this.stay(this.isOpen);
    if (this.isOpen) {
      this.place();
    } else {
      this.isSetting = false;
      this.takeFocusBack();
    }
  }

  /** What a bell does beyond itself, and that it stirs, has time until the page is there. Returns the way to stop. */
  private reach(connection: Connection): () => void {
    const stops: (() => void)[] = [];
    let isOver = false;
    const begin = ({ Badge, beOffline, pulse }: typeof import("./beyond")): void => {
      if (isOver) return;
      stops.push(connection.on("arrived", () => pulse(this)));
      this.badge ??= new Badge();
      this.requestUpdate();
      if (this.offline) stops.push(...beOffline(this.base, connection));
    };
    whenIdle(() => void BEYOND.get().then(begin, () => undefined));
    return () => {
      isOver = true;
      for (const stop of stops) stop();
    };
  }

  private readonly openSettings = (): void =>
    void ALERTING.get().then(({ SETTINGS }) => {
      adopt(this.renderRoot, SETTINGS);
      this.isSetting = this.isOpen;
    }, () => undefined);

  /** With the bell, wherever the window or anything in it takes that. */
  private stay(isOpen: boolean): void {
    const change = isOpen ? addEventListener : removeEventListener;
    for (const type of ["resize", "scroll"]) change(type, this.keepInPlace, SCROLLS);
  }

  /** In the settings, and back where they were opened from. */
  private focusOn(isSetting: boolean): void {
    this.renderRoot.querySelector<HTMLElement>(isSetting ? ".settings button" : ".to-settings")?.focus();
  }

  /** The browser does not look for the focus in an element within the popover, and would let it go with that. */
  private takeFocusBack(): void {
    const isInside = this.shadowRoot?.activeElement?.closest(".panel") != null;
    if (!isInside && document.activeElement !== document.body) return;
    this.renderRoot.querySelector<HTMLElement>(".bell")?.focus();
  }

  /**
   * Under the bell, where that ends in the direction of the words, and within the window; closed when the bell is out
   * of sight. On a phone the style sheet lets the panel fill the screen instead.
   */
  private place(): void {
    const bell = this.renderRoot.querySelector(".bell");
    const panel = this.renderRoot.querySelector<HTMLElement>(".panel");
    if (bell === null || panel === null) return;
    const { top, bottom, left, right } = bell.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    if (panel.offsetWidth < width && (bottom < 0 || top > innerHeight)) return panel.hidePopover();
    const end = getComputedStyle(panel).direction === "rtl" ? left : width - right;
    const most = width - MARGIN - panel.offsetWidth;
    panel.style.insetBlockStart = `${Math.round(bottom) + MARGIN}px`;
    panel.style.insetInlineEnd = `${Math.min(Math.max(MARGIN, Math.round(end)), most)}px`;
  }

  /** Whoever looks at the list has seen it, what arrives meanwhile included; asked once for each cursor. */
  private markSeen(): void {
    const { connection } = this;
    const cursor = connection?.cursor ?? null;
    if (!connection || cursor === null || connection.state.unseen === 0 || this.seenUpTo === cursor) return;
    this.seenUpTo = cursor;
    // Not worth a word if it fails: the badge simply stays, and the next look tries again.
    connection.markSeen({ up_to: cursor }).catch(() => (this.seenUpTo = null));
  }
}

function badgeFor(count: number): string {
  return count > MOST_SHOWN ? `${MOST_SHOWN}+` : String(count);
}

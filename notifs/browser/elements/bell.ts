/** `<notifs-bell>`: how many are new, and the inbox in a popover. */
import { html, nothing, unsafeCSS } from "lit";
import type { PropertyDeclarations, TemplateResult } from "lit";

import type { Connection } from "../core/connection";
import { MailboxElement } from "./element";
import { icon } from "./icons";
import controls from "../styles/controls.css?inline";
import bellStyles from "../styles/bell.css?inline";
import tokens from "../styles/tokens.css?inline";
import { t } from "../words";

const MOST_SHOWN = 99;
const MARGIN = 8;

export class NotifsBell extends MailboxElement {
  static override properties: PropertyDeclarations = { count: { type: Number }, isOpen: { state: true } };
  static override styles = [unsafeCSS(tokens), unsafeCSS(controls), unsafeCSS(bellStyles)];

  /** What the badge shows until the mailbox is known. */
  declare count: number;
  private declare isOpen: boolean;
  private seenUpTo: string | null = null;
  private readonly keepInPlace = (): void => this.place();

  constructor() {
    super();
    this.count = 0;
    this.isOpen = false;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("resize", this.keepInPlace);
  }

  protected override listen(connection: Connection): (() => void)[] {
    return [...super.listen(connection), connection.on("arrived", () => this.pulse())];
  }

  protected override updated(): void {
    if (this.isOpen) this.markSeen();
  }

  protected override render(): TemplateResult {
    const count = this.connection?.state.cursor ? this.connection.state.unseen : this.count;
    return html`<button
        class="bell"
        type="button"
        popovertarget="panel"
        aria-haspopup="dialog"
        aria-label=${labelFor(count)}
      >
        ${icon("bell")}${count > 0 ? html`<span class="badge" aria-hidden="true">${badgeFor(count)}</span>` : nothing}
      </button>
      <div class="panel" id="panel" popover role="dialog" aria-label=${t("bell.label")} @toggle=${this.onToggle}>
        ${this.isOpen ? this.panel() : nothing}
      </div>`;
  }

  private panel(): TemplateResult {
    return html`<notifs-inbox
        compact
        base=${this.base}
        transport=${this.transport ?? nothing}
        inbox-url=${this.inboxHref}
        login-url=${this.loginHref}
        token-url=${this.tokenUrl ?? nothing}
        filter="unread"
      ></notifs-inbox>
      <div class="foot">
        <a class="link" href=${this.inboxHref}>${t("bell.open_inbox")}</a>
        <button class="link close" type="button" popovertarget="panel" popovertargetaction="hide">${t("bell.close")}</button>
      </div>`;
  }

  private onToggle(event: ToggleEvent): void {
    this.isOpen = event.newState === "open";
    if (this.isOpen) {
      this.place();
      addEventListener("resize", this.keepInPlace);
    } else {
      removeEventListener("resize", this.keepInPlace);
      this.takeFocusBack();
    }
  }

  /** The browser does not look for the focus in an element within the popover, and would let it go with that. */
  private takeFocusBack(): void {
    const isInside = this.shadowRoot?.activeElement?.closest(".panel") != null;
    if (!isInside && document.activeElement !== document.body) return;
    this.renderRoot.querySelector<HTMLElement>(".bell")?.focus();
  }

  /** Under the bell and within the window. On a phone the style sheet lets the panel fill the screen instead. */
  private place(): void {
    const bell = this.renderRoot.querySelector(".bell");
    const panel = this.renderRoot.querySelector<HTMLElement>(".panel");
    if (bell === null || panel === null) return;
    const { bottom, right } = bell.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    panel.style.top = `${Math.round(bottom) + MARGIN}px`;
    panel.style.left = `${Math.max(MARGIN, Math.min(Math.round(right), width - MARGIN) - panel.offsetWidth)}px`;
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

  private pulse(): void {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const scale = ["none", "scale(1.12)", "none"].map((transform) => ({ transform }));
    if (!still) this.renderRoot.querySelector(".bell .icon")?.animate(scale, { duration: 160, easing: "ease-out" });
  }
}

function badgeFor(count: number): string {
  return count > MOST_SHOWN ? `${MOST_SHOWN}+` : String(count);
}

function labelFor(count: number): string {
  return count > 0 ? t("bell.new", { n: count, shown: badgeFor(count) }) : t("bell.label");
}

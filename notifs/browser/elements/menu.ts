/** The inbox's one menu, which is filled for whatever it was opened from. */
import { html, nothing } from "lit";
import type { ReactiveController, ReactiveControllerHost, TemplateResult } from "lit";

import { Around } from "./around";
import { icon } from "./icons";
import type { IconName } from "./icons";

export interface Item {
  readonly icon: IconName;
  readonly label: string;
  /** Said more quietly, at the end. */
  readonly detail?: string;
  /** Returns what the menu shows next, if it is not done. */
  readonly run: () => Filling | void;
}

/** The menu's items; or something else than a menu, such as a form. */
export interface Filling {
  readonly label: string;
  readonly content: readonly Item[] | TemplateResult;
}

const MARGIN = 8;
const STEPS: Readonly<Record<string, (here: number, last: number) => number>> = {
  ArrowDown: (here, last) => (here === last ? 0 : here + 1),
  ArrowUp: (here, last) => (here <= 0 ? last : here - 1),
  Home: () => 0,
  End: (_, last) => last,
};

export class Menu implements ReactiveController {
  private filling: Filling | null = null;
  private anchor: HTMLElement | null = null;
  /** What had the focus before. */
  private before: HTMLElement | null = null;
  /** Where that is in the window: what scrolls may as well have kept it there. */
  private top = 0;
  private readonly around = new Around(() => {
    if (this.isOpen && Math.abs((this.anchor?.getBoundingClientRect().top ?? 0) - this.top) > 1) this.close();
  });

  constructor(private readonly host: ReactiveControllerHost & HTMLElement) {
    host.addController(this);
  }

  /** Before the list hears of it, which may draw something else then where the menu was opened. */
  hostConnected(): void {
    this.around.listen(this.host);
  }

  hostUpdated(): void {
    if (this.anchor?.isConnected === false) this.close();
    this.place();
  }

  hostDisconnected(): void {
    this.around.stop();
  }

  /** For the click on a button with `popovertarget="menu"`: the browser opens and closes the menu by itself. */
  fill(event: MouseEvent, filling: Filling): void {
    const anchor = event.currentTarget as HTMLElement;
    // From another button than before: the browser would take it for a second click, and close the menu.
    if (this.isOpen && anchor !== this.anchor) event.preventDefault();
    this.show(anchor, filling);
  }

  /** For a key: opens it at once. */
  open(anchor: HTMLElement, filling: Filling): void {
    this.show(anchor, filling);
    this.panel?.showPopover({ source: anchor });
    this.focusDrawn();
  }

  close(): void {
    this.panel?.hidePopover();
  }

  render(): TemplateResult {
    const { label, content } = this.filling ?? { label: "", content: [] };
    const isMenu = Array.isArray(content);
    return html`<div
      class="menu"
      id="menu"
      part="menu"
      popover
      role=${isMenu ? "menu" : "dialog"}
      aria-label=${label}
      @beforetoggle=${this.giveFocusBack}
      @toggle=${this.onToggle}
      @keydown=${isMenu ? this.onKeydown : nothing}
    >
      ${isMenu ? content.map((item: Item) => this.item(item)) : content}
    </div>`;
  }

  private item(item: Item): TemplateResult {
    const { icon: name, label, detail } = item;
    return html`<button
      class="menu-item"
      part="menu-item"
      type="button"
      role="menuitem"
      tabindex="-1"
      @click=${() => this.choose(item)}
    >
      ${icon(name)}<span>${label}</span>${detail === undefined ? nothing : html`<span class="detail">${detail}</span>`}
    </button>`;
  }

  private choose(item: Item): void {
    const next = item.run();
    if (next === undefined) return this.close();
    this.filling = next;
    this.host.requestUpdate();
    this.focusDrawn();
  }

  private show(anchor: HTMLElement, filling: Filling): void {
    this.anchor = anchor;
    this.top = anchor.getBoundingClientRect().top;
    this.before = (this.host.shadowRoot?.activeElement as HTMLElement | null) ?? anchor;
    this.filling = filling;
    this.host.requestUpdate();
    if (this.isOpen) this.focusDrawn();
  }

  /** The browser would not: it does not look for the focus in a shadow root. */
  private readonly giveFocusBack = ({ newState }: ToggleEvent): void => {
    const active = this.host.shadowRoot?.activeElement ?? null;
    if (newState === "closed" && this.panel?.contains(active)) this.before?.focus();
  };

  private readonly onToggle = ({ newState }: ToggleEvent): void => {
    if (newState === "open") {
      this.place();
      this.focusFirst();
    }
  };

  private readonly onKeydown = (event: KeyboardEvent): void => {
    const items = [...(this.panel?.querySelectorAll("button") ?? [])];
    const here = items.indexOf(event.target as HTMLButtonElement);
    if (event.key === "Tab") return this.close();
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    items[step(here, items.length - 1)]?.focus();
  };

  private focusDrawn(): void {
    void this.host.updateComplete.then(() => this.focusFirst());
  }

  private focusFirst(): void {
    this.panel?.querySelector<HTMLElement>("button, input")?.focus();
  }

  /** Beneath what it was opened from, its ends in line; above that where there is no room; within the window always. */
  private place(): void {
    const { panel, anchor } = this;
    if (panel === null || anchor === null || !this.isOpen) return;
    const { top, bottom, left, right } = anchor.getBoundingClientRect();
    this.top = top;
    const { offsetWidth: width, offsetHeight: height } = panel;
    const { clientWidth, clientHeight } = document.documentElement;
    const start = getComputedStyle(panel).direction === "rtl" ? left : right - width;
    const below = bottom + height + MARGIN <= clientHeight ? bottom + 4 : top - height - 4;
    panel.style.left = `${Math.max(MARGIN, Math.min(start, clientWidth - width - MARGIN))}px`;
    panel.style.top = `${Math.max(MARGIN, Math.min(below, clientHeight - height - MARGIN))}px`;
  }

  private get isOpen(): boolean {
    return this.panel?.matches(":popover-open") ?? false;
  }

  private get panel(): HTMLElement | null {
    return this.host.shadowRoot?.querySelector<HTMLElement>("#menu") ?? null;
  }
}

/**
 * The part of a long list that is drawn: what is in view and a little around it. Space stands for the rest.
 *
 * What people look at stays where it is when rows come, go or turn out higher above it.
 */
import type { ReactiveController, ReactiveControllerHost } from "lit";

import { Around, parentOf } from "./around";
import { Offsets } from "./offsets";
import { whenIdle } from "./part";
import { Reused } from "./slots";

/** Pixels that are drawn above and below the view, and how near to their end more is drawn. */
const AROUND = 400;
const NEAR = 300;
/** As long as one leap comes after the other, nothing around is drawn that has no time to be seen. */
const CLOSE = 60;
/** Where a pointer is about to press: what arrives must not put another row there. */
const HELD = ":has(.controls:hover)";

/** A row, where it is in the window and in the list. */
interface Mark {
  readonly key: string;
  readonly top: number;
  readonly start: number;
}

export class Strip implements ReactiveController {
  readonly offsets = new Offsets();
  /** The items that are drawn, the second exclusive. */
  from = 0;
  to = 0;
  /** Not to be taken: what has the focus, and, where rows come and go, what is seen to glide or to fade. */
  readonly slots = new Reused((key) => !this.isOther && key !== this.focused);
  private marks: readonly Mark[] = [];
  private width = 0;
  private drawsOn = false;
  /** Rows have come, gone or moved. */
  private isOther = false;
  /** Nothing remains of what was drawn. */
  private isLeap = false;
  private readonly look = (): void => this.drawOn();
  private readonly around = new Around(this.look);

  /** `keys`: of the items that there are now, as `Offsets` wants them. */
  constructor(
    private readonly host: ReactiveControllerHost & HTMLElement,
    private readonly keys: () => readonly string[],
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    addEventListener("resize", this.look);
  }

  hostDisconnected(): void {
    this.around.stop();
    removeEventListener("resize", this.look);
  }

  hostUpdate(): void {
    const { top } = this.frame();
    const isScrolled = edges(this.find(".days")).top < top;
    const rows = this.rows();
    const first = this.isSteady ? rows.find((row) => edges(row).bottom > top) : undefined;
    const held = first === undefined ? rows.filter((row) => row.matches(HELD)) : [first];
    this.marks = isScrolled && first === undefined ? this.marksBelow(top) : held.map((row) => this.mark(row));
  }

  hostUpdated(): void {
    if (this.host.isConnected) this.around.listen(this.host);
    const width = this.find(".list")?.clientWidth ?? 0;
    if (width !== this.width) this.offsets.forget();
    this.width = width;
    for (const row of this.rows()) this.offsets.measured(keyOf(row), row.getBoundingClientRect().height, this.from);
    this.offsets.measured("", this.find(".day-title")?.offsetHeight ?? 0, 0);
    this.keepInPlace();
    this.drawsOn = false;
    // What was drawn may have made the view larger, and may be less high than it was taken for.
    if (this.isLeap) whenIdle(this.look);
    else this.look();
  }

  /** Whether nothing has been asked for but to draw on. */
  get isSteady(): boolean {
    return this.drawsOn && this.keys() === this.offsets.keys;
  }

  /** Choose what to draw. */
  lay(): void {
    const keys = this.keys();
    const { top, bottom } = this.view();
    const { offsets } = this;
    this.isOther = keys !== offsets.keys;
    offsets.lay(keys);
    const kept = this.isOther ? this.marks.find(({ key }) => this.has(key)) : undefined;
    const shift = kept === undefined ? 0 : offsets.start(offsets.indexOf(kept.key)) - kept.start;
    const [from, to] = offsets.between(top + shift - AROUND, bottom + shift + AROUND);
    this.isLeap = !this.isOther && this.to > 0 && (from >= this.to || to <= this.from);
    [this.from, this.to] = this.isLeap ? offsets.between(top - CLOSE, bottom + CLOSE) : [from, to];
  }

  /** Whether all is drawn that there is further down. */
  get isAtEnd(): boolean {
    return this.to >= this.offsets.keys.length;
  }

  has(key: string): boolean {
    return this.offsets.indexOf(key) >= 0;
  }

  /** Scroll to where a row must be that is not drawn. */
  async reveal(key: string): Promise<void> {
    const index = this.offsets.indexOf(key);
    if (index < 0) return;
    const start = this.offsets.start(index);
    this.scroller().scrollBy({ top: start - this.view().top - NEAR, behavior: "instant" });
    this.marks = [];
    this.host.requestUpdate();
    await this.host.updateComplete;
  }

  /** Something else is shown from here on: from its top. */
  toTop(): void {
    const { top } = this.view();
    this.marks = [];
    if (top <= 0) return;
    this.find(".list")?.scrollTo({ top: 0, behavior: "instant" });
    const inbox = this.find(".inbox");
    if (edges(inbox).top < 0) inbox?.scrollIntoView({ behavior: "instant" });
  }

  /** The uppermost row that can be seen whole. */
  get first(): string | undefined {
    const { offsets } = this;
    const { top } = this.view();
    const [from, to] = offsets.between(top, top);
    return offsets.keys.slice(offsets.start(from) < top ? to : from).find((key) => key !== "");
  }

  /** Draw on when the view comes near to the end of what is drawn. */
  drawOn(): void {
    if (this.find(".days") === null) return; // something else is shown, and to draw it again brings no row
    const { top, bottom } = this.view();
    const { offsets, from, to } = this;
    const isShort = to < offsets.keys.length && bottom + NEAR > offsets.start(to);
    if (!isShort && (from === 0 || top - NEAR >= offsets.start(from))) return;
    this.drawsOn = true;
    this.host.requestUpdate();
  }

  /** The rows at and below the top of the view, but first of all the one that is cut by it, and those above. */
  private marksBelow(top: number): Mark[] {
    const rows = this.rows();
    const marks = rows.map((row) => this.mark(row));
    const first = rows.findIndex((row) => edges(row).bottom > top);
    return first < 0 ? marks.reverse() : [...marks.slice(0, first + 1).reverse(), ...marks.slice(first + 1)];
  }

  private mark(row: HTMLElement): Mark {
    const key = keyOf(row);
    return { key, top: edges(row).top, start: this.offsets.start(this.offsets.indexOf(key, this.from)) };
  }

  private keepInPlace(): void {
    for (const { key, top } of this.marks) {
      const row = this.rows().find((each) => keyOf(each) === key);
      if (row === undefined) continue;
      const by = row.getBoundingClientRect().top - top;
      if (Math.abs(by) >= 1) this.scroller().scrollBy({ top: by, behavior: "instant" });
      return;
    }
  }

  /** What of the list can be seen, in its own coordinates. */
  private view(): { top: number; bottom: number } {
    const { top, bottom } = this.frame();
    const origin = this.find(".days")?.getBoundingClientRect().top ?? top;
    return { top: top - origin, bottom: bottom - origin };
  }

  private frame(): { top: number; bottom: number } {
    const { top, bottom } = edges(this.find(".list"));
    return { top: Math.max(0, top), bottom: bottom > 0 ? Math.min(innerHeight, bottom) : innerHeight };
  }

  /** What scrolls the list: itself, or something around it, or the page. */
  private scroller(): Element {
    const list = this.find(".list");
    for (let each: Element | null = list; each !== null; each = parentOf(each)) {
      if (each.scrollHeight > each.clientHeight && /auto|scroll/.test(getComputedStyle(each).overflowY)) return each;
    }
    return document.scrollingElement ?? document.documentElement;
  }

  /** The row that has the focus, or something in it. */
  private get focused(): string | undefined {
    return this.host.shadowRoot?.activeElement?.closest<HTMLElement>("[data-id]")?.dataset["id"];
  }

  private rows(): HTMLElement[] {
    return [...(this.host.shadowRoot?.querySelectorAll<HTMLElement>("[data-id]") ?? [])];
  }

  private find(selector: string): HTMLElement | null {
    return this.host.shadowRoot?.querySelector<HTMLElement>(selector) ?? null;
  }
}

function keyOf(row: HTMLElement): string {
  return row.dataset["id"] ?? "";
}

function edges(element: Element | null): { top: number; bottom: number } {
  return element?.getBoundingClientRect() ?? { top: 0, bottom: 0 };
}

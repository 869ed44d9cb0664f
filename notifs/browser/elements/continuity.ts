/**
 * What stays while rows come and go: the focus has somewhere to be, the rows that remain glide to their places, those
 * that leave are seen to, and what is pressed is what was meant.
 */
import type { ReactiveController, ReactiveControllerHost } from "lit";

import type { Entry } from "./entries";
import type { Strip } from "./strip";
import type { Notification } from "../core/wire";

const GLIDE = { duration: 150, easing: "ease-out" };
const LEAVE = { duration: 140, easing: "ease-out" };
/** Milliseconds in which nobody sees that another row has come under the pointer. */
const UNAWARE = 400;

export class Continuity implements ReactiveController {
  /** The row that has the focus, or had it last. */
  current: string | null = null;
  private slot = "";
  private hadChip = false;
  private hadFocus = false;
  private order: readonly string[] = [];
  /** Those that were drawn last. */
  private entries: readonly Entry[] = [];
  private before = new Map<string, { readonly row: HTMLElement; readonly top: number }>();
  private scene = "";
  private isPointedAt = false;
  /** When rows were pushed down by others that came, with a pointer over them. */
  private readonly pushed = new WeakMap<EventTarget, number>();

  /** Rows move only within one scene, such as one tab; `fallback` takes the focus when there is no row to have it. */
  constructor(
    private readonly host: ReactiveControllerHost & HTMLElement,
    private readonly strip: Strip,
    private readonly list: { readonly entries: readonly Entry[] },
    private readonly sceneOf: () => string,
    private readonly fallback: string,
  ) {
    host.addController(this);
    host.addEventListener("click", (event) => this.guard(event), true);
  }

  hostUpdate(): void {
    this.look();
    this.order = this.strip.offsets.keys;
    const isSame = this.scene === this.sceneOf();
    const moving = isSame && !this.strip.isSteady ? [...this.rows()] : [];
    this.before = new Map(moving.map(([key, row]) => [key, { row, top: row.getBoundingClientRect().top }]));
    this.scene = this.sceneOf();
    this.isPointedAt = moving.some(([, row]) => row.matches(":hover"));
  }

  hostUpdated(): void {
    this.restoreFocus();
    this.entries = this.list.entries;
    this.notePushed();
    const isSame = this.order === this.strip.offsets.keys;
    if (isSame || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    this.glide();
    this.leave();
  }

  /** Where the focus is just now. */
  look(): void {
    const active = this.host.shadowRoot?.activeElement ?? null;
    const row = active?.closest<HTMLElement>("[data-id]") ?? null;
    this.hadFocus = active !== null;
    this.hadChip = active?.matches(".chip") ?? false;
    if (row === null) return;
    this.current = row.dataset["id"] ?? null;
    this.slot = active?.getAttribute("data-slot") ?? "";
  }

  private restoreFocus(): void {
    const root = this.host.shadowRoot;
    if (!this.hadFocus || root?.activeElement) return;
    if (this.hadChip) return (root?.querySelector<HTMLElement>(".chip") ?? root?.querySelector(".tools .filter"))?.focus();
    const row = this.nearest();
    const find = (selector: string) => row?.querySelector<HTMLElement>(selector);
    const control = this.slot === "" ? row : (find(`[data-slot="${this.slot}"]`) ?? find("[data-slot]") ?? row);
    (control ?? root?.querySelector<HTMLElement>(this.fallback))?.focus({ preventScroll: row === undefined });
  }

  /** The row itself, or the nearest one if it has gone; none if it is only out of sight. */
  private nearest(): HTMLElement | undefined {
    const { current } = this;
    const rows = this.rows();
    if (current === null || (this.strip.has(current) && !rows.has(current))) return undefined;
    const nearest = [current, ...around(current, this.entries)];
    return rows.get(nearest.find((each) => rows.has(each)) ?? "");
  }

  private notePushed(): void {
    if (!this.isPointedAt) return;
    for (const [key, row] of this.rows()) {
      const before = this.before.get(key);
      if (before !== undefined && row.getBoundingClientRect().top - before.top >= 1) this.pushed.set(row, Date.now());
    }
  }

  /** A key presses what has the focus, wherever that has moved. */
  private guard(event: MouseEvent): void {
    const row = event.composedPath().find((each) => this.pushed.has(each));
    if (row === undefined || event.detail === 0 || Date.now() - (this.pushed.get(row) ?? 0) > UNAWARE) return;
    event.preventDefault();
    event.stopPropagation();
  }

  private glide(): void {
    for (const [key, row] of this.rows()) {
      const before = this.before.get(key);
      const by = before === undefined ? 0 : before.top - row.getBoundingClientRect().top;
      if (Math.abs(by) >= 1) row.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], GLIDE);
    }
  }

  /** A row that has gone fades where it was; it is nobody's any more. */
  private leave(): void {
    const stage = this.host.shadowRoot?.querySelector(".leaving");
    for (const [key, { row, top }] of this.before) {
      if (stage == null || row.isConnected || this.strip.has(key) || top > innerHeight) continue;
      row.removeAttribute("data-id");
      row.style.insetBlockStart = `${top - stage.getBoundingClientRect().top}px`;
      stage.append(row);
      row.animate([{}, { opacity: 0, transform: "scale(0.98)" }], LEAVE).onfinish = () => row.remove();
    }
  }

  private rows(): Map<string, HTMLElement> {
    const found = this.host.shadowRoot?.querySelectorAll<HTMLElement>("[data-id]") ?? [];
    return new Map([...found].map((row) => [row.dataset["id"] ?? "", row]));
  }
}

/** The keys around one, the nearest first: below it, then above; before all others those of the group that it is in. */
export function around(key: string, entries: readonly Entry[]): string[] {
  const here = entries.findIndex((each) => each.key === key);
  const row = entries[here]?.rows[0] as Notification;
  const group = entries.find(({ rows }) => rows.length > 1 && rows.includes(row));
  const others = [...entries.slice(here + 1), ...entries.slice(0, here).reverse()];
  const near = others.filter(({ rows }) => group?.rows.includes(rows[0] as Notification));
  return [...near, ...others].map((each) => each.key);
}

/** What stays while rows come and go: the focus has somewhere to be, and the rows that remain glide to their places. */
import type { ReactiveController, ReactiveControllerHost } from "lit";

interface Focus {
  readonly id: string;
  readonly slot: string;
  readonly order: readonly string[];
}

const GLIDE = { duration: 150, easing: "ease-out" };

export class Continuity implements ReactiveController {
  private tops = new Map<string, number>();
  private focus: Focus | null = null;
  private scene = "";

  /** Rows glide only within one scene, such as one tab; `fallback` takes the focus when no row is left. */
  constructor(
    private readonly host: ReactiveControllerHost & HTMLElement,
    private readonly sceneOf: () => string,
    private readonly fallback: string,
  ) {
    host.addController(this);
  }

  hostUpdate(): void {
    const rows = this.rows();
    const active = this.host.shadowRoot?.activeElement;
    const id = active?.closest<HTMLElement>("[data-id]")?.dataset["id"];
    const slot = active?.getAttribute("data-slot") ?? "";
    this.focus = id === undefined ? null : { id, slot, order: [...rows.keys()] };
    const steady = this.scene === this.sceneOf();
    this.tops = new Map(steady ? [...rows].map(([key, row]) => [key, row.getBoundingClientRect().top]) : []);
    this.scene = this.sceneOf();
  }

  hostUpdated(): void {
    this.restoreFocus();
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.glide();
  }

  private restoreFocus(): void {
    if (this.focus === null || this.host.shadowRoot?.activeElement) return;
    const { id, slot, order } = this.focus;
    const rows = this.rows();
    const place = order.indexOf(id);
    const nearest = [id, ...order.slice(place + 1), ...order.slice(0, place).reverse()].find((each) => rows.has(each));
    const row = nearest === undefined ? undefined : rows.get(nearest);
    const find = (selector: string) => row?.querySelector<HTMLElement>(selector);
    const control = find(`[data-slot="${slot}"]`) ?? find("[data-slot]");
    (control ?? this.host.shadowRoot?.querySelector<HTMLElement>(this.fallback))?.focus();
  }

  private glide(): void {
    for (const [id, row] of this.rows()) {
      const before = this.tops.get(id);
      const by = before === undefined ? 0 : before - row.getBoundingClientRect().top;
      if (by !== 0) row.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], GLIDE);
    }
  }

  private rows(): Map<string, HTMLElement> {
    const found = this.host.shadowRoot?.querySelectorAll<HTMLElement>("[data-id]") ?? [];
    return new Map([...found].map((row) => [row.dataset["id"] ?? "", row]));
  }
}

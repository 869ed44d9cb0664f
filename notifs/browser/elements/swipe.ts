/**
 * Fingers on a row: to the inline end reads it, to the inline start archives it, and a long press selects it.
 *
 * Up and down is the browser's, which scrolls; it says so by cancelling our pointer.
 */
import type { ReactiveController, ReactiveControllerHost } from "lit";

export type Side = "start" | "end";

/** What lies under a row that is pushed aside. */
export interface Cue {
  readonly key: string;
  readonly side: Side;
  /** Far enough: letting go does it. */
  readonly isArmed: boolean;
  readonly top: number;
  readonly height: number;
}

export interface Gestures {
  readonly act: (key: string, side: Side) => void;
  readonly select: (key: string) => void;
  /** Whether some are selected: then a tap selects more. */
  readonly isSelecting: () => boolean;
}

interface Touch {
  readonly row: HTMLElement;
  readonly id: number;
  readonly x: number;
  readonly y: number;
  /** What has become of it, once that is known. */
  gesture?: "swipe" | "press";
}

const SLACK = 10;
const FAR = 96;
const LONG = 500;
/** A click that comes so soon after a gesture is a part of it. */
const ECHO = 400;
const BACK = { duration: 150, easing: "ease-out" };

export class Swipe implements ReactiveController {
  cue: Cue | null = null;
  private touch: Touch | null = null;
  private by = 0;
  private pressing: ReturnType<typeof setTimeout> | undefined;
  private endedAt = -Infinity;

  constructor(
    private readonly host: ReactiveControllerHost & HTMLElement,
    private readonly gestures: Gestures,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    for (const [name, listener] of this.listeners) this.host.addEventListener(name, listener, true);
  }

  hostDisconnected(): void {
    for (const [name, listener] of this.listeners) this.host.removeEventListener(name, listener, true);
    this.end();
  }

  private readonly listeners = Object.entries<(event: PointerEvent) => void>({
    pointerdown: (event) => this.begin(event),
    pointermove: (event) => this.move(event),
    pointerup: (event) => this.release(event),
    pointercancel: () => this.end(),
    click: (event) => this.click(event),
    // A finger that rests on a link would be asked what to do with it.
    contextmenu: (event) => this.touch !== null && swallow(event),
  }) as [string, (event: Event) => void][];

  private begin(event: PointerEvent): void {
    this.end();
    this.endedAt = -Infinity;
    const row = rowOf(event);
    if (event.pointerType !== "touch" || row === null) return;
    this.touch = { row, id: event.pointerId, x: event.clientX, y: event.clientY };
    this.pressing = setTimeout(() => this.touch && this.press(this.touch), LONG);
  }

  private move(event: PointerEvent): void {
    const { touch } = this;
    if (touch?.id !== event.pointerId || touch.gesture === "press") return;
    const [x, y] = [event.clientX - touch.x, event.clientY - touch.y];
    if (touch.gesture === undefined) {
      if (Math.abs(y) > SLACK) return this.end();
      if (Math.abs(x) <= SLACK) return;
      clearTimeout(this.pressing);
      touch.gesture = "swipe";
      touch.row.setPointerCapture(event.pointerId);
    }
    this.by = x;
    touch.row.style.translate = `${x}px`;
    this.show(touch.row);
  }

  private release(event: PointerEvent): void {
    const { touch, cue } = this;
    if (touch?.id !== event.pointerId) return;
    if (cue?.isArmed) this.gestures.act(cue.key, cue.side);
    this.end();
  }

  private press(touch: Touch): void {
    touch.gesture = "press";
    this.gestures.select(touch.row.dataset["id"] ?? "");
  }

  private click(event: PointerEvent): void {
    const row = rowOf(event);
    if (performance.now() - this.endedAt < ECHO) swallow(event);
    else if (event.pointerType === "touch" && row !== null && this.gestures.isSelecting()) {
      swallow(event);
      this.gestures.select(row.dataset["id"] ?? "");
    }
  }

  /** The row goes back; one that leaves for good does so from where it is. */
  private end(): void {
    clearTimeout(this.pressing);
    const { touch, by } = this;
    if (touch?.gesture !== undefined) this.endedAt = performance.now();
    this.touch = null;
    this.by = 0;
    if (this.cue === null || touch === null) return;
    this.cue = null;
    this.host.requestUpdate();
    void this.host.updateComplete.then(() => {
      if (touch.row.dataset["id"] === undefined) return;
      touch.row.style.translate = "";
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
      touch.row.animate([{ translate: `${by}px` }, { translate: "0" }], BACK);
    });
  }

  private show(row: HTMLElement): void {
    const isMirrored = getComputedStyle(row).direction === "rtl";
    const side: Side = this.by > 0 !== isMirrored ? "end" : "start";
    const isArmed = Math.abs(this.by) >= Math.min(FAR, row.clientWidth / 3);
    if (this.cue?.side === side && this.cue.isArmed === isArmed) return;
    const list = row.closest(".list") ?? row;
    const top = row.getBoundingClientRect().top - list.getBoundingClientRect().top + list.scrollTop;
    this.cue = { key: row.dataset["id"] ?? "", side, isArmed, top, height: row.offsetHeight };
    this.host.requestUpdate();
  }
}

/** The row that is touched; none if it is something in it to press. */
function rowOf(event: Event): HTMLElement | null {
  const target = event.composedPath()[0] as Element;
  return target.closest("button, input, .actions") ? null : target.closest<HTMLElement>("[data-id]");
}

function swallow(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
}

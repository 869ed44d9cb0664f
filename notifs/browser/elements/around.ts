/** What scrolls around an element: the page, or anything in it, also in the shadow root of what it is slotted in. */
const OPTIONS = { capture: true, passive: true };

export class Around {
  private readonly targets = new Set<EventTarget>();

  constructor(private readonly heard: (event: Event) => void) {}

  /** Hear of it, as no shadow root lets it be heard outside; said again, also of what has come around it since. */
  listen(element: Element): void {
    this.add(window);
    for (let each: Element | null = element; each !== null; each = parentOf(each)) {
      if (each.shadowRoot !== null) this.add(each.shadowRoot);
    }
  }

  stop(): void {
    for (const target of this.targets) target.removeEventListener("scroll", this.heard, OPTIONS);
    this.targets.clear();
  }

  private add(target: EventTarget): void {
    if (this.targets.has(target)) return;
    this.targets.add(target);
    target.addEventListener("scroll", this.heard, OPTIONS);
  }
}

export function parentOf(element: Element): Element | null {
  return element.assignedSlot ?? element.parentElement ?? (element.getRootNode() as ShadowRoot).host ?? null;
}

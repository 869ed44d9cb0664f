/** Days, and in them what is drawn of their rows. Space stands for the rest, so that everything is where it belongs. */
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";
import { guard } from "lit/directives/guard.js";
import { repeat } from "lit/directives/repeat.js";

import type { Day } from "./entries";
import { row } from "./row";
import type { RowContext } from "./row";

/** Which of the elements stand for what is drawn. */
export interface Slots {
  /** Of what is drawn now, in its order. */
  readonly lay: (keys: readonly string[]) => void;
  readonly of: (key: string) => string;
  /** Those of a list within the list. */
  readonly within: (key: string) => Slots;
}

/** What is drawn of the items, the second exclusive; and where in the list they are. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly offsets: { readonly total: number; readonly start: (index: number) => number };
  readonly slots: Slots;
}

/** What is drawn before anything was measured. */
const FIRST: Stretch = {
  from: 0,
  to: 60,
  offsets: { total: 0, start: () => 0 },
  slots: { lay: () => undefined, of: (key) => key, within: () => FIRST.slots },
};

/** The keys of everything in the list, as `Offsets` wants them. */
export function keysOf(days: readonly Day[]): string[] {
  return days.flatMap(({ entries }) => ["", ...entries.map(({ key }) => key)]);
}

export function list(days: readonly Day[], stretch: Stretch | undefined, context: RowContext): TemplateResult {
  const { offsets, from, to, slots } = stretch ?? FIRST;
  const drawn: { day: Day; start: number; end: number }[] = [];
  let start = 0;
  for (const day of days) {
    const end = start + 1 + day.entries.length;
    if (end > from && start < to) drawn.push({ day, start, end });
    start = end;
  }
  slots.lay(drawn.map(({ day }) => day.key));
  const above = offsets.start(drawn[0]?.start ?? 0);
  const below = offsets.total - offsets.start(drawn.at(-1)?.end ?? 0);
  return html`<div class="days">
    ${space(above)}
    ${repeat(
      drawn,
      ({ day }) => slots.of(day.key),
      (each) => section(each.day, each.start, Math.max(from, each.start + 1), Math.min(to, each.end)),
    )}
    ${space(below)}
  </div>`;

  /** The items of the day begin at `start` with its heading; those from `first` are drawn, `last` exclusive. */
  function section({ key, label, entries }: Day, start: number, first: number, last: number): TemplateResult {
    const top = start + 1;
    const places = entries.slice(first - top, last - top).map((entry, n) => ({ entry, index: first - top + n }));
    const of = entries.length;
    const within = slots.within(key);
    within.lay(places.map(({ entry }) => entry.key));
    return html`<section class="day" part="day">
      <div class="day-title" part="day-title" role="heading" aria-level=${context.headingLevel - 1}>${label}</div>
      ${space(offsets.start(first) - offsets.start(top))}
      <ul class="rows" role="list">
        ${repeat(
          places,
          ({ entry }) => within.of(entry.key),
          ({ entry, index }) => guard([entry, index, of, context], () => row(entry, { index, of }, context)),
        )}
      </ul>
      ${space(offsets.start(top + of) - offsets.start(Math.max(first, last)))}
    </section>`;
  }
}

/** By property: an attribute would be against the page's policy. */
function space(height: number): TemplateResult | typeof nothing {
  return height > 0 ? html`<div class="space" .style=${`block-size: ${height}px`}></div>` : nothing;
}

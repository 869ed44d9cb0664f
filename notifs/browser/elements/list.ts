/** Days, and in them what is drawn of their rows. Space stands for the rest, so that everything is where it belongs. */
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";

import type { Day } from "./entries";
import { row } from "./row";
import type { RowContext } from "./row";

/** What is drawn of the items, the second exclusive; and where in the list they are. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly offsets: { readonly total: number; readonly start: (index: number) => number };
}

/** What is drawn before anything was measured. */
const FIRST: Stretch = { from: 0, to: 60, offsets: { total: 0, start: () => 0 } };

/** The keys of everything in the list, as `Offsets` wants them. */
export function keysOf(days: readonly Day[]): string[] {
  return days.flatMap(({ entries }) => ["", ...entries.map(({ key }) => key)]);
}

export function list(days: readonly Day[], stretch: Stretch | undefined, context: RowContext): TemplateResult {
  const { offsets, from, to } = stretch ?? FIRST;
  const drawn: { day: Day; start: number; end: number }[] = [];
  let start = 0;
  for (const day of days) {
    const end = start + 1 + day.entries.length;
    if (end > from && start < to) drawn.push({ day, start, end });
    start = end;
  }
  const above = offsets.start(drawn[0]?.start ?? 0);
  const below = offsets.total - offsets.start(drawn.at(-1)?.end ?? 0);
  return html`<div class="days">
    ${space(above)}
    ${repeat(
      drawn,
      ({ day }) => day.key,
      (each) => section(each.day, each.start, Math.max(from, each.start + 1), Math.min(to, each.end)),
    )}
    ${space(below)}
  </div>`;

  /** The items of the day begin at `start` with its heading; those from `first` are drawn, `last` exclusive. */
  function section({ label, entries }: Day, start: number, first: number, last: number): TemplateResult {
    const top = start + 1;
    const places = entries.slice(first - top, last - top).map((entry, n) => ({ entry, index: first - top + n }));
    const of = entries.length;
    return html`<section class="day" part="day">
      <div class="day-title" part="day-title" role="heading" aria-level=${context.headingLevel - 1}>${label}</div>
      ${space(offsets.start(first) - offsets.start(top))}
      <ul class="rows" role="list">
        ${repeat(places, ({ entry }) => entry.key, ({ entry, index }) => row(entry, { index, of }, context))}
      </ul>
      ${space(offsets.start(top + of) - offsets.start(Math.max(first, last)))}
    </section>`;
  }
}

/** By property: an attribute would be against the page's policy. */
function space(height: number): TemplateResult | typeof nothing {
  return height > 0 ? html`<div class="space" .style=${`block-size: ${height}px`}></div>` : nothing;
}

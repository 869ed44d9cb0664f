/** Days, and in them what is drawn of their rows. Space stands for the rest, so that everything is where it belongs. */
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";

import type { Day } from "./entries";
import { row } from "./row";
import type { RowContext } from "./row";
import type { Strip } from "./strip";

/** The keys of everything in the list, as `Offsets` wants them. */
export function keysOf(days: readonly Day[]): string[] {
  return days.flatMap(({ entries }) => ["", ...entries.map(({ key }) => key)]);
}

export function list(days: readonly Day[], { offsets, from, to }: Strip, context: RowContext): TemplateResult {
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
    const places = entries.slice(first - start - 1, last - start - 1).map((entry, n) => ({ entry, index: first - start - 1 + n }));
    const of = entries.length;
    return html`<section class="day" part="day">
      <div class="day-title" part="day-title" role="heading" aria-level=${context.headingLevel - 1}>${label}</div>
      ${space(offsets.start(first) - offsets.start(start + 1))}
      <ul class="rows" role="list">
        ${repeat(places, ({ entry }) => entry.key, ({ entry, index }) => row(entry, { index, of }, context))}
      </ul>
      ${space(offsets.start(start + 1 + of) - offsets.start(Math.max(first, last)))}
    </section>`;
  }
}

/** By property: an attribute would be against the page's policy. */
function space(height: number): TemplateResult | typeof nothing {
  return height > 0 ? html`<div class="space" .style=${`block-size: ${height}px`}></div>` : nothing;
}

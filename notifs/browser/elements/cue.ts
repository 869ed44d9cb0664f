/** What tells, under a row that is pushed aside, what letting go of it will do. */
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";

import { icon } from "./icons";
import { CONTROLS } from "./row";
import type { Cue } from "./swipe";
import { t } from "../words";

export function cue(
  cue: Cue | null,
  actOf: (cue: Cue) => keyof typeof CONTROLS | undefined,
): TemplateResult | typeof nothing {
  const act = cue && actOf(cue);
  if (!cue || !act) return nothing;
  const style = `inset-block-start: ${cue.top}px; block-size: ${cue.height}px`;
  return html`<div class="cue ${cue.side} ${cue.isArmed ? "armed" : ""}" aria-hidden="true" .style=${style}>
    ${icon(CONTROLS[act].icon)} ${t(CONTROLS[act].label)}
  </div>`;
}

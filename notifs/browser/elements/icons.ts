/** Line icons on a grid of 20. The same paths are in web/templates/icons.html; a test holds them together. */
import { svg } from "lit";
import type { SVGTemplateResult } from "lit";

export const ICONS = {
  bell: "M10 2.75A4.75 4.75 0 0 0 5.25 7.5v2.6c0 .5-.15.98-.43 1.39l-1.1 1.6a.75.75 0 0 0 .62 1.16h11.32a.75.75 0 0 0 .62-1.16l-1.1-1.6a2.5 2.5 0 0 1-.43-1.39V7.5A4.75 4.75 0 0 0 10 2.75ZM8 16.75a2.1 2.1 0 0 0 4 0",
  check: "m4.5 10.5 3.5 3.5 7.5-8.25",
  unread: "M10 6.25a3.75 3.75 0 1 0 0 7.5 3.75 3.75 0 0 0 0-7.5Z",
  archive: "M3.25 4.25h13.5v3H3.25zM4.5 7.25v7.5a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1v-7.5M8 10.25h4",
  unarchive: "M3.25 4.25h13.5v3H3.25zM4.5 7.25v7.5a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1v-7.5M10 13.25v-3.5m-1.75 1.5L10 9.5l1.75 1.75",
  close: "m5.5 5.5 9 9m0-9-9 9",
  warning: "M10 17.25a7.25 7.25 0 1 0 0-14.5 7.25 7.25 0 0 0 0 14.5ZM10 6.5v4.25M10 13.4v.1",
  done: "M10 17.25a7.25 7.25 0 1 0 0-14.5 7.25 7.25 0 0 0 0 14.5ZM6.9 10.2l2.2 2.2 4-4.6",
  back: "M16 10H4m5-5-5 5 5 5",
  more: "M5 9.25a.75.75 0 1 0 0 1.5.75.75 0 0 0 0-1.5ZM10 9.25a.75.75 0 1 0 0 1.5.75.75 0 0 0 0-1.5ZM15 9.25a.75.75 0 1 0 0 1.5.75.75 0 0 0 0-1.5Z",
  clock: "M10 17.25a7.25 7.25 0 1 0 0-14.5 7.25 7.25 0 0 0 0 14.5ZM10 6v4.25L12.75 12",
  search: "M9 14.75a5.75 5.75 0 1 0 0-11.5 5.75 5.75 0 0 0 0 11.5ZM13.25 13.25 17 17",
  filter: "M3.5 5.75h13M6 10h8M8.5 14.25h3",
  chevron: "m6 8 4 4 4-4",
  person: "M10 9.75a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM4 16.5c.5-3 2.9-4.5 6-4.5s5.5 1.5 6 4.5",
} as const;

export type IconName = keyof typeof ICONS;

export function icon(name: IconName): SVGTemplateResult {
  return svg`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d=${ICONS[name]}></path></svg>`;
}

/** The style sheets that all elements have, once for all of them. */
import { unsafeCSS } from "lit";
import type { CSSResult } from "lit";

import controls from "../styles/controls.css?inline";
import theme from "../styles/theme.css?inline";
import tokens from "../styles/tokens.css?inline";

/** The page has it too: what it chooses on its root cannot be seen in a shadow root. */
export const THEME = unsafeCSS(theme);
export const SHEETS = [THEME, unsafeCSS(tokens), unsafeCSS(controls)];

/** One more, after those that are there: of a part that has come. */
export function adopt(root: Document | HTMLElement | DocumentFragment, { styleSheet }: CSSResult): void {
  const { adoptedStyleSheets } = root as DocumentOrShadowRoot;
  if (styleSheet && !adoptedStyleSheets.includes(styleSheet)) adoptedStyleSheets.push(styleSheet);
}

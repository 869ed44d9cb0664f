/** On a page of ours that is a copy, which the worker has kept: since when. */
import { locale } from "../words";

/** When the page was sent, in words; null if it is no copy. */
export function copiedAt(): string | null {
  const { kept } = document.documentElement.dataset;
  if (kept === undefined) return null;
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(kept));
}

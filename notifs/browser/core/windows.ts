/** How far down a mailbox is loaded, query by query. */
import type { Filter, Query } from "./wire";

/** What is loaded of a query: all of it, or from the newest down to the position `through`. */
export interface Window {
  readonly through: number | null;
  readonly complete: boolean;
}

/** By the query's key; a plain filter's is its name. */
export type Windows = Readonly<Record<Filter, Window>> & Readonly<Record<string, Window>>;

/** Searches that are remembered, besides the plain filters. */
const MOST_SEARCHES = 8;
const UNLOADED: Window = { through: null, complete: false };
export const NOTHING: Windows = { unread: UNLOADED, all: UNLOADED, archived: UNLOADED, snoozed: UNLOADED };

export function keyOf({ filter, kind, actor, text }: Query): string {
  return kind || actor || text ? JSON.stringify([filter, kind, actor, text?.toLowerCase()]) : filter;
}

/** The position down to which nothing is missing. */
export function bottomOf({ through, complete }: Window): number {
  return complete ? -Infinity : (through ?? Infinity);
}

export function loaded(window: Window): boolean {
  return window.complete || window.through !== null;
}

/** Of searches only the last few; forgotten ones are fetched anew. */
export function remember(windows: Windows, query: Query, window: Window): Windows {
  const key = keyOf(query);
  const others = Object.entries(windows).filter(([each]) => each !== key);
  const [plain, searches] = [true, false].map((is) => others.filter(([each]) => each in NOTHING === is));
  const kept = [...(plain ?? []), ...(searches ?? []).slice(1 - MOST_SEARCHES), [key, window] as const];
  return Object.fromEntries(kept) as Windows;
}

/** A page that reaches no deeper than what is loaded already says nothing about the rest. */
export function extend(window: Window, through: number | null, complete: boolean): Window {
  if (window.complete) return window;
  if (through === null || window.through === null) return { through: through ?? window.through, complete };
  return through > window.through ? window : { through, complete };
}

export function endingAbove(window: Window, bottom: number | null): Window {
  return bottom !== null && bottomOf(window) < bottom ? { through: bottom, complete: false } : window;
}

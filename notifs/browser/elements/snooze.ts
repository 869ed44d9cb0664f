/** Until when: the moments that are offered, in the reader's zone. */
import type { Word } from "../words";

export interface Moment {
  readonly word: Word;
  readonly at: Date;
}

const MORNING = 8;
/** Later today is some hours from now, and not in the middle of the night. */
const LATER = 3;
const LATEST = 21;
const MONDAY = 1;
/** The server takes no more days than these. */
const MOST_DAYS = 366;

/** By the calendar and not by adding hours: a day is not always 24 of them. */
export function moments(now: Date): Moment[] {
  const hour = now.getHours() + LATER + (now.getMinutes() > 0 ? 1 : 0);
  const later: Moment[] = hour <= LATEST ? [{ word: "snooze.later", at: onDay(now, 0, hour) }] : [];
  const toMonday = (MONDAY + 7 - now.getDay()) % 7 || 7;
  const week: Moment[] = toMonday === 1 ? [] : [{ word: "snooze.next_week", at: onDay(now, toMonday, MORNING) }];
  return [...later, { word: "snooze.tomorrow", at: onDay(now, 1, MORNING) }, ...week];
}

/** The first and the last moment that may be picked, and the one to begin with, as a field for them has them. */
export function bounds(now: Date): { min: string; max: string; value: string } {
  const [min, max] = [onDay(now, 0, now.getHours(), now.getMinutes() + 1), onDay(now, MOST_DAYS - 1, 0)];
  return { min: written(min), max: written(max), value: written(onDay(now, 1, MORNING)) };
}

/** As `<input type="datetime-local">` has it: the reader's clock, without a zone. */
export function written(at: Date): string {
  const two = (part: number): string => String(part).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

function onDay(from: Date, days: number, hour: number, minute = 0): Date {
  return new Date(from.getFullYear(), from.getMonth(), from.getDate() + days, hour, minute);
}

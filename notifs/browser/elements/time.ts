/** Times in words. The short forms count as the server's `received_at` does, so that the first paint stays true. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTH = 30.5 * DAY;
const YEAR = 365 * DAY;

const UNITS: readonly (readonly [number, string])[] = [
  [YEAR, "y"],
  [MONTH, "mo"],
  [DAY, "d"],
  [HOUR, "h"],
  [MINUTE, "min"],
];

const exactly = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "short" });
const weekday = new Intl.DateTimeFormat("en-GB", { weekday: "long" });
const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long" });
const dateAndYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });

/** "now", "3 min", "2 h", "5 d". A clock that is behind the server's says "now" too. */
export function ago(iso: string, now: number): string {
  const age = now - Date.parse(iso);
  for (const [length, unit] of UNITS) if (age >= length) return `${Math.floor(age / length)} ${unit}`;
  return "now";
}

/** "Tuesday, 23 June 2026 at 14:05", in the reader's zone. */
export function exact(iso: string): string {
  return exactly.format(new Date(iso));
}

/** The heading of a day: "Today", "Yesterday", "Monday", "12 November", "12 November 2024". */
export function dayOf(iso: string, now: number): string {
  const then = new Date(iso);
  const today = new Date(now);
  const days = Math.round((midnight(today) - midnight(then)) / DAY);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days < 7) return weekday.format(then);
  return (then.getFullYear() === today.getFullYear() ? date : dateAndYear).format(then);
}

/** The calendar day on a scale without summer time, where every day has 24 hours. */
function midnight(day: Date): number {
  return Date.UTC(day.getFullYear(), day.getMonth(), day.getDate());
}

/**
 * Times in words, in the reader's zone and the page's language. The short forms count as the server's pages do
 * (web/words.py), so that the first paint stays true.
 */
import { locale, t } from "../words";
import type { Word } from "../words";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTH = 30.5 * DAY;
const YEAR = 365 * DAY;

const UNITS: readonly (readonly [number, Word])[] = [
  [YEAR, "time.years"],
  [MONTH, "time.months"],
  [DAY, "time.days"],
  [HOUR, "time.hours"],
  [MINUTE, "time.minutes"],
];

const exactly = formatter({ dateStyle: "full", timeStyle: "short" });
const weekday = formatter({ weekday: "long" });
const date = formatter({ day: "numeric", month: "long" });
const dateAndYear = formatter({ day: "numeric", month: "long", year: "numeric" });

/** "now", "3 min", "2 h", "5 d". A clock that is behind the server's says "now" too. */
export function ago(iso: string, now: number): string {
  const age = now - Date.parse(iso);
  for (const [length, unit] of UNITS) if (age >= length) return t(unit, { n: Math.floor(age / length) });
  return t("time.now");
}

/** "Tuesday, 23 June 2026 at 14:05", in the reader's zone. */
export function exact(iso: string): string {
  return exactly(new Date(iso));
}

/** The heading of a day: "Today", "Yesterday", "Monday", "12 November", "12 November 2024". */
export function dayOf(iso: string, now: number): string {
  const then = new Date(iso);
  const today = new Date(now);
  const days = Math.round((midnight(today) - midnight(then)) / DAY);
  if (days <= 0) return t("time.today");
  if (days === 1) return t("time.yesterday");
  const name = (days < 7 ? weekday : then.getFullYear() === today.getFullYear() ? date : dateAndYear)(then);
  return name.charAt(0).toLocaleUpperCase(locale) + name.slice(1);
}

/** "18:00", "Tue 08:00", "12 Nov 08:00": as much as it takes. */
export function until(at: Date, now: Date): string {
  const days = (midnight(at) - midnight(now)) / DAY;
  const day: Intl.DateTimeFormatOptions = days < 7 ? { weekday: "short" } : { day: "numeric", month: "short" };
  const time = at.toLocaleTimeString(locale, { timeStyle: "short" });
  return days < 1 ? time : `${at.toLocaleDateString(locale, day)} ${time}`;
}

/** The calendar day on a scale without summer time, where every day has 24 hours. */
function midnight(day: Date): number {
  return Date.UTC(day.getFullYear(), day.getMonth(), day.getDate());
}

/** Made when it is first asked for: the language is not known before, and to make one takes longer than to use it. */
function formatter(options: Intl.DateTimeFormatOptions): (date: Date) => string {
  let made: Intl.DateTimeFormat | undefined;
  return (date) => (made ??= new Intl.DateTimeFormat(locale, options)).format(date);
}

/** Until when not to disturb. */

const HOUR = 3_600_000;
const MORNING = 8;

export function inAnHour(now: number): number {
  return now + HOUR;
}

/** Tomorrow, when the day begins for most people; in the reader's zone. */
export function tomorrow(now: number): number {
  const day = new Date(now);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1, MORNING).getTime();
}

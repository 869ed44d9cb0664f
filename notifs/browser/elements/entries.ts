/** What the list is made of: days, in them rows, and the rows of one group, which are one until it is opened. */
import { actorOf } from "../core/state";
import type { Notification } from "../core/wire";
import { dayOf } from "./time";

/** One place in the list. */
export interface Entry {
  /** Stays the same while rows come and go: a row's id, or a group's name within its day. */
  readonly key: string;
  /** Newest first, at least one; more are a group. */
  readonly rows: readonly Notification[];
  /** Of a group that is open, beneath it. */
  readonly isInside: boolean;
}

export interface Day {
  readonly key: string;
  readonly label: string;
  readonly rows: readonly Notification[];
  readonly opened: ReadonlySet<string>;
  readonly entries: readonly Entry[];
}

/**
 * The newest day first, and in it the feed's order: an announcement that is taken in days later stands where it was made.
 * Of `before` the days that are the same are taken over: most are.
 */
export function byDay(
  rows: readonly Notification[],
  now: number,
  opened: ReadonlySet<string>,
  before: readonly Day[] = [],
): Day[] {
  const days = new Map<string, { label: string; rows: Notification[] }>();
  const dayFor = dayFinder(now);
  for (const row of rows) {
    const { key, label } = dayFor(row.created_at);
    const day = days.get(key);
    if (day === undefined) days.set(key, { label, rows: [row] });
    else day.rows.push(row);
  }
  const known = new Map(before.map((day) => [day.key, day]));
  const newestFirst = [...days].sort(([a], [b]) => (a < b ? 1 : -1));
  return newestFirst.map(([key, { label, rows }]) => {
    const day = known.get(key);
    const isSame = day?.label === label && day.opened === opened && day.rows.length === rows.length;
    if (isSame && rows.every((row, n) => row === day.rows[n])) return day;
    return { key, label, rows, opened, entries: entriesOf(grouped(key, rows), opened) };
  });
}

function grouped(day: string, rows: readonly Notification[]): Map<string, Notification[]> {
  const groups = new Map<string, Notification[]>();
  for (const row of rows) {
    const name = row.group === null ? row.id : `${day}/${row.group}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return groups;
}

/** Who a group is from, each once, the newest first. */
export function actorsOf(rows: readonly Notification[]): Notification[] {
  const seen = new Map<string, Notification>();
  for (const row of rows) {
    const who = actorOf(row);
    if (who !== null && !seen.has(who)) seen.set(who, row);
  }
  return [...seen.values()];
}

function entriesOf(groups: ReadonlyMap<string, readonly Notification[]>, opened: ReadonlySet<string>): Entry[] {
  const entries: Entry[] = [];
  for (const [key, rows] of groups) {
    entries.push({ key, rows, isInside: false });
    if (rows.length === 1 || !opened.has(key)) continue;
    for (const row of rows) entries.push({ key: row.id, rows: [row], isInside: true });
  }
  return entries;
}

/** The day of each of many rows, which is reckoned only where another day begins: a calendar is slow to ask. */
function dayFinder(now: number): (iso: string) => { readonly key: string; readonly label: string } {
  let day = { key: "", label: "" };
  let end = "";
  return (iso) => {
    if (iso >= day.key && iso < end) return day;
    day = { key: midnight(iso, 0), label: dayOf(iso, now) };
    end = midnight(iso, 1);
    return day;
  };
}

/** When the reader's day begins that a moment is of, or one some days later: to the second, in UTC. */
function midnight(iso: string, later: number): string {
  const then = new Date(iso);
  return new Date(then.getFullYear(), then.getMonth(), then.getDate() + later).toISOString().slice(0, 19);
}

/**
 * What the mailbox will look like once the acts that are under way are done: a pure function of (state, acts).
 *
 * The state itself changes only by what the server says; elements draw this. An act that the state has reached changes
 * nothing any more, so it may stay a little longer without being seen twice.
 */
import { isKept, isUnread } from "./state";
import type { State } from "./state";
import { parseCursor } from "./wire";
import type { Act, ActBody, Notification } from "./wire";

/** An act and when it was asked for, in ISO 8601. */
export interface Asked {
  readonly act: Act;
  readonly body: ActBody;
  readonly since: string;
}

type Is = (row: Notification) => boolean;

export function overlay(state: State, acts: readonly Asked[]): State {
  return acts.reduce(apply, state);
}

function apply(state: State, asked: Asked): State {
  const moves = targets(state, asked.body).map((before) => ({ before, after: changed(before, asked) }));
  const real = moves.filter(({ before, after }) => after !== before);
  const next = { ...state, rows: state.rows.with(real.map(({ after }) => after)) };
  const count = (sum: number, is: Is): number =>
    real.reduce((moved, { before, after }) => moved + Number(is(after)) - Number(is(before)), sum);
  const most = asked.act === "mark_all_read" ? left(next, asked, isUnread) : Infinity;
  const unread = Math.min(count(state.unread, isUnread), most);
  const unseen = Math.min(count(state.unseen, isUnseen), left(next, asked, isUnseen));
  return { ...next, unread: Math.max(0, unread), unseen: Math.max(0, unseen) };
}

/** The rows that we know of those the act is about. */
function targets({ rows, cursor }: State, { ids, at, up_to }: ActBody): readonly Notification[] {
  if (ids !== undefined) return [...new Set(ids)].map((id) => rows.live(id)).filter((row) => row !== undefined);
  const { epoch, revision } = parseCursor(at ?? up_to ?? "");
  if (epoch !== cursor?.epoch) return [];
  return rows.newest.filter((row) => (at === undefined ? row.position <= revision : row.revision === revision));
}

/** After an act on everything up to a cursor only what came since is left to count, and that is known. */
function left({ rows, cursor }: State, { body: { up_to } }: Asked, is: Is): number {
  const { epoch, revision } = parseCursor(up_to ?? "");
  return epoch === cursor?.epoch ? rows.downTo(revision + 1).filter(is).length : Infinity;
}

/** The row as the server will have it; the same one if there is nothing to do. Whoever acts on a row has seen it. */
function changed(row: Notification, { act, body, since }: Asked): Notification {
  const seen = { ...row, seen_at: row.seen_at ?? since };
  const archived = row.archived_at !== null;
  const snoozed = row.snoozed_until !== null;
  switch (act) {
    case "mark_read":
      return row.read_at === null ? { ...seen, read_at: since } : row;
    case "mark_all_read":
      return isUnread(row) ? { ...seen, read_at: since } : row;
    case "mark_unread":
      return row.read_at === null ? row : { ...seen, read_at: null };
    case "mark_seen":
      return isUnseen(row) ? seen : row;
    case "archive":
      return archived ? row : { ...seen, archived_at: since, snoozed_until: null };
    case "unarchive":
      return archived ? { ...seen, archived_at: null } : row;
    case "snooze":
      return archived ? row : { ...seen, snoozed_until: body.until ?? since };
    case "unsnooze":
      return snoozed ? { ...seen, snoozed_until: null } : row;
  }
}

function isUnseen(row: Notification): boolean {
  return row.seen_at === null && isKept(row);
}

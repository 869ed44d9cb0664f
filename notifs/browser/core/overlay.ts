/**
 * What the mailbox will look like once the acts that are under way are done: a pure function of (state, acts).
 *
 * The state itself changes only by what the server says; elements draw this. An act that the state has reached changes
 * nothing any more, so it may stay a little longer without being seen twice.
 */
import { isKept, isUnread } from "./state";
import type { State } from "./state";
import { parseCursor } from "./wire";
import type { Act, ActBody, Notification, Row } from "./wire";

/** An act and when it was asked for, in ISO 8601. */
export interface Asked {
  readonly act: Act;
  readonly body: ActBody;
  readonly since: string;
}

export function overlay(state: State, acts: readonly Asked[]): State {
  return acts.reduce(apply, state);
}

function apply(state: State, asked: Asked): State {
  const rows = new Map(state.rows);
  let { unread, unseen } = state;
  for (const row of targets(state, asked.body)) {
    const next = changed(row, asked);
    if (next === row) continue;
    rows.set(row.id, next);
    unread += Number(isUnread(next)) - Number(isUnread(row));
    unseen += Number(isUnseen(next)) - Number(isUnseen(row));
  }
  return { ...state, rows, unread: Math.max(0, unread), unseen: Math.max(0, unseen) };
}

/** The rows that we know of those the act is about. */
function targets({ rows, cursor }: State, { ids, at, up_to }: ActBody): Notification[] {
  const isLive = (row: Row | undefined): row is Notification => row !== undefined && row.retracted !== true;
  if (ids !== undefined) return ids.map((id) => rows.get(id)).filter(isLive);
  const { epoch, revision } = parseCursor(at ?? up_to ?? "");
  if (epoch !== cursor?.epoch) return [];
  const isMeant = (row: Notification): boolean => (at === undefined ? row.position <= revision : row.revision === revision);
  return [...rows.values()].filter(isLive).filter(isMeant);
}

/** The row as the server will have it; the same one if there is nothing to do. Whoever acts on a row has seen it. */
function changed(row: Notification, { act, body, since }: Asked): Notification {
  const seen = { ...row, seen_at: row.seen_at ?? since };
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
      return row.archived_at === null ? { ...seen, archived_at: since, snoozed_until: null } : row;
    case "unarchive":
      return row.archived_at === null ? row : { ...seen, archived_at: null };
    case "snooze":
      return row.archived_at === null ? { ...seen, snoozed_until: body.until ?? since } : row;
    case "unsnooze":
      return row.snoozed_until === null ? row : { ...seen, snoozed_until: null };
  }
}

function isUnseen(row: Notification): boolean {
  return row.seen_at === null && isKept(row);
}

/** What messages bring that somebody should hear of: what was created, and what is new again. */
import { isKept, isUnread } from "./state";
import type { State } from "./state";
import type { Cursor, Message, Notification } from "./wire";

/** Nobody has looked at it yet. */
function isNew(row: Notification | undefined): row is Notification {
  return row !== undefined && isUnread(row) && isKept(row) && row.seen_at === null;
}

/**
 * What the state has taken in by a message, or with it of those that were held, and that is new since the revision
 * `told`. A snapshot repeats what is old: of that only what was created since counts. Anything else that is new was
 * known as something older, or is not known here: it woke from a snooze.
 */
export function news(before: State, after: State, message: Message, told: Cursor | null): Notification[] {
  if (!("notifs" in message) || told === null || told.epoch !== after.cursor?.epoch) return [];
  const held = before.held.flatMap((each) => (each.type === "page" ? [] : each.notifs));
  const isFresh = (row: Notification): boolean => {
    const known = before.rows.live(row.id);
    return (
      after.rows.get(row.id) === row && known !== row && isNew(row) && !isNew(known) &&
      (row.position > told.revision || message.type !== "snapshot")
    );
  };
  return [...message.notifs, ...held].filter((row) => row.retracted !== true).filter(isFresh);
}

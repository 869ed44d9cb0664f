/** What messages bring that somebody should hear of: what was created, and what is new again. */
import { isKept, isUnread } from "./state";
import type { State } from "./state";
import type { Cursor, Message, Notification } from "./wire";

export class News {
  /** Whether nothing has come between us and the server since its last answer. */
  private watching = false;

  /** `told`: up to where it is known already what is new. */
  constructor(private told: Cursor | null) {}

  /** From here on something may be missed. */
  lost(): void {
    this.watching = false;
  }

  /** Somebody else is here. */
  forget(): void {
    this.told = null;
    this.watching = false;
  }

  /** What a message has made new: one by one while we watch, and how much it was when we come back. */
  hear(before: State, after: State, message: Message): { readonly arrived: readonly Notification[]; readonly missed: number } {
    const fresh = news(before, after, message, this.told);
    const isAnswer = message.type === "delta" || message.type === "snapshot";
    const isBack = isAnswer && !this.watching;
    if (isAnswer) this.watching = true;
    this.told = latest(this.told, after.cursor);
    if (!isBack) return { arrived: fresh, missed: 0 };
    const more = message.type === "snapshot" && message.has_more && fresh.length === message.notifs.length;
    return { arrived: [], missed: more ? Math.max(fresh.length, after.unseen - before.unseen) : fresh.length };
  }
}

/** Nobody has looked at it yet. */
function isNew(row: Notification | undefined): row is Notification {
  return row !== undefined && isUnread(row) && isKept(row) && row.seen_at === null;
}

/**
 * What the state has taken in by a message, or with it of those that were held, and that is new since the revision
 * `told`. A snapshot repeats what is old: of that only what was created since counts. Anything else that is new was
 * known as something older, or is not known here: it woke from a snooze.
 */
function news(before: State, after: State, message: Message, told: Cursor | null): Notification[] {
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

/** The later of two cursors; of two lives of the database the one that we are in. */
function latest(told: Cursor | null, cursor: Cursor | null): Cursor | null {
  return told !== null && told.epoch === cursor?.epoch && told.revision > cursor.revision ? told : cursor;
}

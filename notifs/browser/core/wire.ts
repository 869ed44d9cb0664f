/** The wire, as contract.md section 4 writes it down: what the server says and what it accepts. */

export type Filter = "unread" | "all" | "archived" | "snoozed";
export const FILTERS: readonly Filter[] = ["unread", "all", "archived", "snoozed"];

/** Which rows: of one filter, and of those the ones of a kind, of an actor (id, or else name), with words. */
export interface Query {
  readonly filter: Filter;
  readonly kind?: string | undefined;
  readonly actor?: string | undefined;
  /** Searched for in titles: as it is written, in capitals or not. */
  readonly text?: string | undefined;
}

export type Priority = "low" | "normal" | "high" | "urgent";

export interface Actor {
  readonly id: string | null;
  readonly name: string | null;
  readonly avatar: string | null;
}

/** What a person can do about a notification, besides following its url. */
export interface Action {
  readonly label: string;
  readonly url: string;
  readonly method: string;
  readonly style: string;
}

/** A notification in the standard form. Times are ISO 8601, in UTC. */
export interface Notification {
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  readonly body: string | null;
  readonly url: string | null;
  readonly icon: string | null;
  readonly actor: Actor | null;
  readonly actions: readonly Action[];
  readonly priority: Priority;
  readonly group: string | null;
  readonly data: unknown;
  readonly created_at: string;
  readonly received_at: string;
  readonly mark_read: string;
  readonly position: number;
  readonly revision: number;
  readonly seen_at: string | null;
  readonly read_at: string | null;
  readonly archived_at: string | null;
  readonly snoozed_until: string | null;
  readonly expires_at: string | null;
  readonly retracted?: false;
}

/** What is left of a notification that was taken back. */
export interface Retracted {
  readonly id: string;
  readonly revision: number;
  readonly retracted: true;
}

export type Row = Notification | Retracted;

interface Counted {
  readonly meta: string;
  /** Over HTTP, where there is no `connected` to say it. */
  readonly person?: string;
  readonly notif_count: number;
  readonly unseen_count: number;
  readonly cursor: string;
}

/** `person` differs for everybody, and says no more than that: whose mailbox it is. */
export interface Connected {
  readonly type: "connected";
  readonly meta: string;
  readonly person?: string;
}

/**
 * One or more changes that follow the revision `prev`; a `delta` answers `connect` and `sync`. An announcement, which
 * is for everyone, is a new notification like any other.
 */
export interface Change extends Counted {
  readonly type: "created" | "announcement" | "changed" | "delta";
  readonly prev: number;
  readonly notifs: readonly Row[];
  readonly recovered?: boolean;
}

/** The unread ones afresh, in pages: every page but the first says which position it goes on `before`. */
export interface Snapshot extends Counted {
  readonly type: "snapshot";
  readonly notifs: readonly Row[];
  readonly has_more: boolean;
  readonly recovered?: boolean;
  readonly before?: number | null;
}

/** Updates may be late: the store cannot be read just now, or this client has too much unread of what was sent. */
export interface Degraded {
  readonly type: "degraded";
  readonly meta: string;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Something went wrong on the server's side, in words for people. */
export interface ServerError {
  readonly type: "error";
  readonly meta: string;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Everything that arrives as `response`. */
export type Message = Connected | Change | Snapshot | Degraded | ServerError;

/** The answer to `fetch`: a stretch of what the query asks for, newest first. */
export interface Page extends Query {
  readonly cursor: string;
  readonly notif_count: number;
  readonly unseen_count: number;
  readonly notifs: readonly Notification[];
  readonly has_more: boolean;
  readonly before: number | null;
  /** Down to which position it was looked, where that is not the last row's: a search may find none, and have more. */
  readonly through?: number | null;
}

/** An act was done; its change is on the way, if it `changed` any of the rows. */
export interface Ack {
  readonly cursor: string;
  readonly changed?: number;
  readonly notif_count: number;
  readonly unseen_count: number;
}

/** What an event is acknowledged with when it was not done; else the answer comes with `ok: true` beside it. */
export interface Refused {
  readonly ok: false;
  readonly error: { readonly code: string; readonly message: string };
}

/** What a person can ask for, and the last part of its path over HTTP. */
export const ACTS = {
  mark_read: "read",
  mark_unread: "unread",
  mark_seen: "seen",
  mark_all_read: "read-all",
  archive: "archive",
  unarchive: "unarchive",
  snooze: "snooze",
  unsnooze: "unsnooze",
} as const;

export type Act = keyof typeof ACTS;
/** What can be done to single rows. */
export type RowAct = Exclude<Act, "mark_seen" | "mark_all_read">;

/**
 * Which rows an act is about: those with these ids; those whose last change was that of the cursor `at`, which is how
 * an act is taken back; or all that could be seen at the cursor `up_to`. `until` is for snooze: ISO 8601 with a zone.
 */
export interface ActBody {
  readonly ids?: readonly string[];
  readonly at?: string;
  readonly up_to?: string;
  readonly until?: string;
}

/** The server takes at most this many ids a call. */
export const MOST_IDS = 200;

export interface Cursor {
  readonly epoch: string;
  readonly revision: number;
}

export function parseCursor(text: string): Cursor {
  const colon = text.lastIndexOf(":");
  return { epoch: text.slice(0, colon), revision: Number(text.slice(colon + 1)) };
}

export function formatCursor(cursor: Cursor): string {
  return `${cursor.epoch}:${cursor.revision}`;
}

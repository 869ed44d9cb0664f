/**
 * The mailbox as this page knows it: a pure function of (state, message).
 *
 * Everything on screen comes from one state, and every state stands at one cursor: the list and its counts cannot
 * disagree. Messages may be dropped, repeated or swapped on the way; after one answer to `sync` the state equals the
 * store's. contract.md, section 4, is the law; the comments here only say why.
 */
import { Rows } from "./rows";
import { bottomOf, endingAbove, extend, keyOf, NOTHING, remember } from "./windows";
import type { Window, Windows } from "./windows";
import { parseCursor } from "./wire";
import type { Change, Cursor, Filter, Message, Notification, Page, Query, Row, Snapshot } from "./wire";

/** A snapshot that is arriving in pages, and the position that it has reached. */
interface Stream {
  readonly cursor: string;
  readonly through: number | null;
}

type FetchedPage = Page & { readonly type: "page" };
type Held = Change | FetchedPage;

/** `syncing`: the page has asked for an answer, as the server does by itself after `connected`. */
export type Input = Message | FetchedPage | { readonly type: "syncing" };

export interface State {
  readonly cursor: Cursor | null;
  readonly unread: number;
  readonly unseen: number;
  /** Those that were taken back stay, so that a late page cannot bring them back. */
  readonly rows: Rows;
  readonly windows: Windows;
  /** So many rows are kept; more only for who has scrolled further down. */
  readonly kept: number;
  /** The revision that `rows` were last built afresh from: an older page says nothing about what they left out. */
  readonly floor: number;
  readonly stream: Stream | null;
  /** What came too early, or while an answer is awaited that may take the state back to before it. */
  readonly held: readonly Held[];
  /** A delta or snapshot is on its way. */
  readonly awaiting: boolean;
  /** There is a gap that only `sync` can fill. */
  readonly needsSync: boolean;
}

const MOST_HELD = 256;
/** How many times the rows that are kept there may be, before the oldest are let go. */
const SURPLUS = 1.5;
export const EMPTY: State = {
  cursor: null,
  unread: 0,
  unseen: 0,
  rows: Rows.NONE,
  windows: NOTHING,
  kept: 2_000,
  floor: 0,
  stream: null,
  held: [],
  awaiting: false,
  needsSync: false,
};

export function reduce(state: State, input: Input): State {
  return bounded(take(state, input));
}

function take(state: State, input: Input): State {
  switch (input.type) {
    case "connected":
    case "syncing":
      return { ...state, awaiting: true };
    case "created":
    case "announcement":
    case "changed":
      return settle(change(state, input));
    case "delta":
      return settle(change({ ...state, awaiting: false, needsSync: false }, input));
    case "snapshot":
      return input.before == null ? snapshot(state, input) : laterPage(state, input);
    case "page":
      return page(state, input);
    default:
      return state;
  }
}

/** The state of the first paint: what the server rendered, of the filter that it rendered. */
export function restore(message: Snapshot, filter: Filter): State {
  return replace(EMPTY, message, filter);
}

/** What is loaded of a query. */
export function windowOf(state: State, query: Query): Window {
  return state.windows[keyOf(query)] ?? NOTHING.all;
}

const UNDER: Readonly<Record<Filter, (row: Notification) => boolean>> = {
  unread: isUnread,
  all: isKept,
  archived: (row) => row.archived_at !== null,
  snoozed: (row) => row.snoozed_until !== null,
};

/** What was shown of rows: as long as they are the same, so is the view. */
const views = new WeakMap<Rows, Map<string, readonly Notification[]>>();

/** The rows to show under a query, newest first: only as far down as nothing can be missing in between. */
export function view(state: State, query: Query): readonly Notification[] {
  const { rows } = state;
  const bottom = bottomOf(windowOf(state, query));
  const key = `${bottom} ${keyOf(query)}`;
  const known = views.get(rows) ?? new Map<string, readonly Notification[]>();
  const shown = known.get(key) ?? rows.downTo(bottom).filter(matching(query));
  views.set(rows, known.set(key, shown));
  return shown;
}

export function isUnread(row: Notification): boolean {
  return row.read_at === null && isKept(row);
}

/** Neither archived nor snoozed: only these are counted. */
export function isKept(row: Notification): boolean {
  return row.archived_at === null && row.snoozed_until === null;
}

/** What an actor is known by: the id, or the name where there is none. */
export function actorOf({ actor }: Notification): string | null {
  return actor?.id ?? actor?.name ?? null;
}

/** Asked of each of a hundred thousand rows, so that what a query leaves open is not asked at all. */
function matching({ filter, kind, actor, text }: Query): (row: Notification) => boolean {
  const isUnder = UNDER[filter];
  if (!kind && !actor && !text) return isUnder;
  const words = text?.toLowerCase() ?? "";
  return (row) =>
    isUnder(row) &&
    (!kind || row.kind === kind) &&
    (!actor || actorOf(row) === actor) &&
    row.title.toLowerCase().includes(words);
}

function change(state: State, message: Change): State {
  const cursor = parseCursor(message.cursor);
  if (state.cursor !== null && state.cursor.epoch !== cursor.epoch) {
    // The answer that is awaited may well be of this epoch, and older than this message.
    return state.awaiting ? hold(state, message) : { ...state, needsSync: true };
  }
  const mine = state.cursor?.revision ?? -1;
  if (cursor.revision <= mine) return state;
  if (message.prev > mine) return { ...hold(state, message), needsSync: true };
  const next = {
    ...state,
    cursor,
    unread: message.notif_count,
    unseen: message.unseen_count,
    rows: upsert(state.rows, message.notifs),
  };
  return state.awaiting ? hold(next, message) : next;
}

function snapshot(state: State, message: Snapshot): State {
  const cursor = parseCursor(message.cursor);
  const sameEpoch = state.cursor?.epoch === cursor.epoch;
  const mine = state.cursor?.revision ?? -1;
  if (!state.awaiting && sameEpoch && cursor.revision <= mine) return state;
  const answered = { ...state, awaiting: false, needsSync: false };
  const nothingNew = sameEpoch && cursor.revision === mine && message.recovered === true;
  return settle(nothingNew ? answered : replace(answered, message, "unread"));
}

function replace(state: State, message: Snapshot, filter: Filter): State {
  const cursor = parseCursor(message.cursor);
  const window = { through: lastPosition(message.notifs), complete: !message.has_more };
  return {
    ...state,
    cursor,
    unread: message.notif_count,
    unseen: message.unseen_count,
    rows: upsert(Rows.NONE, message.notifs),
    windows: { ...NOTHING, [filter]: window },
    floor: cursor.revision,
    stream: { cursor: message.cursor, through: window.through },
  };
}

/** Later pages of the snapshot that is being streamed; what changed since then has a newer revision and stays. */
function laterPage(state: State, message: Snapshot): State {
  const { stream } = state;
  const before = message.before ?? null;
  if (stream?.cursor !== message.cursor || stream.through !== before) return state;
  const through = lastPosition(message.notifs) ?? before;
  return {
    ...state,
    rows: upsert(state.rows, message.notifs),
    stream: { ...stream, through },
    windows: { ...state.windows, unread: extend(state.windows.unread, through, !message.has_more) },
  };
}

function page(state: State, message: FetchedPage): State {
  const cursor = parseCursor(message.cursor);
  if (state.cursor?.epoch !== cursor.epoch || cursor.revision < state.floor) return state;
  if (cursor.revision > state.cursor.revision) return hold(state, message);
  const window = windowOf(state, message);
  const joins = message.before === null || message.before === window.through;
  const through = message.through ?? lastPosition(message.notifs) ?? message.before;
  const rows = upsert(state.rows, message.notifs);
  return {
    ...state,
    rows,
    kept: Math.max(state.kept, rows.newest.length),
    windows: joins ? remember(state.windows, message, extend(window, through, !message.has_more)) : state.windows,
  };
}

/**
 * Try the held ones again, oldest first; those of another epoch and those that are no longer news fall out. While an
 * answer is awaited they all stay, because the answer may be older than they are.
 */
function settle(state: State): State {
  if (state.held.length === 0) return state;
  const oldestFirst = state.held
    .filter((held) => parseCursor(held.cursor).epoch === state.cursor?.epoch)
    .sort((a, b) => parseCursor(a.cursor).revision - parseCursor(b.cursor).revision);
  const settled = oldestFirst.reduce<State>(
    (next, held) => (held.type === "page" ? page(next, held) : change(next, held)),
    { ...state, held: [] },
  );
  return state.awaiting ? { ...settled, held: state.held } : settled;
}

function hold(state: State, message: Held): State {
  return { ...state, held: [...state.held, message].slice(-MOST_HELD) };
}

function upsert(rows: Rows, incoming: readonly Row[]): Rows {
  return rows.with(incoming.filter((row) => row.revision > (rows.get(row.id)?.revision ?? -1)));
}

/**
 * However many arrive, the oldest are let go, and the windows end above them: they are fetched again for who looks.
 * A page from before their last change would bring them back as they were then.
 */
function bounded(state: State): State {
  const { kept, rows } = state;
  if (rows.size <= kept * SURPLUS) return state;
  const fewer = rows.first(kept);
  const gone = rows.all().filter(({ id }) => fewer.get(id) === undefined);
  const bottom = rows.newest.length > kept ? (fewer.newest.at(-1)?.position ?? null) : null;
  const windows = Object.entries(state.windows).map(([key, window]) => [key, endingAbove(window, bottom)] as const);
  return {
    ...state,
    rows: fewer,
    windows: Object.fromEntries(windows) as Windows,
    floor: Math.max(state.floor, ...gone.map(({ revision }) => revision)),
    stream: null,
  };
}

function lastPosition(rows: readonly Row[]): number | null {
  const last = rows.findLast((row): row is Notification => row.retracted !== true);
  return last?.position ?? null;
}

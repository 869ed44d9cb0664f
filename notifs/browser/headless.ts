/** One mailbox without elements, for pages that draw their own: see docs/headless.md. */
export { Connection } from "./core/connection";
export type { Events, Options, Status, Transport } from "./core/connection";
export { ActError, SIGNED_OUT, UNREACHABLE } from "./core/errors";
export type { Done } from "./core/outbox";
export { isUnread, view, windowOf } from "./core/state";
export type { State } from "./core/state";
export { tokensFrom } from "./core/tokens";
export type { FetchToken } from "./core/tokens";
export { loaded } from "./core/windows";
export type { Window } from "./core/windows";
export { FILTERS } from "./core/wire";
export type { Action, Actor, Filter, Notification, Priority, Query, RowAct, Snapshot } from "./core/wire";

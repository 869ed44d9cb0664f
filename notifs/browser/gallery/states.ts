/** Every element in every state that is designed. */
import type { NotifsBell, NotifsInbox, NotifsToasts } from "../index";
import { Mailbox } from "./mailbox";
import { archived, few, many, snoozed } from "./rows";
import type { Filter } from "../core/wire";

type Drawn = NotifsInbox | NotifsBell | NotifsToasts;

export interface State {
  readonly name: string;
  readonly draw: () => Drawn;
  /** What somebody does to get there, once it is drawn. */
  readonly then?: (drawn: Drawn) => Promise<void>;
  /** It lies over the page, and so has it for itself. */
  readonly isAlone?: boolean;
}

export const STATES: readonly State[] = [
  { name: "loading", draw: () => inbox(new Mailbox([], "slow", null)) },
  { name: "full", draw: () => inbox(new Mailbox(many()), "all") },
  { name: "group", draw: () => inbox(new Mailbox(few()), "all"), then: press(".more") },
  { name: "snoozed", draw: () => inbox(new Mailbox(snoozed(), "well", "snoozed"), "snoozed") },
  { name: "archived", draw: () => inbox(new Mailbox(archived(), "well", "archived"), "archived") },
  ...(["unread", "all", "archived", "snoozed"] as const).map(
    (filter): State => ({ name: `empty-${filter}`, draw: () => inbox(new Mailbox([], "well", filter), filter) }),
  ),
  { name: "empty-search", draw: () => inbox(new Mailbox(few()), "all"), then: search("nothing like it") },
  { name: "search", draw: () => inbox(new Mailbox(few()), "all"), then: search("engine") },
  { name: "error", draw: () => inbox(new Mailbox([], "failing"), "archived"), then: until(".blank .button") },
  { name: "reconnecting", draw: () => inbox(new Mailbox(few(), "away"), "all"), then: until(".trouble") },
  { name: "offline", draw: () => inbox(new Mailbox(few(), "away"), "all"), then: until(".trouble", press("[data-slot=archive]")) },
  { name: "degraded", draw: () => inbox(new Mailbox(few()), "all"), then: degrade },
  { name: "signed-out", draw: signedOut, then: until(".blank .button") },
  { name: "selection", draw: () => inbox(new Mailbox(few()), "all"), then: press("[data-slot=pick]") },
  { name: "refused", draw: () => inbox(new Mailbox(few(), "refusing"), "all"), then: press("[data-slot=archive]") },
  { name: "done", draw: () => inbox(new Mailbox(few()), "all"), then: press("[data-slot=archive]") },
  { name: "snooze-menu", draw: () => inbox(new Mailbox(few()), "all"), then: key("s"), isAlone: true },
  { name: "keys", draw: () => inbox(new Mailbox(few()), "all"), then: key("?"), isAlone: true },
  { name: "bell", draw: () => bell(new Mailbox([])) },
  { name: "bell-some", draw: () => bell(new Mailbox(few())) },
  { name: "bell-many", draw: () => bell(new Mailbox(many(300))) },
  { name: "popover", draw: () => bell(new Mailbox(few())), then: press(".bell"), isAlone: true },
  { name: "settings", draw: () => bell(new Mailbox(few())), then: settings, isAlone: true },
  { name: "toast", draw: toasts, then: arrive(1) },
  { name: "toasts", draw: toasts, then: arrive(3) },
  { name: "toasts-burst", draw: toasts, then: arrive(7) },
  { name: "toasts-missed", draw: toasts, then: miss },
];

/** All that comes after the first look has come: then a state is what it is at once. */
export async function prepared(): Promise<void> {
  const drawn = inbox(new Mailbox([]));
  document.body.append(drawn);
  await appeared(drawn, "#menu");
  drawn.remove();
}

function inbox({ connection }: Mailbox, filter: Filter = "unread"): NotifsInbox {
  return Object.assign(document.createElement("notifs-inbox") as NotifsInbox, { connection, filter });
}

function signedOut(): NotifsInbox {
  return Object.assign(inbox(new Mailbox([], "strange", null)), { loginUrl: "/login/" });
}

function bell({ connection }: Mailbox): NotifsBell {
  return Object.assign(document.createElement("notifs-bell") as NotifsBell, { connection });
}

/** Each with a mailbox that it calls its own: of those that share one, only one tells of what arrives. */
let stacks = 0;

function toasts(): NotifsToasts {
  stacks += 1;
  const { connection } = new Mailbox(few());
  return Object.assign(document.createElement("notifs-toasts") as NotifsToasts, { connection, base: `/gallery/${stacks}` });
}

/** Wait for what matches, and click on it; then for the next. */
function press(...selectors: string[]) {
  return async (drawn: Drawn): Promise<void> => {
    for (const selector of selectors) (await appeared(drawn, selector)).click();
  };
}

async function settings(drawn: Drawn): Promise<void> {
  await press(".bell", ".to-settings")(drawn);
  await appeared(drawn, ".settings");
}

/** Wait for what matches, then go on. */
function until(selector: string, then?: (drawn: Drawn) => Promise<void>) {
  return async (drawn: Drawn): Promise<void> => {
    await appeared(drawn, selector);
    await then?.(drawn);
  };
}

function search(text: string) {
  return async (drawn: Drawn): Promise<void> => void Object.assign(drawn, { text });
}

/** Press a key on the first row. */
function key(name: string) {
  return async (drawn: Drawn): Promise<void> => {
    const row = await appeared(drawn, ".row");
    row.focus();
    row.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, composed: true, cancelable: true }));
  };
}

function arrive(count: number) {
  return async ({ connection }: Drawn): Promise<void> => connection?.emit("arrived", connection.state.rows.newest.slice(0, count));
}

/** The server says so by a socket, which there is none of here. */
async function degrade(drawn: Drawn): Promise<void> {
  await appeared(drawn, ".row");
  if (drawn.connection === null) return;
  drawn.connection.degraded = "Updates may be late";
  drawn.connection.emit("change", undefined);
}

async function miss({ connection }: Drawn): Promise<void> {
  connection?.emit("missed", 12);
}

const MOST_FRAMES = 300;

async function appeared(drawn: Drawn, selector: string): Promise<HTMLElement> {
  for (let frames = 0; frames < MOST_FRAMES; frames += 1) {
    await drawn.updateComplete;
    const found = drawn.shadowRoot?.querySelector<HTMLElement>(selector);
    if (found) return found;
    await new Promise(requestAnimationFrame);
  }
  throw new Error(`nothing matches ${selector}`);
}

/** The keys of the inbox. */

export type Command =
  | "next" | "previous" | "open" | "archive" | "read" | "unread" | "snooze" | "select" | "select_all"
  | "undo" | "search" | "tab" | "help" | "clear";

/** As `KeyboardEvent.key` names them; a capital letter comes with Shift. */
const COMMANDS: Readonly<Record<string, Command>> = {
  j: "next", ArrowDown: "next", k: "previous", ArrowUp: "previous", Enter: "open", o: "open",
  e: "archive", "#": "archive", I: "read", u: "unread", U: "unread", s: "snooze", x: "select", z: "undo",
  "/": "search", "1": "tab", "2": "tab", "3": "tab", "4": "tab", "?": "help", Escape: "clear",
};
/** Where keys have another meaning. */
const ELSEWHERE =
  "input:not([type=checkbox]), textarea, select, [role=menu], [role=dialog], dialog, notifs-bell, " +
  "[contenteditable]:not([contenteditable=false])";
/** These go to what has the focus, if that is something to press. */
const NATIVE = "a, button, input, summary, [tabindex='0']";

/**
 * What a key asks of the inbox, or null if it is not for it: while typing, with Ctrl, Alt or Meta, or for what has the
 * focus. What the inbox itself is in does not matter.
 */
export function commandOf(event: KeyboardEvent, inbox: EventTarget): Command | null {
  const path = event.composedPath();
  const within = path.slice(0, path.indexOf(path.includes(inbox) ? inbox : (event.currentTarget as EventTarget)));
  if (event.defaultPrevented || event.isComposing || within.some((each) => matches(each, ELSEWHERE))) return null;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key === "a") return "select_all";
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const command = COMMANDS[event.key] ?? null;
  // Elsewhere than in the list they press and scroll.
  const isEnter = event.key === "Enter";
  const isOurs = within.some((each) => matches(each, ".list")) && !(isEnter && matches(within[0], NATIVE));
  return isOurs || !(isEnter || event.key.startsWith("Arrow")) ? command : null;
}

function matches(target: EventTarget | undefined, selector: string): boolean {
  return target instanceof Element && target.matches(selector);
}

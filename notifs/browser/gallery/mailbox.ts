/** A server of one mailbox that is only in this page: it answers what the elements ask, and no network hears of it. */
import { Connection } from "../index";
import type { Filter, Notification, Snapshot } from "../core/wire";

/** The server answers; takes for ever; cannot read; does nothing that is asked; is not to be reached; knows nobody. */
export type Mood = "well" | "slow" | "failing" | "refusing" | "away" | "strange";

/** Below this path there is no real server. */
const NOWHERE = "/gallery/mailbox";
const mailboxes = new Map<string, Mailbox>();

export class Mailbox {
  readonly connection: Connection;
  private readonly base: string;

  constructor(
    private readonly rows: readonly Notification[],
    private readonly mood: Mood = "well",
    filter: Filter | null = "all",
  ) {
    this.base = `${NOWHERE}/${mailboxes.size}`;
    mailboxes.set(this.base, this);
    const message: Snapshot = { ...this.counted, type: "snapshot", notifs: rows, has_more: false };
    const initial = filter === null ? undefined : { message, filter };
    this.connection = new Connection({ base: this.base, transport: "http", initial });
    this.connection.open();
  }

  async answer(path: string): Promise<Response> {
    if (this.mood === "slow") return new Promise(() => undefined);
    if (this.mood === "away") throw new TypeError("nobody is there");
    if (this.mood === "strange") return new Response(null, { status: 401 });
    const [act, query] = path.split("?");
    if (act === "/changes") return Response.json({ ...this.counted, type: "delta", prev: this.rows.length, notifs: [] });
    if (this.mood === "failing") return problem("The store could not be read.");
    if (act === "") return Response.json(this.page(new URLSearchParams(query)));
    if (this.mood === "refusing") return problem("It was taken back meanwhile.");
    // What it has done shows in the change that follows, which never comes.
    return Response.json({ ...this.counted, cursor: `gallery:${this.rows.length + 1}` });
  }

  private page(asked: URLSearchParams): unknown {
    const filter = asked.get("filter") as Filter;
    const text = asked.get("text")?.toLowerCase() ?? "";
    const notifs = this.rows.filter((row) => filterOf(row).includes(filter) && row.title.toLowerCase().includes(text));
    return { ...this.counted, ...Object.fromEntries(asked), before: null, notifs, has_more: false };
  }

  private get counted() {
    const unread = this.rows.filter((row) => filterOf(row).includes("unread"));
    const unseen = unread.filter(({ seen_at }) => seen_at === null);
    return {
      meta: "", cursor: `gallery:${this.rows.length}`, notif_count: unread.length, unseen_count: unseen.length,
    };
  }
}

/** From here on, what is asked of a mailbox is answered by it. */
export function answerHere(): void {
  const elsewhere = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, location.href);
    const [, base, path] = new RegExp(`^(${NOWHERE}/\\d+)/api/v1/inbox(.*)$`).exec(url.pathname) ?? [];
    const mailbox = mailboxes.get(base ?? "");
    return mailbox === undefined ? elsewhere(input, init) : mailbox.answer((path ?? "") + url.search);
  };
}

/** Nobody has them open any more. */
export function closeAll(): void {
  mailboxes.forEach(({ connection }) => connection.close());
}

function filterOf(row: Notification): Filter[] {
  if (row.archived_at !== null) return ["archived"];
  if (row.snoozed_until !== null) return ["snoozed"];
  return row.read_at === null ? ["unread", "all"] : ["all"];
}

function problem(detail: string): Response {
  return Response.json({ code: "gallery", detail }, { status: 409 });
}

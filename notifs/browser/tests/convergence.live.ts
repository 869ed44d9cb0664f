// @vitest-environment node
/**
 * Two tabs on a real server, and hundreds of messages lost, repeated or swapped on the way: list = count = store.
 * `ACCIDENTS=10000` lets more of it happen.
 */
import { io } from "socket.io-client";
import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";

import { EMPTY, reduce, view } from "../core/state";
import type { Input, State } from "../core/state";
import { formatCursor } from "../core/wire";
import type { Filter, Message, Page } from "../core/wire";

const { NOTIFS_URL = "", NOTIFS_USER = "" } = process.env;
const HEADERS = { "x-user": NOTIFS_USER };
const ACCIDENTS = Number(process.env["ACCIDENTS"] ?? 1000);
let accidents = 0;

const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(Math.random() * from.length)];

/** A page that loses, repeats and swaps what it is sent, and asks again as the real one does. */
class Tab {
  state: State = EMPTY;
  lossy = true;
  private late: Input[] = [];
  private readonly socket: Socket = io(`${NOTIFS_URL}/notifs`, { transports: ["websocket"], extraHeaders: HEADERS, forceNew: true });

  constructor() {
    this.socket.on("response", (message: Message) => this.arrive(message));
  }

  async sync(): Promise<void> {
    this.receive({ type: "syncing" });
    await this.ask("sync", { cursor: this.state.cursor === null ? null : formatCursor(this.state.cursor) });
  }

  async act(): Promise<void> {
    const rows = view(this.state, { filter: pick<Filter>(["unread", "all", "archived"]) ?? "all" });
    const ids = [pick(rows)?.id, pick(rows)?.id].filter((id) => id !== undefined);
    const up_to = this.state.cursor === null ? null : formatCursor(this.state.cursor);
    const event = pick(["mark_read", "mark_unread", "archive", "unarchive", "mark_seen", "mark_all_read", "fetch"]) ?? "";
    if (event === "fetch") return this.fetch(pick<Filter>(["unread", "all", "archived"]) ?? "all");
    if (event !== "mark_all_read") await this.ask(event, { ids });
    else if (up_to !== null && Math.random() < 0.2) await this.ask(event, { up_to });
  }

  async fetch(filter: Filter): Promise<void> {
    const before = this.state.windows[filter].through;
    this.receive({ ...(await this.ask<Page>("fetch", { filter, before, limit: 50 })), type: "page" });
  }

  /** No more accidents, and all that is late is here. */
  async heal(): Promise<void> {
    this.lossy = false;
    for (const input of this.late.splice(0)) this.receive(input);
    await this.sync();
    while (!this.state.windows.unread.complete) await this.fetch("unread");
  }

  close(): void {
    this.socket.close();
  }

  private async ask<T>(event: string, data: unknown): Promise<T> {
    const ack: { ok: boolean } & T = await this.socket.timeout(10_000).emitWithAck(event, data);
    expect(ack, event).toMatchObject({ ok: true });
    return ack;
  }

  private arrive(message: Message): void {
    const accident = this.lossy ? Math.random() : 1;
    if (accident < 0.75) accidents += 1;
    if (accident < 0.25) return;
    if (accident < 0.5) {
      this.late.push(message);
      return;
    }
    this.receive(message);
    if (accident < 0.75) this.receive(message);
    for (const input of this.late.splice(0).reverse()) this.receive(input);
  }

  private receive(input: Input): void {
    this.state = reduce(this.state, input);
    const { windows, unread } = this.state;
    if (windows.unread.complete) expect(view(this.state, { filter: "unread" })).toHaveLength(unread);
    if (this.state.needsSync && input.type !== "syncing" && !this.state.awaiting) void this.sync();
  }
}

/** The store's own word, by HTTP: every unread notification, all pages of one cursor. */
async function stored(): Promise<{ cursor: string; count: number; ids: string[] }> {
  const ids: string[] = [];
  let before: number | null = null;
  for (;;) {
    const query = `filter=unread&limit=200${before === null ? "" : `&before=${before}`}`;
    const page = (await (await fetch(`${NOTIFS_URL}/api/v1/inbox?${query}`, { headers: HEADERS })).json()) as Page;
    ids.push(...page.notifs.map((n) => n.id));
    before = page.notifs.at(-1)?.position ?? null;
    if (!page.has_more) return { cursor: page.cursor, count: page.notif_count, ids };
  }
}

test("after many accidents both tabs equal the store", { timeout: 120_000 }, async () => {
  const tabs = [new Tab(), new Tab()] as const;
  await Promise.all(tabs.map((tab) => tab.sync()));
  while (accidents < ACCIDENTS) {
    await Promise.all(tabs.flatMap((tab) => [tab.act(), tab.act(), tab.act()]));
  }
  await fetch(`${NOTIFS_URL}/quiet`, { headers: HEADERS });
  await Promise.all(tabs.map((tab) => tab.heal()));
  const store = await stored();
  expect(store.count).toBe(store.ids.length);
  for (const { state } of tabs) {
    expect(state.cursor && formatCursor(state.cursor)).toBe(store.cursor);
    expect(state.unread).toBe(store.count);
    expect(view(state, { filter: "unread" }).map((n) => n.id)).toEqual(store.ids);
  }
  tabs.forEach((tab) => tab.close());
});

// @vitest-environment node
/** A mailbox on a real server: what is shown before the server has done it is what it then does. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Connection } from "../core/connection";
import { view } from "../core/state";
import type { State } from "../core/state";
import type { Query } from "../core/wire";
import { bePage, SERVER } from "./node";

let mailbox: Connection;
let told: unknown[];

beforeEach(async () => {
  bePage();
  await fetch(`${SERVER}/empty`);
  told = [];
  mailbox = new Connection({ base: SERVER, transport: "socket" });
  mailbox.on("arrived", (rows) => told.push(...rows.map(({ title }) => title)));
  mailbox.on("missed", (count) => told.push(count));
  mailbox.open();
  await until(() => expect(mailbox.state.cursor).not.toBeNull());
});

afterEach(() => {
  mailbox.close();
  vi.unstubAllGlobals();
});

const until = (holds: () => void) => vi.waitFor(holds, { timeout: 10_000 });
const send = (...sent: string[]) => fetch(`${SERVER}/send?${new URLSearchParams(sent.map((title) => ["title", title]))}`);
const titlesOf = (rows: readonly { readonly title: string }[]): string[] => rows.map(({ title }) => title);
const titles = (state: State, query: Query = { filter: "unread" }): string[] => titlesOf(view(state, query));
const settled = () => until(() => expect(mailbox.shown).toBe(mailbox.state));

/** Send them, and wait until they are here. Returns their ids, by title. */
async function receive(...sent: string[]): Promise<Record<string, string>> {
  await send(...sent);
  await until(() => expect(titles(mailbox.state)).toEqual(expect.arrayContaining(sent)));
  return Object.fromEntries(view(mailbox.state, { filter: "unread" }).map(({ title, id }) => [title, id]));
}

/** What the server says itself, asked afresh. */
async function stored(): Promise<{ unread: number; unseen: number; titles: string[] }> {
  const page = await (await fetch(`${SERVER}/api/v1/inbox`)).json();
  return { unread: page.notif_count, unseen: page.unseen_count, titles: titlesOf(page.notifs) };
}

const shown = () => ({ unread: mailbox.shown.unread, unseen: mailbox.shown.unseen, titles: titles(mailbox.shown) });

test("every act is shown as it is then done, and undone as one", async () => {
  const ids = await receive("a", "b", "c");
  const [a, b] = [ids["a"], ids["b"]] as [string, string];
  const later = new Date(Date.now() + 3_600_000);
  const acts = [["mark_read"], ["mark_unread"], ["archive"], ["unarchive"], ["snooze", later], ["unsnooze"]] as const;
  for (const [act, until] of acts) {
    const doing = mailbox.act(act, [a, b], until);
    const early = shown();
    await doing;
    await settled();
    expect([act, shown()]).toEqual([act, early]);
    expect([act, await stored()]).toEqual([act, early]);
  }
  for (const act of ["mark_read", "archive", "snooze"] as const) {
    const done = await mailbox.act(act, [a, b], act === "snooze" ? later : undefined);
    await settled();
    expect(titles(mailbox.shown)).toEqual(["c"]);
    await mailbox.undo(done);
    await settled();
    expect(titles(mailbox.shown)).toEqual(["c", "b", "a"]);
  }
  await mailbox.act("snooze", [a], later);
  const back = await mailbox.act("unsnooze", [a]);
  await settled();
  expect(titles(mailbox.shown)).toEqual(["c", "b", "a"]);
  await mailbox.undo(back);
  await settled();
  expect(titles(mailbox.shown)).toEqual(["c", "b"]);
  const gone = await mailbox.act("archive", [a]);
  await settled();
  await mailbox.undo(gone);
  await settled();
  expect(mailbox.state.rows.live(a)).toMatchObject({ archived_at: null, snoozed_until: expect.any(String) });
});

test("all that was there is marked, nothing that came since, and it is given back", async () => {
  await receive("a", "b");
  const doing = mailbox.markAllRead();
  await send("c");
  const done = await doing;
  await until(() => expect(titles(mailbox.state)).toEqual(["c"]));
  await mailbox.undo(done);
  await settled();
  expect(await stored()).toMatchObject({ unread: 3, titles: ["c", "b", "a"] });
});

test("what was put off comes back by itself, and is told as new, once", async () => {
  const ids = await receive("a");
  await mailbox.act("snooze", [ids["a"] as string], new Date(Date.now() + 1_000));
  await settled();
  expect(await stored()).toEqual({ unread: 0, unseen: 0, titles: [] });
  await until(() => expect(titles(mailbox.state)).toEqual(["a"]));
  expect(told).toEqual(["a", "a"]);
  expect(mailbox.state.unseen).toBe(1);
});

test("a search finds here what it finds there", async () => {
  await receive("Straße 100% _x", "ANGER", "angrily", "other", "Über uns", "ÄPFEL", "Счёт ГОТОВ", "ΟΔΟΣ", "İSTANBUL");
  const letters = ["über", "ÜBER", "äpfel", "ÄPFEL", "apfel", "счёт г", "οδος", "οδοσ", "İst"];
  for (const text of [...letters, "angr", "ANG", "100%", "_", "STRA", "ß", "nothing"]) {
    const query = { filter: "all", text } as const;
    await mailbox.fetch(query);
    const answer = await (await fetch(`${SERVER}/api/v1/inbox?${new URLSearchParams(query)}`)).json();
    expect([text, titles(mailbox.shown, query)]).toEqual([text, titlesOf(answer.notifs)]);
  }
  await send("Angry again");
  await until(() => expect(titles(mailbox.shown, { filter: "all", text: "ANG" })[0]).toBe("Angry again"));
});

test("what came while it was away is counted", async () => {
  await fetch(`${SERVER}/goodbye`);
  await until(() => expect(mailbox.status.name).toBe("reconnecting"));
  await send("a", "b");
  await until(() => expect(told).toEqual([2]));
  await until(() => expect(mailbox.status.name).toBe("live"));
});

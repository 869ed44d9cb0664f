import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";

import { Connection, NotifsInbox } from "../index";
import type { MailboxElement } from "../elements/element";
import type { Notification } from "../core/wire";
import { FakeServer } from "./fakes";
import { notification } from "./model";

let server: FakeServer;

// What comes after the first look does so by the clock of the real world.
beforeAll(async () => {
  new FakeServer().install();
  document.body.innerHTML = "<notifs-inbox></notifs-inbox><notifs-toasts></notifs-toasts>";
  const isThere = (name: string, selector: string) => document.querySelector(name)?.shadowRoot?.querySelector(selector) != null;
  await vi.waitUntil(() => isThere("notifs-inbox", "#menu") && isThere("notifs-toasts", "[role=status]"), 10_000);
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  Element.prototype.animate ??= vi.fn();
  server = new FakeServer();
  server.install();
});

afterEach(async () => {
  document.body.replaceChildren();
  await settle();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settle = (milliseconds = 10) => vi.advanceTimersByTimeAsync(milliseconds);

async function show(markup: string): Promise<MailboxElement> {
  document.body.innerHTML = markup;
  await settle();
  return document.body.querySelector("notifs-inbox, notifs-bell, notifs-toasts") as MailboxElement;
}

function all(element: Element, selector: string): HTMLElement[] {
  return [...(element.shadowRoot?.querySelectorAll<HTMLElement>(selector) ?? [])];
}

function one(element: Element, selector: string): HTMLElement {
  const found = all(element, selector)[0];
  if (found === undefined) throw new Error(`there is no ${selector}`);
  return found;
}

const words = (element: Element, selector: string): string[] =>
  all(element, selector).map((each) => (each.textContent ?? "").replace(/\s+/g, " ").trim());

function store(fields: Partial<Notification>): void {
  const { store } = server;
  store.revision += 1;
  const row = notification({ id: `a${store.revision}`, position: store.revision, revision: store.revision, ...fields });
  store.stored.set(row.id, { row, position: row.position });
}

async function click(element: Element, selector: string): Promise<void> {
  one(element, selector).click();
  await settle();
}

describe("the inbox", () => {
  test("shows the unread ones, newest first, under the head that counts them", async () => {
    store({ title: "First" });
    store({ title: "Second", priority: "urgent" });
    const inbox = await show("<notifs-inbox></notifs-inbox>");
    expect(words(inbox, ".title")).toEqual(["Unread: Urgent Second", "Unread: First"]);
    expect(words(inbox, ".summary")).toEqual(["2 unread"]);
    expect(words(inbox, "[role=tab]")).toEqual(["Unread2", "All", "Archived", "Snoozed"]);
  });

  test("has the connection that was set before it was an element of ours", async () => {
    const mine = new Connection({ base: "/mine", transport: "socket" });
    mine.open();
    const inbox = document.createElement("notifs-late") as MailboxElement;
    inbox.connection = mine;
    document.body.append(inbox);
    customElements.define("notifs-late", class extends NotifsInbox {});
    await settle();
    expect(inbox.connection).toBe(mine);
    expect(server.sockets).toHaveLength(1);
    mine.close();
  });

  test("tells when what was picked is read elsewhere", async () => {
    server.create(2);
    const inbox = await show("<notifs-inbox></notifs-inbox>");
    const told: string[][] = [];
    inbox.addEventListener("notifs-select", (event) => told.push((event as CustomEvent<{ ids: string[] }>).detail.ids));
    for (const pick of all(inbox, "[data-slot=pick]")) pick.click();
    await settle();
    const [last, first] = told.at(-1) ?? [];
    server.push(server.store.act("mark_read", { ids: [first ?? ""] }));
    await settle();
    expect(told.at(-1)).toEqual([last]);
  });

  test("keeps the field to search in when what it came with is taken out of it", async () => {
    const inbox = await show('<notifs-inbox text="invoice"></notifs-inbox>');
    const field = one(inbox, "#search") as HTMLInputElement;
    field.value = "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await settle(1_000);
    expect(all(inbox, "#search")).toEqual([field]);
  });

  test("shows in the field what is looked for, also when the page says so after it was typed in", async () => {
    const inbox = await show("<notifs-inbox></notifs-inbox>");
    const field = (): string[] => all(inbox, "#search").map((each) => (each as HTMLInputElement).value);
    const type = async (text: string): Promise<void> => {
      Object.assign(one(inbox, "#search"), { value: text }).dispatchEvent(new Event("input", { bubbles: true }));
      inbox.requestUpdate();
      await settle();
      expect(field()).toEqual([text]);
      await settle(1_000);
    };
    await click(inbox, ".tools button");
    await type("bar");
    for (const text of ["foo", ""]) {
      Object.assign(inbox, { text });
      await settle();
      expect(field()).toEqual([text]);
    }
    await type("bar");
    expect((inbox as NotifsInbox).text).toBe("bar");
  });

  test("looks at no clock any more once it has left the page, also when an answer comes after that", async () => {
    server.thinks = new Promise((resolve) => setTimeout(resolve, 1_000));
    const inbox = await show('<notifs-inbox filter="all"></notifs-inbox>');
    inbox.remove();
    await settle(2_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("counts nothing before it knows anything", async () => {
    server.mute = true;
    store({});
    const inbox = await show("<notifs-inbox></notifs-inbox>");
    expect([words(inbox, ".summary"), all(inbox, ".loading")]).toEqual([[""], [expect.anything()]]);
    server.mute = false;
    server.sync(server.sockets[0] as never, null);
    await settle();
    expect(words(inbox, ".summary")).toEqual(["1 unread"]);
  });

  test("tells of a group in one line, and of the newest only while it is closed", async () => {
    const by = (name: string) => ({ group: "a", actor: { id: name, name, avatar: null } });
    store({ title: "First", ...by("Ben") });
    store({ title: "Second", body: "Words", ...by("Anna") });
    store({ title: "Third", body: "Words", ...by("Anna") });
    const inbox = await show("<notifs-inbox></notifs-inbox>");
    expect(words(inbox, ".title")).toEqual(["Unread: Third"]);
    expect(words(inbox, ".more")).toEqual(["3 notifications from Anna and 1 other"]);
    await click(inbox, ".more");
    expect(words(inbox, ".title")).toEqual([
      "Unread: 3 notifications from Anna and 1 other", "Unread: Third", "Unread: Second", "Unread: First",
    ]);
    expect(words(inbox, ".more")).toEqual(["Show fewer"]);
    expect(words(inbox, ".body")).toEqual(["Words", "Words"]);
  });

  test("keeps a title in its own direction, and what is said of it in the page's", async () => {
    store({ title: "عنوان", priority: "urgent" });
    const inbox = await show("<notifs-inbox></notifs-inbox>");
    expect(words(inbox, "[dir=auto]")).toEqual(["عنوان"]);
    expect(one(inbox, ".title").title).toBe("عنوان");
    expect(one(inbox, ".flag").closest("[dir]")).toBe(null);
    expect(all(inbox, "kbd:not([dir=ltr])")).toEqual([]);
  });

  test("takes data for words, never for markup", async () => {
    store({ title: "<img src=x onerror=alert(1)>", body: "<b>bold</b>", url: "javascript:alert(1)" });
    const inbox = await show("<notifs-inbox></notifs-inbox>");
    expect(words(inbox, ".title")).toEqual(["Unread: <img src=x onerror=alert(1)>"]);
    expect(all(inbox, "img, b, .title a")).toEqual([]);
  });

  test("leads by way of the server while a row is unread, and straight on when it is read", async () => {
    store({ url: "/posts/7", read_at: "2026-01-01T00:00:00Z" });
    store({ url: "/posts/8" });
    store({ url: null });
    const inbox = await show('<notifs-inbox filter="all"></notifs-inbox>');
    const links = all(inbox, ".title").map((title) => title.querySelector("a")?.getAttribute("href"));
    expect(links).toEqual([undefined, "/notifications/a2/read/", "/posts/7"]);
  });

  test("shows no picture or link that the server should not have sent, and tells no other site where a person was", async () => {
    store({ url: "https://example.org/", icon: "javascript:alert(1)", read_at: "2026-01-01T00:00:00Z" });
    store({ url: "//evil.example", actor: { id: null, name: "Eve", avatar: "data:image/svg+xml,x" } });
    const inbox = await show('<notifs-inbox filter="all"></notifs-inbox>');
    expect(all(inbox, "img")).toEqual([]);
    const links = all(inbox, ".title a").map((link) => [link.getAttribute("href"), link.getAttribute("rel")]);
    expect(links).toEqual([["https://example.org/", "noopener noreferrer"]]);
  });

  test("marks a row as read, offers Undo, and gives the focus to the next row", async () => {
    for (let i = 0; i < 3; i++) store({});
    const inbox = await show("<notifs-inbox></notifs-inbox>");
    one(inbox, '[data-id="a2"] [data-slot=read]').focus();
    await click(inbox, '[data-id="a2"] [data-slot=read]');
    expect(all(inbox, "[data-id]").map((row) => row.dataset["id"])).toEqual(["a3", "a1"]);
    expect(inbox.shadowRoot?.activeElement).toBe(one(inbox, '[data-id="a1"] [data-slot=read]'));
    expect(words(inbox, ".notice")).toEqual(["Marked as read. Undo"]);
    await click(inbox, ".notice button");
    expect(all(inbox, "[data-id]")).toHaveLength(3);
    expect(words(inbox, ".notice")).toEqual([""]);
  });

  test("lets the offer to undo go after eight seconds", async () => {
    store({});
    const inbox = await show("<notifs-inbox></notifs-inbox>");
    await click(inbox, "[data-slot=archive]");
    expect(words(inbox, ".notice")).toEqual(["Archived. Undo"]);
    await settle(8_000);
    expect(words(inbox, ".notice")).toEqual([""]);
  });

  test("says at the row why an act was refused", async () => {
    store({});
    server.refusal = { code: "bad_request", message: "the store is busy; try again" };
    const inbox = await show("<notifs-inbox></notifs-inbox>");
    await click(inbox, "[data-slot=read]");
    expect(words(inbox, ".row .refusal")).toEqual(["The store is busy; try again."]);
    server.refusal = null;
    await click(inbox, "[data-slot=archive]");
    expect(words(inbox, ".blank p")).toEqual(["You are all caught up."]);
  });

  test("marks all as read, and gives back what it knows was unread", async () => {
    store({});
    store({});
    const inbox = await show("<notifs-inbox></notifs-inbox>");
    await click(inbox, ".head button");
    expect(words(inbox, ".summary")).toEqual(["Nothing unread"]);
    await click(inbox, ".notice button");
    expect(words(inbox, ".summary")).toEqual(["2 unread"]);
  });

  test("goes from tab to tab with the arrow keys, and loads what it shows", async () => {
    store({ archived_at: "2026-01-01T00:00:00Z" });
    const inbox = await show("<notifs-inbox></notifs-inbox>");
    const press = async (key: string) => {
      const tab = one(inbox, "[role=tab][aria-selected=true]");
      tab.focus();
      tab.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      await settle();
    };
    await press("ArrowLeft");
    await press("ArrowLeft");
    expect(inbox.getAttribute("filter")).toBe("archived");
    expect(all(inbox, ".row")).toHaveLength(1);
    await press("ArrowRight");
    await press("ArrowRight");
    expect(inbox.getAttribute("filter")).toBe("unread");
    await press("End");
    await press("Home");
    expect(inbox.getAttribute("filter")).toBe("unread");
    await press("ArrowRight");
    expect(words(inbox, ".blank p")).toEqual(["No notifications yet."]);
  });

  test("loads older ones as far as there is room, and says when it cannot", async () => {
    for (let i = 0; i < 8; i++) store({});
    const inbox = await show('<notifs-inbox filter="all"></notifs-inbox>');
    expect(all(inbox, "[data-id]")).toHaveLength(8);
    expect(all(inbox, ".older")).toEqual([]);
    server.mode = "down";
    server.sockets[0]?.drop();
    await click(inbox, "#tab-archived");
    expect(words(inbox, ".blank p")).toEqual(["Could not reach the server."]);
    server.mode = "up";
    await click(inbox, ".blank button");
    expect(words(inbox, ".blank p")[0]).toEqual("Nothing is archived.");
  });

  test("says what it is waiting for, and that the person was signed out", async () => {
    store({});
    const inbox = await show('<notifs-inbox login-url="/in/"></notifs-inbox>');
    server.mode = "down";
    server.sockets[0]?.drop();
    await settle();
    expect(words(inbox, ".summary span[aria-hidden]")[0]).toBe("Could not reach the server. Trying again in 1 s.");
    server.mode = "signed-out";
    await settle(2_000);
    expect(words(inbox, ".blank p")[0]).toBe("You have been signed out.");
    expect(one(inbox, ".blank a").getAttribute("href")).toBe("/in/?next=%2F");
    inbox.setAttribute("login-url", "/in/?by=mail");
    await settle();
    expect(one(inbox, ".blank a").getAttribute("href")).toBe("/in/?by=mail&next=%2F");
  });

  test("whoever is signed out while in it is at the link to sign in", async () => {
    store({});
    const inbox = await show('<notifs-inbox login-url="/in/"></notifs-inbox>');
    one(inbox, ".row").focus();
    server.mode = "signed-out";
    server.sockets[0]?.drop();
    await settle(2_000);
    expect(inbox.shadowRoot?.activeElement).toBe(one(inbox, ".blank a"));
  });

  test("sends who is not signed in nowhere, unless it was told where", async () => {
    server.mode = "signed-out";
    const inbox = await show("<notifs-inbox></notifs-inbox>");
    await settle(2_000);
    expect(words(inbox, ".blank p")[0]).toBe("You are not signed in.");
    expect(all(inbox, ".blank a")).toEqual([]);
  });

  test("takes over from the server's first paint", async () => {
    store({ title: "Painted" });
    const { filter, before: _, ...counted } = server.store.fetch({ filter: "all" }, null);
    const message = { type: "snapshot", meta: "", ...counted };
    const island = JSON.stringify({ base: "", transport: "http", filter: "all", message });
    document.body.innerHTML = `<script type="application/json" id="notifs-island">${island}</script>`;
    const inbox = document.createElement("notifs-inbox") as MailboxElement;
    inbox.attachShadow({ mode: "open" }).innerHTML = "<p>the server's</p>";
    document.body.append(inbox);
    await inbox.updateComplete;
    expect(words(inbox, ".title")).toEqual(["Unread: Painted"]);
    expect(inbox.shadowRoot?.textContent).not.toContain("the server's");
    expect(server.requests).toEqual(["GET /api/v1/inbox/changes?cursor=a%3A1"]);
    await settle();
    expect(filter).toBe("all");
    expect(server.sockets).toHaveLength(0);
  });

  test("takes over what the server has found, and goes on to the mailbox from there", async () => {
    store({ title: "Tea" });
    store({ title: "Proofs" });
    const { filter, before: _, ...counted } = server.store.fetch({ filter: "unread" }, null);
    const message = { type: "snapshot", meta: "", ...counted, has_more: true };
    const found = { kind: null, actor: null, ...server.store.fetch({ filter: "unread", text: "tea" }, null) };
    const island = JSON.stringify({ base: "", transport: "http", filter, message, found });
    const inbox = await show(
      `<script type="application/json" id="notifs-island">${island}</script><notifs-inbox text="tea"></notifs-inbox>`,
    );
    expect(words(inbox, ".title")).toEqual(["Unread: Tea"]);
    expect((one(inbox, "[type=search]") as HTMLInputElement).value).toBe("tea");
    expect(server.requests.filter((each) => each.includes("text="))).toEqual([]);
  });
});

describe("where a token says who somebody is", () => {
  const BY_TOKEN = 'token-url="/token"';
  const hrefs = (element: Element, selector: string) => all(element, selector).map((each) => each.getAttribute("href"));
  const asked = () => server.asked.map(({ event, data }) => [event, (data as { ids?: unknown }).ids]);
  const goes = vi.fn();

  const arrives = async (fields: Partial<Notification>): Promise<void> => {
    const { revision } = server.store;
    store(fields);
    server.push(server.store.since(revision, "created"));
    await settle();
  };

  const press = async (element: Element): Promise<void> => {
    await click(element, ".title a");
    await settle(500);
  };

  beforeEach(() => {
    goes.mockReset();
    vi.spyOn(location, "assign").mockImplementation(goes);
    const request = server.request.bind(server);
    vi.spyOn(server, "request").mockImplementation(async (input, init) =>
      input === "/token" ? Response.json({ token: "a.b.c" }) : request(input, init),
    );
  });

  afterEach(() => void vi.restoreAllMocks());

  test("links lead to the place itself, and who clicks on one marks", async () => {
    store({ url: "/posts/7" });
    store({ url: null });
    const inbox = await show(`<notifs-inbox ${BY_TOKEN}></notifs-inbox>`);
    expect(hrefs(inbox, ".title a")).toEqual(["/posts/7"]);
    await press(inbox);
    expect(asked()).toContainEqual(["mark_read", ["a1"]]);
    expect(words(inbox, ".summary")).toEqual(["1 unread"]);
  });

  test("nothing is marked where nobody is led", async () => {
    store({ url: "/posts/7" });
    const inbox = await show(`<notifs-inbox filter="all" ${BY_TOKEN}></notifs-inbox>`);
    inbox.addEventListener("notifs-open", (event) => event.preventDefault(), { once: true });
    await press(inbox);
    expect(asked().filter(([event]) => event === "mark_read")).toEqual([]);
  });

  test("a link is what it was until it was followed, though it stands for another then", async () => {
    store({ url: "/posts/7", group: "posts" });
    store({ url: "/posts/8", group: "posts" });
    const inbox = await show(`<notifs-inbox ${BY_TOKEN}></notifs-inbox>`);
    one(inbox, ".title a").click();
    await Promise.resolve();
    await inbox.updateComplete;
    expect(hrefs(inbox, ".title a")).toEqual(["/posts/8"]);
    await settle();
    expect(hrefs(inbox, ".title a")).toEqual(["/posts/7"]);
  });

  test("there is a link to the inbox only where there is one", async () => {
    const bell = await show(`<notifs-bell ${BY_TOKEN}></notifs-bell>`);
    one(bell, ".panel").dispatchEvent(Object.assign(new Event("toggle"), { newState: "open" }));
    await settle();
    expect(hrefs(bell, ".foot a")).toEqual([]);
    bell.setAttribute("inbox-url", "/mine/");
    await settle();
    expect(hrefs(bell, ".foot a")).toEqual(["/mine/"]);
    const toasts = await show(`<notifs-toasts ${BY_TOKEN}></notifs-toasts>`);
    server.create(4);
    await settle();
    expect([words(toasts, ".title"), hrefs(toasts, ".title a")]).toEqual([["4 new notifications"], []]);
  });

  test("so does a toast's link", async () => {
    const toasts = await show(`<notifs-toasts ${BY_TOKEN}></notifs-toasts>`);
    await arrives({ url: "/posts/7" });
    expect(hrefs(toasts, ".title a")).toEqual(["/posts/7"]);
    await press(toasts);
    expect([asked(), all(toasts, ".toast")]).toEqual([[["mark_read", ["a1"]]], []]);
  });

  test.each([
    ["/posts/7", "", "/posts/7"],
    [null, "", undefined],
    [null, "/mine/", "/mine/"],
  ])("a notification of the desktop's of %s, with the inbox at '%s', leads to %s", async (url, inbox, where) => {
    const raised: { onclick?: () => void }[] = [];
    const locks = { request: async (_: string, __: object, work: (lock: object) => unknown) => void work({}), query: async () => ({}) };
    vi.spyOn(navigator, "locks", "get").mockReturnValue(locks as never);
    vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    vi.stubGlobal("isSecureContext", true);
    vi.stubGlobal("Notification", class {
      static readonly permission = "granted";
      onclick?: () => void;
      constructor() {
        raised.push(this);
      }
      close(): void {}
    });
    localStorage.setItem("notifs-alerts ", '{"desktop":true}');
    await show(`<notifs-toasts inbox-url="${inbox}" ${BY_TOKEN}></notifs-toasts>`);
    await arrives({ url });
    raised[0]?.onclick?.();
    await settle();
    expect([asked(), goes.mock.calls]).toEqual([[["mark_read", ["a1"]]], where === undefined ? [] : [[where]]]);
  });

  test("an inbox that is the page stays at its address", async () => {
    const inbox = await show(`<notifs-inbox history ${BY_TOKEN}></notifs-inbox>`);
    const { pathname } = location;
    const replaced = vi.spyOn(history, "replaceState");
    for (const filter of ["all", "unread"]) {
      Object.assign(inbox, { filter });
      await settle();
    }
    expect(replaced.mock.calls.map(([, , url]) => url)).toEqual([`${pathname}?filter=all`, pathname]);
  });
});

describe("the bell", () => {
  const toggle = (bell: Element, newState: string) =>
    one(bell, ".panel").dispatchEvent(Object.assign(new Event("toggle"), { newState }));

  test("shows the count that the page came with until it knows better", async () => {
    const bell = await show('<notifs-bell count="7"></notifs-bell>');
    server.mode = "down";
    expect(one(bell, "button.bell").getAttribute("aria-label")).toBe("Notifications");
    document.body.innerHTML = '<notifs-bell base="/other" count="120"></notifs-bell>';
    await Promise.resolve();
    expect(words(document.querySelector("notifs-bell") as Element, ".badge")).toEqual(["99+"]);
  });

  test("counts for nobody once the person is signed out", async () => {
    store({});
    document.title = "Page";
    const bell = await show("<notifs-bell badge-title></notifs-bell>");
    expect([words(bell, ".badge"), document.title]).toEqual([["1"], "(1) Page"]);
    server.mode = "signed-out";
    server.sockets[0]?.drop();
    await settle(2_000);
    expect([words(bell, ".badge"), document.title]).toEqual([[], "Page"]);
    expect(one(bell, "button.bell").getAttribute("aria-label")).toBe("Notifications");
  });

  test("says when its settings are opened how long nobody is to be disturbed", async () => {
    localStorage.setItem("notifs-alerts ", JSON.stringify({ quietUntil: Date.now() + 3_600_000 }));
    const bell = await show("<notifs-bell></notifs-bell>");
    expect(all(bell, ".bell.quiet")).toHaveLength(1);
    toggle(bell, "open");
    await settle();
    await click(bell, ".to-settings");
    const select = one(bell, "select") as HTMLSelectElement;
    expect(select.selectedOptions[0]?.textContent).toMatch(/^Until/);
    select.value = "";
    select.dispatchEvent(new Event("change"));
    await settle();
    expect(select.value).toBe("");
    expect(all(bell, ".bell.quiet")).toEqual([]);
  });

  test("is closed when it is taken out of the page, and marks nothing as seen that nobody looks at", async () => {
    const bell = await show("<notifs-bell></notifs-bell>");
    toggle(bell, "open");
    await settle();
    document.body.append(document.createElement("header"));
    document.querySelector("header")?.append(bell);
    await settle();
    server.create(1);
    await settle();
    expect(words(bell, ".badge")).toEqual(["1"]);
    expect(server.asked.filter(({ event }) => event === "mark_seen")).toEqual([]);
  });

  test("marks as seen what is looked at, and what arrives meanwhile", async () => {
    store({});
    const bell = await show("<notifs-bell></notifs-bell>");
    expect(words(bell, ".badge")).toEqual(["1"]);
    toggle(bell, "open");
    await settle();
    expect(all(bell, ".badge")).toEqual([]);
    expect(all(bell, "notifs-inbox")).toHaveLength(1);
    server.create();
    await settle();
    expect(all(bell, ".badge")).toEqual([]);
    toggle(bell, "closed");
    await settle();
    server.create();
    await settle();
    expect(words(bell, ".badge")).toEqual(["1"]);
  });
});

describe("toasts", () => {
  test("tell of what arrives for six seconds, and never of a backlog", async () => {
    store({});
    const toasts = await show("<notifs-toasts></notifs-toasts>");
    expect(all(toasts, ".toast")).toEqual([]);
    server.create();
    await settle();
    expect(words(toasts, ".title")).toEqual(["Title of a2"]);
    await settle(5_000);
    expect(all(toasts, ".toast")).toHaveLength(1);
    await settle(1_500);
    expect(all(toasts, ".toast")).toEqual([]);
  });

  test("become one when there are more than three", async () => {
    const toasts = await show('<notifs-toasts inbox-url="/all/"></notifs-toasts>');
    server.create(2);
    await settle();
    expect(all(toasts, ".toast")).toHaveLength(2);
    server.create(3);
    await settle();
    expect(words(toasts, ".title")).toEqual(["5 new notifications"]);
    server.create();
    await settle();
    expect(words(toasts, ".title")).toEqual(["6 new notifications"]);
    await click(toasts, ".icon-button");
    expect(all(toasts, ".toast")).toEqual([]);
  });

  test("wait while nobody can see them", async () => {
    const toasts = await show("<notifs-toasts></notifs-toasts>");
    server.create();
    await settle();
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    await settle(60_000);
    expect(all(toasts, ".toast")).toHaveLength(1);
    hidden.mockRestore();
    await settle(7_000);
    expect(all(toasts, ".toast")).toEqual([]);
  });

  test("go when they are dismissed, or read elsewhere", async () => {
    const toasts = await show("<notifs-toasts></notifs-toasts>");
    server.create(2);
    await settle();
    await click(toasts, "[aria-label^=Dismiss]");
    expect(words(toasts, ".title")).toEqual(["Title of a1"]);
    server.push(server.store.act("mark_read", { ids: ["a1"] }));
    await settle();
    expect(all(toasts, ".toast")).toEqual([]);
  });
});

/** The examples of docs/headless.md, each in its framework, on one server. */
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { mount, unmount } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createApp } from "vue";

import { FakeServer } from "./fakes";

const FILES = import.meta.glob<{ default: unknown }>("../examples/Inbox.*", { eager: true });
const exampleOf = (ending: string): never => FILES[`../examples/Inbox.${ending}`]?.default as never;

/** Draws the example in the page. Returns the way to take it out. */
const FRAMEWORKS: Record<string, (target: Element) => () => void> = {
  jsx: (target) => {
    const root = createRoot(target);
    root.render(createElement(exampleOf("jsx")));
    return () => root.unmount();
  },
  vue: (target) => {
    const app = createApp(exampleOf("vue"));
    app.mount(target);
    return () => app.unmount();
  },
  svelte: (target) => {
    const component = mount(exampleOf("svelte"), { target });
    return () => void unmount(component);
  },
};

let server: FakeServer;

beforeEach(() => {
  document.body.innerHTML = "<main></main>";
  server = new FakeServer();
  server.store.create(2);
  server.install();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const words = (selector: string): string[] =>
  [...document.querySelectorAll(selector)].map((each) => (each.textContent ?? "").replace(/\s+/g, " ").trim());
const row = (id: string): string => `Title of ${id} Mark as read`;
const drawn = (...ids: string[]) =>
  vi.waitFor(() => expect([words("output"), words("li")]).toEqual([[String(ids.length)], ids.map(row)]));

test.each(Object.keys(FRAMEWORKS))("a list, its badge and a button: %s", async (framework) => {
  const leave = FRAMEWORKS[framework]?.(document.querySelector("main") as Element);
  await drawn("a2", "a1");
  server.create();
  await drawn("a3", "a2", "a1");
  document.querySelectorAll("button")[1]?.click();
  await drawn("a3", "a1");
  await vi.waitFor(() => expect(server.store.counted().notif_count).toBe(2));
  server.refusal = { code: "store_unavailable", message: "Try again later." };
  const alert = vi.fn();
  vi.stubGlobal("alert", alert);
  document.querySelectorAll("button")[0]?.click();
  await vi.waitFor(() => expect(alert).toHaveBeenCalledWith("Try again later."));
  await drawn("a3", "a1");
  leave?.();
  await vi.waitFor(() => expect(server.sockets).toEqual([]));
});

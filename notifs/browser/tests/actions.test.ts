/** Which of the buttons that a notification brings are shown. */
import { render } from "lit";
import { expect, test } from "vitest";

import { actions } from "../elements/actions";
import "../index";
import type { NotifsInbox } from "../index";
import { notification } from "./model";

/** Whether a button that asks this by POST is shown in an inbox of that base. */
function isShown(url: string, base = ""): boolean {
  const host = Object.assign(document.createElement("notifs-inbox") as NotifsInbox, { base, actionHosts: "https://hooks.example" });
  const place = document.createElement("div");
  const action = { label: "Do", url, method: "POST", style: "default" } as const;
  render(actions({ ...notification({ id: "1" }), actions: [action] }, { host, presses: new Map(), press: () => {} }), place);
  return place.querySelector("button") !== null;
}

test.each([
  "/logout/", "/logout", "/login/", "/account/sessions/end/", "/api/v1/inbox/read-all", "/notifications/1/archive/",
  "/admin/", "/x/../logout/", "/%6Cogout/", "/x%2f..%2flogout/", "/.//logout/", "/%ff/", `${location.origin}/logout/`,
])("no sender has a person press what is ours: %s", (url) => {
  expect(isShown(url)).toBe(false);
});

test.each(["/deploy", "/logouts/", "/apis", "https://hooks.example/api/v1/deploy"])("what is the host's is shown: %s", (url) => {
  expect(isShown(url)).toBe(true);
});

test("below a mount, its paths are ours, and the host's own are not", () => {
  expect(isShown("/inbox/logout/", "/inbox")).toBe(false);
  expect(isShown("/inbox/logout/", "/inbox/")).toBe(false);
  expect(isShown("/logout/", "/inbox")).toBe(true);
  expect(isShown("/api/deploy", "/inbox")).toBe(true);
});

test("what is on no list is not asked", () => expect(isShown("https://elsewhere.example/deploy")).toBe(false));

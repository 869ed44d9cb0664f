"""Tabs that alert, and what each of them was seen to do."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.e2e.conftest import Site, row, settled

WATCH = """
// Headless tabs are all looked at, always; a person's are not.
let hidden = false;
Object.defineProperty(Document.prototype, "hidden", { get: () => hidden });
Object.defineProperty(Document.prototype, "visibilityState", { get: () => (hidden ? "hidden" : "visible") });
window.lookAway = (away) => {
  hidden = away;
  document.dispatchEvent(new Event("visibilitychange"));
};

// What the page asks of the browser goes through, and is written down.
window.seen = { claims: 0, asked: 0, notes: 0, desktop: [], spoken: [] };
const wrap = (owner, name, note) => {
  const original = owner[name];
  owner[name] = function (...args) {
    note(this, args);
    return original.apply(this, args);
  };
};
if (isSecureContext) {
  const { request } = LockManager.prototype;
  LockManager.prototype.request = function (name, options, decide) {
    const decided = (lock) => {
      seen.claims += options.ifAvailable ? 1 : 0;
      return decide(lock);
    };
    return request.call(this, name, options, decided);
  };
  wrap(OscillatorNode.prototype, "start", () => (seen.notes += 1));
  wrap(Notification, "requestPermission", () => (seen.asked += 1));
  wrap(Notification.prototype, "close", (closed) => (closed.entry.open = false));
  window.Notification = class extends Notification {
    constructor(title, options) {
      super(title, options);
      this.entry = { title, tag: options.tag, open: true };
      seen.desktop.push(this.entry);
      seen.last = this;
    }
  };
}
"""

LIVE = """() => {
    const { connection } = document.querySelector("notifs-bell");
    return connection.status.name === "live" && !connection.state.awaiting;
}"""
"""From then on, what arrives is news, and was not there before."""


async def tabs(context: BrowserContext, site: Site, count: int) -> list[Page]:
    """Sign Ada in and open so many tabs of her inbox, which are all connected, and without a toast."""
    await context.add_init_script(WATCH)
    await site.known(context)

    async def tab() -> Page:
        page = await context.new_page()
        await page.goto(f"{site.url}/notifications/")
        await settled(page)
        await page.wait_for_function(LIVE)
        return page

    pages = await asyncio.gather(*(tab() for _ in range(count)))
    await site.send("All are connected")
    for page in pages:
        await expect(row(page, "All are connected")).to_be_visible()
    await decided(pages, 1)
    async with asyncio.timeout(5):
        while not sum(await told(pages, "All are connected")):
            await asyncio.sleep(0.02)
    await clear(pages)
    return pages


async def decided(pages: Sequence[Page], count: int) -> None:
    """Every tab has asked whether what arrived is for it to alert of, so many times."""
    for page in pages:
        await page.wait_for_function("count => seen.claims >= count", arg=count)


async def look_at(looked_at: Page | None, pages: Sequence[Page]) -> None:
    for page in pages:
        await page.evaluate("away => lookAway(away)", page is not looked_at)


def toast(page: Page, title: str) -> Locator:
    return page.locator("notifs-toasts .toast").filter(has_text=title)


async def desktop(page: Page) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = await page.evaluate("seen.desktop")
    return shown


async def told(pages: Sequence[Page], title: str) -> list[int]:
    """How often each tab has told of a notification, by toast or on the desktop."""
    return [
        await toast(page, title).count() + sum(each["title"] == title for each in await desktop(page)) for page in pages
    ]


async def settings(page: Page) -> Locator:
    """Open the bell's panel, and how to be alerted in it."""
    await page.get_by_role("button", name=re.compile("^Notifications")).click()
    await page.get_by_role("button", name="Alerts").click()
    panel = page.get_by_role("region", name="Alerts")
    await expect(panel).to_be_visible()
    return panel


async def clear(pages: Sequence[Page]) -> None:
    """Close the toasts that there are: until they go by themselves, they lie over what is below, for some seconds.

    No pointer does it, which would lie over what comes next.
    """
    for page in pages:
        for close in await page.locator("notifs-toasts").get_by_role("button", name=re.compile("^Dismiss")).all():
            await close.dispatch_event("click")
        await expect(page.locator("notifs-toasts .toast")).to_have_count(0)


async def counted(page: Page) -> int:
    """Of how many notifications a tab's toasts tell."""
    texts = await page.locator("notifs-toasts .title").all_inner_texts()
    bursts = [re.match(r"(\d+) new", text) for text in texts]
    return sum(int(burst[1]) if burst else 1 for burst in bursts)

"""One alert of each notification, however many tabs a person has: toast, sound, desktop, title; and none at all."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from notifs import Notifs
from tests.e2e.conftest import EMAIL, Site, row, serving, settled, unread_tab

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


async def test_the_tab_that_is_looked_at_shows_the_toast(sqlite_site: Site, context: BrowserContext) -> None:
    pages = await tabs(context, sqlite_site, 3)
    for turn, (looked_at, title) in enumerate(zip((pages[1], pages[2]), ("first", "second"), strict=True)):
        await look_at(looked_at, pages)
        await sqlite_site.send(title)
        await expect(toast(looked_at, title)).to_be_visible()
        await decided(pages, turn + 2)
        assert await told(pages, title) == [int(page is looked_at) for page in pages]


async def test_tabs_that_race_alert_once_for_each(sqlite_site: Site, context: BrowserContext) -> None:
    pages = await tabs(context, sqlite_site, 3)
    async with sqlite_site.store() as notifs:
        await asyncio.gather(*(send(notifs, f"number {n}") for n in range(12)))
    for page in pages:
        await expect(unread_tab(page)).to_contain_text("13")
    async with asyncio.timeout(5):
        while (told := sum([await counted(page) for page in pages])) < 12:
            pass
    assert told == 12


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


@pytest.fixture
def browser(desktop_browser: Browser) -> Browser:
    return desktop_browser


async def send(notifs: Notifs, title: str) -> None:
    await notifs.notify(to=(await notifs.store.user(EMAIL)).id, title=title)


async def test_the_next_tab_alerts_when_the_one_that_did_is_closed(sqlite_site: Site, context: BrowserContext) -> None:
    await context.grant_permissions(["notifications"])
    pages = await tabs(context, sqlite_site, 3)
    await (await settings(pages[0])).get_by_role("checkbox", name="Desktop notifications").check()
    await look_at(None, pages)
    for left in (3, 2, 1):
        title = f"{left} tabs"
        await sqlite_site.send(title)
        await decided(pages, 5 - left)
        shown = await told(pages, title)
        assert sum(shown) == 1
        assert sum([await toast(page, title).count() for page in pages]) == 0
        await pages.pop(shown.index(1)).close()


async def test_a_desktop_notification_leads_on_and_goes_when_it_is_read_elsewhere(
    sqlite_site: Site, context: BrowserContext
) -> None:
    await context.grant_permissions(["notifications"])
    (page, other) = await tabs(context, sqlite_site, 2)
    await (await settings(page)).get_by_role("checkbox", name="Desktop notifications").check()
    await page.keyboard.press("Escape")
    await look_at(None, [page])
    await look_at(other, [other])
    await sqlite_site.send("seen by the other")
    await expect(toast(other, "seen by the other")).to_be_visible()
    await other.close()
    await decided([page], 2)
    assert await told([page], "seen by the other") == [0], "also when the tab that told of it is gone by then"
    id = await sqlite_site.send("read elsewhere")
    await page.wait_for_function("() => seen.desktop.length === 1")
    assert id in (await desktop(page))[0]["tag"]
    async with sqlite_site.store() as notifs:
        await notifs.acts.do((await notifs.store.user(EMAIL)).id, "read", ids=[UUID(id)])
    await page.wait_for_function("() => !seen.desktop[0].open")
    await sqlite_site.send("to be followed", url="/notifications/?filter=archived")
    await page.wait_for_function("() => seen.desktop.length === 2")
    await page.evaluate("seen.last.dispatchEvent(new Event('click'))")
    await page.wait_for_url("**/notifications/?filter=archived")
    await page.goto(f"{sqlite_site.url}/notifications/")
    await expect(row(page, "to be followed")).to_have_count(0)


async def test_the_browser_is_asked_for_permission_on_a_click_alone(sqlite_site: Site, context: BrowserContext) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    await sqlite_site.send("one more")
    await expect(toast(page, "one more")).to_be_visible()
    panel = await settings(page)
    assert await page.evaluate("seen.asked") == 0
    await panel.get_by_role("checkbox", name="Desktop notifications").click()
    await page.wait_for_function("() => seen.asked === 1")
    await expect(panel.get_by_role("checkbox", name="Desktop notifications")).not_to_be_checked()


async def test_a_sound_is_played_once_and_only_if_it_is_wanted(sqlite_site: Site, context: BrowserContext) -> None:
    (page, other) = await tabs(context, sqlite_site, 2)
    assert await page.evaluate("seen.notes") == 0
    await (await settings(page)).get_by_role("checkbox", name="Play a sound").check()
    assert await page.evaluate("seen.notes") == 2, "what was chosen is heard"
    await page.keyboard.press("Escape")
    await other.get_by_role("tab", name="All").click()  # a page that nobody has clicked on may not sound
    await sqlite_site.send("with a sound")
    await decided([page, other], 2)
    assert sum([await each.evaluate("seen.notes") for each in (page, other)]) == 4
    await page.reload()
    await expect((await settings(page)).get_by_role("checkbox", name="Play a sound")).to_be_checked()


async def test_who_is_not_to_be_disturbed_sees_a_dot_in_every_tab(sqlite_site: Site, context: BrowserContext) -> None:
    pages = await tabs(context, sqlite_site, 2)
    panel = await settings(pages[0])
    await panel.get_by_role("checkbox", name="Play a sound").check()
    await panel.get_by_label("Do not disturb").select_option("For 1 hour")
    await expect(panel.get_by_label("Do not disturb")).to_contain_text(re.compile(r"Until .*\d\d:\d\d"))
    await pages[0].keyboard.press("Escape")
    await sqlite_site.send("quiet", priority="urgent")
    for page in pages:
        await expect(row(page, "quiet")).to_be_visible()
        bell = page.get_by_role("button", name=re.compile("^Notifications, .* do not disturb is on$"))
        await expect(bell).to_be_visible()
        await expect(bell).to_have_text("")
        await expect(page).to_have_title(re.compile("^\\(•\\) "))
    await (await settings(pages[1])).get_by_label("Do not disturb").select_option("Off")
    await sqlite_site.send("loud")
    await decided(pages, 2)
    for title, times in (("quiet", 0), ("loud", 1)):
        assert sum(await told(pages, title)) == times
    assert await pages[0].evaluate("seen.notes") <= 4, "nothing sounded but the choice, and what was loud"


async def test_a_burst_is_one_toast_and_one_sentence(sqlite_site: Site, context: BrowserContext) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    await page.evaluate("""() => {
        const region = document.querySelector("notifs-toasts").shadowRoot.querySelector("[role=status]");
        const note = () => region.textContent.trim() && seen.spoken.push(region.textContent.trim());
        new MutationObserver(note).observe(region, { childList: true, characterData: true, subtree: true });
    }""")
    await expect(page.locator("notifs-toasts [role=status]")).to_be_empty()
    async with sqlite_site.store() as notifs:
        for n in range(5):
            await send(notifs, f"number {n}")
            await expect(row(page, f"number {n}")).to_be_visible()
    await expect(page.locator("notifs-toasts .toast")).to_have_text(re.compile("5 new notifications"))
    spoken: list[str] = []
    async with asyncio.timeout(10):
        while sum(int((re.match(r"\d+", words) or ["1"])[0]) for words in spoken) < 5:
            spoken = await page.evaluate("seen.spoken")
    assert len(spoken) <= 2, "the first of them, and then all others at once"
    await page.get_by_role("button", name="Mark all as read").click()
    await page.get_by_role("button", name=re.compile("^Notifications")).click()
    await expect(page.locator("notifs-toasts .toast")).to_have_count(0)


async def test_a_toast_is_read_and_closed_by_its_buttons(sqlite_site: Site, context: BrowserContext) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    focused = await page.evaluate("document.activeElement.localName")
    await sqlite_site.send("first")
    await sqlite_site.send("second")
    await expect(toast(page, "second")).to_be_visible()
    assert await page.evaluate("document.activeElement.localName") == focused
    await toast(page, "second").get_by_role("button", name="Mark as read: second").press("Enter")
    await expect(row(page, "second")).to_have_count(0)
    await expect(toast(page, "second")).to_have_count(0)
    await expect(toast(page, "first").get_by_role("button", name="Mark as read: first")).to_be_focused()
    await toast(page, "first").get_by_role("button", name="Dismiss: first").click()
    await expect(page.locator("notifs-toasts .toast")).to_have_count(0)
    await expect(row(page, "first")).to_be_visible()


async def test_the_title_and_the_icon_tell_of_what_is_new(sqlite_site: Site, context: BrowserContext) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    icon = page.locator("link[rel=icon]")
    await expect(page).to_have_title("(1) Notifications · notifs")
    await expect(icon).to_have_attribute("href", re.compile("notifs-new.svg"))
    await page.evaluate("document.title = 'Of the page itself'")
    await expect(page).to_have_title("(1) Of the page itself")
    await page.get_by_role("button", name=re.compile("^Notifications, 1")).click()
    await expect(page).to_have_title("Of the page itself")
    await expect(icon).to_have_attribute("href", re.compile("notifs.svg"))
    await page.keyboard.press("Escape")
    await sqlite_site.send("and one")
    await expect(page).to_have_title("(1) Of the page itself")
    await page.evaluate("document.querySelector('notifs-bell').remove()")
    await expect(page).to_have_title("Of the page itself")


async def test_the_settings_take_the_focus_and_give_it_back(sqlite_site: Site, context: BrowserContext) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    await page.get_by_role("button", name=re.compile("^Notifications")).focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Alerts").press("Enter")
    await expect(page.get_by_role("button", name="Back to the notifications")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Alerts")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name=re.compile("^Notifications"))).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_the_settings_and_the_toasts(
    sqlite_site: Site, context: BrowserContext, scheme: Literal["light", "dark"]
) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    await page.emulate_media(color_scheme=scheme)
    await sqlite_site.send("urgent", body="With words", priority="urgent", url="/")
    panel = await settings(page)
    await panel.get_by_label("Do not disturb").focus()
    await expect(toast(page, "urgent")).to_be_visible()
    for quiet in ("Off", "For 1 hour"):
        await panel.get_by_label("Do not disturb").select_option(quiet)
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


async def test_the_panel_opens_where_the_bell_ends(sqlite_site: Site, context: BrowserContext) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    # As it may sit in the header of somebody's page.
    await page.evaluate("""() => {
        const bell = document.querySelector("notifs-bell");
        document.body.prepend(Object.assign(document.createElement("div"), { className: "middle" }));
        document.querySelector(".middle").append(bell);
        bell.style.marginInline = "480px";
    }""")
    for direction in ("ltr", "rtl"):
        await page.evaluate("direction => document.documentElement.dir = direction", direction)
        bell = page.get_by_role("button", name=re.compile("^Notifications"))
        await bell.click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        panel, button = await page.get_by_role("dialog").bounding_box(), await bell.bounding_box()
        assert panel
        assert button
        ends = [box["x"] + (box["width"] if direction == "ltr" else 0) for box in (panel, button)]
        assert abs(ends[0] - ends[1]) <= 1, direction
        await page.keyboard.press("Escape")


async def test_the_panel_stays_with_the_bell_and_goes_with_it(sqlite_site: Site, context: BrowserContext) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    await page.evaluate("document.body.append(Object.assign(document.createElement('hr'), { className: 'far' }))")
    await page.evaluate("document.querySelector('.far').style.marginBlockStart = '3000px'")
    bell, panel = page.get_by_role("button", name=re.compile("^Notifications")), page.get_by_role("dialog")
    await bell.click()
    await expect(panel).to_be_visible()
    await page.evaluate("scrollTo(0, 20)")
    await page.wait_for_function("""() => {
        const { shadowRoot } = document.querySelector("notifs-bell");
        const [bell, panel] = [".bell", ".panel"].map(each => shadowRoot.querySelector(each).getBoundingClientRect());
        return scrollY === 20 && Math.abs(panel.top - bell.bottom) < 9;
    }""")
    await page.evaluate("scrollTo(0, 1000)")
    await expect(panel).to_be_hidden()


async def test_a_backlog_is_one_line_in_one_tab(sqlite_url: str, tmp_path: Path, context: BrowserContext) -> None:
    async with serving(sqlite_url, tmp_path) as site:
        pages = await tabs(context, site, 2)
        site.kill()
    for n in range(12):
        await site.send(f"number {n}")
    async with serving(sqlite_url, tmp_path, "--port", site.url.rpartition(":")[2]):
        for page in pages:
            await expect(row(page, "number ")).to_have_count(12, timeout=15_000)
        await decided(pages, 2)
        toasts = [await page.locator("notifs-toasts .toast").all_inner_texts() for page in pages]
        assert sorted(toasts) == [[], ["12 new while you were away"]]

"""Long lists: what is drawn of them is what is there, wherever one looks, and it stays little. Real Chromium."""

import asyncio
import random
import re
from typing import Any

from playwright.async_api import Page, expect

from tests.e2e.conftest import EMAIL, Site, inbox, oldest, row, titles, unread_tab
from tests.waiting import becomes

ROWS = """() => [...document.querySelector("notifs-inbox").shadowRoot.querySelectorAll("[data-id]")].map((row) => [
    Number(row.ariaPosInSet),
    row.querySelector(".title .text").textContent,
    row.querySelector("a").getAttribute("href"),
    row.querySelector("input").ariaLabel,
    row.querySelector("img")?.getAttribute("src") ?? "",
    row.querySelector(".body")?.textContent ?? "",
    row.querySelector(".flag")?.textContent ?? "",
    row.querySelector(".actions a")?.getAttribute("href") ?? "",
])"""
"""What each row that is drawn says of itself."""
REPLACED = """() => {
    window.replaced = 0;
    const attributes = { attributeFilter: ["src"], attributeOldValue: true, subtree: true };
    const note = (changes) => (replaced += changes.filter(({ oldValue }) => oldValue !== null).length);
    new MutationObserver(note).observe(document.querySelector("notifs-inbox").shadowRoot, attributes);
}"""
"""Count the pictures whose element is given another: it would show the old one until the new one has come."""
DRAWN = """async () => {
    for (let n = 0; n < 3; n += 1) await new Promise(requestAnimationFrame);
}"""
"""What has been scrolled is told in the next frame, and drawn in it."""
MIDDLE = """() => {
    const found = document.querySelector("notifs-inbox").shadowRoot.elementFromPoint(innerWidth / 2, innerHeight / 2);
    return found?.closest("[data-id]")?.querySelector(".text").textContent ?? "";
}"""
"""The title of the row in the middle of the window; empty while none is drawn there."""


def fields(n: int) -> dict[str, Any]:
    """Of one of many that differ in all that a row can show."""
    return {
        "title": f"number {n}",
        "url": f"/shop/{n}",
        "icon": f"/static/app-192.png?{n}" if n % 2 else None,
        "body": f"words of number {n}" if n % 3 else "",
        "priority": "normal" if n % 5 else "urgent",
        "actions": [] if n % 7 else [{"label": "Look", "url": f"/look/{n}"}],
    }


def said(n: int, last: int) -> list[Any]:
    """What its row is to say; the last one is the first in the list."""
    asked = fields(n)
    actions = [action["url"] for action in asked["actions"]]
    label = f"Select: {asked['title']}"
    words = [asked["icon"] or "", asked["body"], "" if n % 5 else "Urgent", "".join(actions)]
    return [last + 1 - n, asked["title"], f"/shop/{n}", label, *words]


async def notify(site: Site, *sent: dict[str, Any]) -> None:
    """Notify Ada of each, in order."""
    notifs = site.notifs
    ada = (await notifs.store.user(EMAIL)).id
    for each in sent:
        await notifs.notify(to=ada, **each)


async def scroll(page: Page, top: float) -> None:
    await page.evaluate("(top) => scrollTo({ top, behavior: 'instant' })", top)
    await page.evaluate(DRAWN)


async def test_what_is_drawn_is_what_is_there_wherever_one_looks(sqlite_site: Site, page: Page) -> None:
    count = 150
    await notify(sqlite_site, *(fields(n) for n in range(count)))
    await sqlite_site.open(page)
    await page.get_by_role("tab", name="All").click()
    await page.get_by_role("button", name="Mark all as read").click()
    await expect(row(page, "Unread:")).to_have_count(0)
    await page.evaluate(REPLACED)
    async with asyncio.timeout(30):
        while not await oldest(inbox(page)).count():
            await page.mouse.wheel(0, 2_500)
    height = await page.evaluate("document.scrollingElement.scrollHeight")
    moves = random.Random(7)
    top = 0.0
    for _ in range(40):
        by = moves.choice((moves.uniform(-400, 400), moves.uniform(-height, height)))
        top = min(max(0.0, top + by), height)
        await scroll(page, top)
        rows = await page.evaluate(ROWS)
        assert rows == [said(count - place, count - 1) for place, *_ in rows]
        assert [place for place, *_ in rows] == list(range(rows[0][0], rows[0][0] + len(rows)))
        assert await page.evaluate(MIDDLE) in {title for _, title, *_ in rows}
        assert len(rows) < 60
    assert await page.evaluate("replaced") == 0


async def test_what_has_the_focus_is_never_taken_for_another(sqlite_site: Site, page: Page) -> None:
    await notify(sqlite_site, *({"title": f"number {n}"} for n in range(100)))
    await sqlite_site.open(page)
    for top in (100_000, 0, 3_000):
        await inbox(page).get_by_role("listitem").nth(3).get_by_role("button", name="Archive").focus()
        await scroll(page, top)
        await expect(inbox(page).get_by_role("tabpanel")).to_be_focused()


async def test_however_many_come_the_page_stays_as_large_as_it_is(sqlite_site: Site, page: Page) -> None:
    async def size() -> int:
        children = "document.querySelector('notifs-inbox').shadowRoot.querySelector('.rows').childNodes.length"
        return int(await page.evaluate(children))

    await notify(sqlite_site, *({"title": f"number {n}"} for n in range(40)))
    await sqlite_site.open(page)
    before = await size()
    for count in (80, 120, 160):
        await notify(sqlite_site, *({"title": f"later {n}"} for n in range(40)))
        await expect(unread_tab(page)).to_contain_text(str(count))
    assert await size() <= before


async def test_thousands_are_scrolled_through_with_few_in_the_page(sqlite_site: Site, page: Page) -> None:
    notifs = sqlite_site.notifs
    ada = (await notifs.store.user(EMAIL)).id
    await asyncio.gather(*(notifs.notify(to=ada, title=f"number {n}") for n in range(1_000)))
    await sqlite_site.open(page)
    rows = inbox(page).get_by_role("listitem")
    async with asyncio.timeout(30):
        while not await oldest(inbox(page)).count():
            await page.mouse.wheel(0, 2_500)
            assert await rows.count() < 80
    await expect(rows.last).to_have_attribute("aria-setsize", "1000")
    await page.evaluate("scrollTo({ top: 30_000, behavior: 'instant' })")
    await becomes(lambda: page.evaluate(f"({MIDDLE})() !== ''"), True)
    kept = row(page, await page.evaluate(MIDDLE))
    before = await kept.bounding_box()
    await notify(sqlite_site, *({"title": f"later {n}"} for n in range(5)))
    await expect(unread_tab(page)).to_contain_text("1005")
    after = await kept.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 2


async def test_years_of_notifications_come_by_scrolling(sqlite_site: Site, page: Page) -> None:
    notifs = sqlite_site.notifs
    ada = await notifs.store.user(EMAIL)
    await asyncio.gather(*(notifs.notify(to=ada.id, title=f"number {n}") for n in range(330)))
    await sqlite_site.open(page)
    seen: dict[str, None] = {}
    async with asyncio.timeout(20):
        while "number 0" not in seen:
            seen |= dict.fromkeys(await titles(page))
            await page.mouse.wheel(0, 300)
            await page.evaluate(DRAWN)
    assert list(seen) == [f"number {n}" for n in reversed(range(330))]


async def test_the_popover_scrolls_by_itself(sqlite_site: Site, page: Page) -> None:
    await notify(sqlite_site, *({"title": f"number {n}"} for n in range(120)))
    await sqlite_site.open(page)
    await page.get_by_role("button", name=re.compile("^Notifications, ")).click()
    popover = page.locator("notifs-bell notifs-inbox")
    await popover.get_by_role("listitem").first.hover()
    async with asyncio.timeout(20):
        while not await oldest(popover).count():
            await page.mouse.wheel(0, 1_000)
            assert await popover.get_by_role("listitem").count() < 60
    assert await page.evaluate("scrollY") == 0


async def test_a_menu_stays_where_its_row_stays_and_closes_when_that_is_scrolled(sqlite_site: Site, page: Page) -> None:
    await notify(sqlite_site, *({"title": f"number {n}"} for n in range(60)))
    await sqlite_site.open(page)
    await scroll(page, 2_000)
    title = await page.evaluate(MIDDLE)
    await inbox(page).get_by_role("button", name=f"More: {title}").click()
    menu = inbox(page).get_by_role("menu")
    await expect(menu).to_be_visible()
    before = await menu.bounding_box()
    await sqlite_site.send("later")
    await expect(unread_tab(page)).to_contain_text("61")
    await page.evaluate(DRAWN)
    assert await menu.bounding_box() == before
    await inbox(page).get_by_role("menuitem", name="Select").click()
    await expect(inbox(page).get_by_role("checkbox", name=f"Select: {title}")).to_be_checked()
    await page.keyboard.press("Escape")
    await inbox(page).get_by_role("button", name=f"More: {title}").click()
    await expect(menu).to_be_visible()
    await page.mouse.wheel(0, 100)
    await expect(menu).to_be_hidden()

    await page.get_by_role("button", name=re.compile("^Notifications, ")).click()
    popover = page.locator("notifs-bell notifs-inbox")
    await popover.get_by_role("button", name="More: later").click()
    await expect(popover.get_by_role("menu")).to_be_visible()
    await popover.get_by_role("listitem").last.hover()
    await page.mouse.wheel(0, 100)
    await expect(popover.get_by_role("menu")).to_be_hidden()


async def test_what_a_hosts_own_element_scrolls_is_drawn(sqlite_site: Site, page: Page) -> None:
    await notify(sqlite_site, *({"title": f"number {n}"} for n in range(100)))
    await sqlite_site.open(page)
    await page.evaluate("""() => {
        const host = document.createElement("div");
        window.scrolled = document.createElement("div");
        Object.assign(scrolled.style, { position: "fixed", inset: 0, overflow: "auto", background: "canvas" });
        scrolled.append(document.createElement("slot"));
        host.attachShadow({ mode: "open" }).append(scrolled);
        document.querySelector("main").append(host);
        host.append(document.querySelector("notifs-inbox"));
    }""")
    await becomes(lambda: page.evaluate(f"({MIDDLE})() !== ''"), True)
    for top in (1_500, 4_000, 0):
        await page.evaluate("(top) => (scrolled.scrollTop = top)", top)
        await becomes(lambda: page.evaluate(f"({MIDDLE})() !== ''"), True)

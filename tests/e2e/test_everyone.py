"""What holds of the inbox on a real page: nothing jumps, nobody else hears of it, no other stylesheet spoils it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, ViewportSize, expect
from sqlalchemy import update

from notifs import Settings
from notifs.store.accounts import Person
from notifs.store.models import Notification, utcnow
from notifs.web.words import PLURALS, words
from tests.e2e.conftest import broken, settled
from tests.waiting import becomes
from tests.web.site import CHEAP, Site, serve

HOSTILE = """
* { all: unset !important; box-sizing: content-box !important; font: 40px/3 serif; letter-spacing: 1em; }
div, section, ul, li, button, svg { display: none !important; }
"""
HOST = """<!doctype html>
<html lang="en"><head><title>Host</title><link rel="stylesheet" href="/host.css">
<script type="module" src="{url}/notifs/static/notifs.js"></script></head>
<body><notifs-bell></notifs-bell><notifs-inbox filter="all"></notifs-inbox><notifs-toasts></notifs-toasts></body></html>
"""
SHIFTS = """
new PerformanceObserver((list) => {
    for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) globalThis.shifts.push(value);
}).observe({ type: "layout-shift", buffered: true });
globalThis.shifts = [];
"""
COVERED = """
(rows) => rows.flatMap((row) => {
    row.scrollIntoView({ block: "center" });
    return [...row.querySelectorAll("[part=action], [part=control]")].filter((each) => {
        const { left, right, top, bottom, width } = each.getBoundingClientRect();
        const corners = [[left + 4, top + 4], [right - 4, top + 4], [left + 4, bottom - 4], [right - 4, bottom - 4]];
        return width > 0 && !corners.every(([x, y]) => each.contains(row.getRootNode().elementFromPoint(x, y)));
    }).map((each) => each.ariaLabel ?? each.textContent.trim());
})
"""
"""What can be pressed in rows, and has a corner that lies under something else or where nothing is shown."""
MENU = """
(menu) => {
    const { top, bottom } = menu.getBoundingClientRect();
    const last = menu.lastElementChild.getBoundingClientRect().bottom;
    return { isWithin: top >= 0 && bottom <= innerHeight, isAtItsEnd: last <= bottom };
}
"""


@pytest.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    async with serve(Settings(database_url=sqlite_url)) as site:
        yield site


@pytest.fixture
async def adas(browser: Browser, site: Site) -> AsyncIterator[BrowserContext]:
    """Ada's browser, signed in, with 60 notifications."""
    ada = await site.person("ada")
    for number in range(60):
        await site.notifs.notify(to=ada.id, title=f"Notification {number}", actor={"name": "Grace Hopper"})
    async with site.notifs.session() as session:  # an age that is not another one in the next moment
        await session.execute(update(Notification).values(created_at=utcnow() - timedelta(hours=3.5)))
    context = await browser.new_context(viewport={"width": 1100, "height": 760}, locale="en")
    name, _, value = (await site.cookie(ada)).partition("=")
    await context.add_cookies([{"name": name, "value": value, "url": site.url}])
    yield context
    await context.close()


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_nothing_moves_after_the_first_paint(adas: BrowserContext, site: Site, language: str) -> None:
    page = await adas.new_page()
    await page.set_extra_http_headers({"accept-language": language})
    await page.add_init_script(SHIFTS)
    await page.goto(f"{site.url}/notifications/")
    await settled(page)
    await expect(page.locator("notifs-inbox").get_by_role("listitem").first).to_be_visible()
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert await page.evaluate("globalThis.shifts") == []


@pytest.mark.parametrize("language", PLURALS)
async def test_the_first_paint_says_what_the_elements_say(browser: Browser, site: Site, language: str) -> None:
    ada = await site.person("ada")
    await site.notifs.notify(to=ada.id, title="Notification", priority="urgent")
    name, _, value = (await site.cookie(ada)).partition("=")
    said = []
    for scripts in (False, True):
        context = await browser.new_context(java_script_enabled=scripts, locale=language, timezone_id="UTC")
        await context.add_cookies([{"name": name, "value": value, "url": site.url}])
        page = await context.new_page()
        await page.goto(f"{site.url}/notifications/")
        if scripts:
            await settled(page)
        parts = page.locator("main").locator(
            ".head .page-title, .head .button, .summary, .tab, .day-title, .title, time"
        )
        said.append([" ".join(text.split()) for text in await parts.all_inner_texts()])
        await context.close()
    assert said[0] == said[1]
    assert said[0][0] == words(language)("inbox.title")


async def test_nobody_else_is_asked_for_anything(adas: BrowserContext, site: Site) -> None:
    asked = set[str]()
    adas.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page = await adas.new_page()
    page.on("websocket", lambda socket: asked.add(urlsplit(socket.url).netloc))
    await page.goto(f"{site.url}/notifications/")
    await settled(page)
    await page.get_by_role("button", name="Notifications").click()
    await expect(page.get_by_role("dialog", name="Notifications")).to_be_visible()
    await page.goto(f"{site.url}/gallery?state=full")
    await expect(page.locator("html[data-ready]")).to_have_count(1)
    assert asked == {urlsplit(site.url).netloc}


async def test_a_page_that_restyles_everything_does_not_spoil_the_elements(adas: BrowserContext, site: Site) -> None:
    async def measure(css: str) -> list[object]:
        page = await host(adas, site, css)
        await expect(page.locator("notifs-inbox").get_by_role("listitem").first).to_be_visible()
        looks = await page.evaluate(
            """() => [["notifs-inbox", ".row"], ["notifs-inbox", ".title"], ["notifs-inbox", ".icon-button"],
                      ["notifs-inbox", ".tab"], ["notifs-bell", ".badge"]].map(([name, selector]) => {
                const part = document.querySelector(name).shadowRoot.querySelector(selector);
                const style = getComputedStyle(part);
                return [selector, style.color, style.font, style.display, style.letterSpacing, part.offsetHeight];
            })"""
        )
        await page.close()
        return list(looks)

    assert await measure(HOSTILE) == await measure("")


async def test_the_servers_own_pages_have_nothing_that_axe_finds(adas: BrowserContext, site: Site) -> None:
    page = await adas.new_page()
    found = []
    for path in ("/notifications/", "/notifications/?filter=archived", "/no/such/page"):
        for language in ("en", "ar"):
            await page.set_extra_http_headers({"accept-language": language})
            await page.goto(site.url + path)
            found += [(path, language, *each) for each in await broken(page)]
    assert found == []


@asynccontextmanager
async def signed_in(browser: Browser, site: Site, person: Person, width: int, height: int) -> AsyncIterator[Page]:
    """The inbox of a person who has a phone, where it is no wider than one."""
    viewport = ViewportSize(width=width, height=height)
    phone: dict[str, Any] = {"has_touch": True, "is_mobile": True} if width < 700 else {}
    context = await browser.new_context(viewport=viewport, reduced_motion="reduce", **phone)
    name, _, value = (await site.cookie(person)).partition("=")
    await context.add_cookies([{"name": name, "value": value, "url": site.url}])
    page = await context.new_page()
    await page.goto(f"{site.url}/notifications/")
    await settled(page)
    yield page
    await context.close()


@pytest.mark.parametrize("width", [320, 390, 1280])
async def test_buttons_that_a_notification_brings_are_covered_by_nothing(
    browser: Browser, site: Site, width: int
) -> None:
    """However long their labels are: in the list, in a group, and in the bell's, which is narrow everywhere."""
    ada = await site.person("ada")
    words = ("Approve and merge this pull request", "Renew my subscription for twelve months, all the same")
    for label in (*words, "Grundstücksverkehrsgenehmigungszuständigkeitsübertragung"):
        actions = [{"label": label, "url": "/ask", "method": "POST", "style": "primary"}, {"label": "No", "url": "/no"}]
        await site.notifs.notify(to=ada.id, title=f"Alone: {label}", actions=actions)
        await site.notifs.notify(to=ada.id, title=f"One of them: {label}", actions=actions, group="them")
    async with signed_in(browser, site, ada, width, 1000) as page:
        covered = []
        for name, within in (("main", page.locator("main")), ("bell", page.locator("notifs-bell"))):
            if name == "bell":
                await within.get_by_role("button", name=re.compile("^Notifications")).click()
            await within.get_by_role("button", name="3 notifications", exact=True).click()
            rows = within.get_by_role("listitem")
            for title in ("One of them", "Alone: Approve"):  # the lower ones are drawn when it is scrolled to them
                await expect(rows.filter(has_text=title).first).to_be_visible()
                covered += [(name, each) for each in await rows.evaluate_all(COVERED)]
    assert covered == []


@pytest.mark.parametrize(("width", "height"), [(667, 375), (320, 256), (1280, 320)])
async def test_a_menu_is_no_higher_than_the_window(browser: Browser, site: Site, width: int, height: int) -> None:
    """A phone on its side, 400 % zoom (WCAG 2.2, 1.4.10), a low window: it scrolls by itself, and stays open."""
    ada = await site.person("ada")
    for number in range(6):
        actor = {"id": f"{number}", "name": f"Person {number}"}
        await site.notifs.notify(to=ada.id, title="Notification", actor=actor, kind=f"kind.number{number}")
    async with signed_in(browser, site, ada, width, height) as page:
        menu = page.locator("main").get_by_role("menu")
        await page.locator("main").get_by_role("button", name="Filter").click()
        await expect(menu.get_by_role("menuitem").first).to_be_focused()
        assert await menu.evaluate(MENU) == {"isWithin": True, "isAtItsEnd": False}
        await menu.hover()
        for _ in range(3):  # beyond its end as well
            await page.mouse.wheel(0, 300)
            await becomes(lambda: menu.evaluate(MENU), {"isWithin": True, "isAtItsEnd": True})
        assert await page.evaluate("scrollY") == 0
        for key, ends in (("End", True), ("Home", False), ("End", True)):
            await page.keyboard.press(key)
            assert await menu.evaluate(MENU) == {"isWithin": True, "isAtItsEnd": ends}
        await menu.get_by_role("menuitem").last.click()
        await expect(page.locator("main").get_by_role("listitem")).to_have_count(1)


async def test_a_menu_stays_that_is_opened_as_the_page_comes_to_a_stop(browser: Browser, site: Site) -> None:
    """The browser tells of the last bit of scrolling after the press, and before it tells that the menu is open."""
    ada = await site.person("ada")
    await site.notifs.notify(to=ada.id, title="Notification")
    async with signed_in(browser, site, ada, 320, 760) as page:
        more = page.locator("main").get_by_role("button", name="More: Notification")
        await more.evaluate("(button) => { button.click(); dispatchEvent(new Event('scroll')); }")
        await expect(page.locator("main").get_by_role("menuitem").first).to_be_focused()


async def test_what_acts_on_a_group_is_named_after_it(browser: Browser, site: Site) -> None:
    """And not after its newest alone; of two groups from the same people each has a name of its own."""
    ada = await site.person("ada")
    for number in range(3):
        for group in ("post", "page"):
            actor = {"name": "Anna"}
            await site.notifs.notify(to=ada.id, title=f"On the {group}, {number}", actor=actor, group=group)
    async with signed_in(browser, site, ada, 1280, 760) as page:
        main = page.locator("main")
        names = [f"{act}: 3 notifications from Anna: On the post, 2" for act in ("Mark as read", "Archive", "More")]

        async def named() -> None:
            for name in names:
                await expect(main.get_by_role("button", name=name, exact=True)).to_have_count(1)
            await expect(main.get_by_role("checkbox", name=names[0].replace("Mark as read", "Select"))).to_have_count(1)

        await named()
        await main.get_by_role("button", name="3 notifications from Anna", exact=True).last.click()
        await expect(main.get_by_role("button", name="Archive: On the post, 2", exact=True)).to_have_count(1)
        await named()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
async def test_pages_are_no_wider_than_a_small_phone(browser: Browser, site: Site, scripts: bool) -> None:
    ada = await site.person("ada")
    await site.notifs.notify(to=ada.id, title="Notification", body="word " * 40, actor={"name": "Grace Hopper"})
    name, _, value = (await site.cookie(ada)).partition("=")
    wide = []
    for language in ("de", "ar"):
        context = await browser.new_context(
            viewport={"width": 320, "height": 600}, java_script_enabled=scripts, locale=language
        )
        page = await context.new_page()
        for path in ("/login/", "/notifications/", "/notifications/?filter=snoozed&find", "/nothing"):
            if path == "/notifications/":
                await context.add_cookies([{"name": name, "value": value, "url": site.url}])
            await page.goto(site.url + path)
            page_width = await page.locator("html").evaluate("(html) => html.scrollWidth")
            wide += [(language, path, page_width)] if page_width > 320 else []
        await context.close()
    assert wide == []


async def test_accounts_are_looked_after_on_a_small_phone_in_any_language(browser: Browser, site: Site) -> None:
    """At its narrowest in German, which has the longest words; and in Arabic, where axe finds nothing either."""
    root = await site.notifs.store.add_user("a.rather.long.address@of.example.org", "Root", CHEAP, admin=True)
    ada = await site.person("ada")
    name, _, value = (await site.cookie(root)).partition("=")
    context = await browser.new_context(viewport={"width": 320, "height": 600}, color_scheme="dark")
    await context.add_cookies([{"name": name, "value": value, "url": site.url}])
    page = await context.new_page()
    found: list[tuple[str, str, object]] = []
    for path in ("/account/", "/admin/", f"/admin/person/?id={ada.id}", "/admin/audit/", "/reset/0/"):
        for language in ("de", "ar"):
            await page.set_extra_http_headers({"accept-language": language})
            await page.goto(site.url + path)
            width = await page.locator("html").evaluate("(html) => html.scrollWidth")
            found += [(path, language, width)] if width > 320 else []
        found += [(path, "ar", *each) for each in await broken(page)]
    await context.close()
    assert found == []


async def host(context: BrowserContext, site: Site, css: str) -> Page:
    """A page of somebody else's that has the elements on it."""
    page = await context.new_page()

    async def answer(route: Route) -> None:
        content = (
            (css, "text/css") if Path(route.request.url).suffix == ".css" else (HOST.format(url=site.url), "text/html")
        )
        await route.fulfill(body=content[0], content_type=content[1])

    await page.route("**/host.*", answer)
    await page.goto(f"{site.url}/host.html")
    return page

"""What holds of the inbox on a real page: nothing jumps, nobody else hears of it, no other stylesheet spoils it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect
from sqlalchemy import update

from notifs import Settings
from notifs.store.models import Notification, utcnow
from notifs.web.words import PLURALS, words
from tests.e2e.conftest import broken, settled
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

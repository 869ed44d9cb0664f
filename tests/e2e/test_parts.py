"""What is fetched of the script when, and what can be done before it is all there."""

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from notifs import Settings
from tests.waiting import until
from tests.web.site import Site, serve

HOST = """<!doctype html><html lang="en"><title>Shop</title>
<script type="module" src="/notifs/static/notifs.js"></script><notifs-bell></notifs-bell></html>"""
BUSY = "globalThis.requestIdleCallback = (act) => void (globalThis.idle ??= []).push(act);"
"""A page that has never time for anything."""


@pytest.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    async with serve(Settings(database_url=sqlite_url)) as site:
        yield site


@pytest.fixture
async def busy(browser: Browser, site: Site) -> AsyncIterator[BrowserContext]:
    """The browser of Ada, who has one notification, where nothing is fetched before it is needed."""
    ada = await site.person("ada")
    await site.notifs.notify(to=ada.id, title="Notification", kind="comment.posted")
    context = await browser.new_context(viewport={"width": 1100, "height": 760}, service_workers="block")
    name, _, value = (await site.cookie(ada)).partition("=")
    await context.add_cookies([{"name": name, "value": value, "url": site.url}])
    await context.add_init_script(BUSY)
    yield context
    await context.close()


async def hold(page: Page, files: str) -> asyncio.Event:
    """Until the event is set these files do not come."""
    gate = asyncio.Event()

    async def wait(route: Route) -> None:
        await gate.wait()
        await route.continue_()

    await page.route(files, wait)
    return gate


def listen(page: Page) -> set[str]:
    """The parts that the page asks for, by their names, as they come."""
    asked = set[str]()

    def hear(url: str) -> None:
        if found := re.fullmatch(r"/notifs/static/parts/(\w+)-[\w-]{8}\.js", urlsplit(url).path):
            asked.add(found[1])

    page.on("request", lambda request: hear(request.url))
    return asked


async def shop(context: BrowserContext, site: Site) -> tuple[Page, set[str]]:
    """Somebody's page, with a bell."""
    page = await context.new_page()
    asked = listen(page)

    async def answer(route: Route) -> None:
        await route.fulfill(body=HOST, content_type="text/html")

    await page.route("**/shop", answer)
    await page.goto(f"{site.url}/shop")
    await expect(page.get_by_role("button", name="Notifications, 1 new")).to_be_visible()
    return page, asked


async def test_a_page_with_a_bell_fetches_no_inbox_before_somebody_goes_there(busy: BrowserContext, site: Site) -> None:
    page, asked = await shop(busy, site)
    assert asked == {"base"}
    await page.get_by_role("button", name="Notifications").hover()
    await until(lambda: asked == {"base", "shared", "view", "triage", "alerting", "beyond"})
    await page.get_by_role("button", name="Notifications").click()
    await expect(page.get_by_role("dialog").get_by_role("listitem")).to_contain_text("Notification")


async def test_a_page_with_a_bell_fetches_the_rest_when_it_has_time(busy: BrowserContext, site: Site) -> None:
    page, asked = await shop(busy, site)
    await page.evaluate("for (const act of idle) act()")
    await until(lambda: asked == {"base", "shared", "view", "triage", "alerting", "beyond"})


async def test_what_is_pressed_before_its_part_has_come_is_done_then(busy: BrowserContext, site: Site) -> None:
    page = await busy.new_page()
    gate = await hold(page, "**/parts/triage-*")
    await page.goto(f"{site.url}/notifications/")
    inbox = page.locator("notifs-inbox")
    await expect(inbox.get_by_role("tablist")).to_be_visible()
    await inbox.get_by_role("button", name="Search in titles").click()
    await inbox.get_by_role("button", name="More: Notification").click()
    assert await inbox.get_by_role("menu").count() == 0
    gate.set()
    await expect(inbox.get_by_role("menuitem", name="Snooze")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(inbox.get_by_role("searchbox")).to_be_visible()
    await inbox.get_by_role("button", name="Mark as read: Notification").click()
    await expect(inbox.get_by_role("listitem")).to_have_count(0)


async def test_an_inbox_that_does_not_come_says_so_and_is_tried_again(busy: BrowserContext, site: Site) -> None:
    page, _ = await shop(busy, site)
    await page.route("**/parts/view-*", lambda route: route.abort())
    await page.get_by_role("button", name="Notifications").click()
    panel = page.get_by_role("dialog")
    await expect(panel.get_by_text("Could not reach the server.")).to_be_visible()
    await page.unroute("**/parts/view-*")
    await panel.get_by_role("button", name="Try again").click()
    await expect(panel.get_by_role("listitem")).to_contain_text("Notification")


async def test_what_the_server_has_painted_stays_until_there_is_more(busy: BrowserContext, site: Site) -> None:
    page = await busy.new_page()
    gate = await hold(page, "**/parts/view-*")
    await page.goto(f"{site.url}/notifications/", wait_until="commit")
    await expect(page.get_by_role("button", name="Notifications, 1 new")).to_be_visible()  # the server's is a link
    inbox = page.locator("notifs-inbox")
    await expect(inbox.get_by_role("navigation")).to_be_visible()  # the server's tabs are links
    await expect(inbox.get_by_role("listitem")).to_contain_text("Notification")
    gate.set()
    await expect(inbox.get_by_role("tablist")).to_be_visible()
    await expect(inbox.get_by_role("navigation")).to_have_count(0)

"""What is done without a network outlives the page, and is never sent as somebody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import BrowserContext, CDPSession, Page, expect

from tests.e2e.conftest import EMAIL, PASSWORD, Site, row, settled, unread_tab
from tests.e2e.test_offline import page, until_kept
from tests.web.site import CHEAP
from tests.wire import http_client

__all__ = ["page"]

GRACE = "grace@example.org"


async def unread(site: Site, email: str, count: int) -> None:
    """Wait until so many of somebody's are unread in the store."""
    recipient = (await site.notifs.store.user(email)).id
    async with asyncio.timeout(20):
        while len(await site.notifs.get_unread_notifs(recipient)) != count:
            await asyncio.sleep(0.05)


async def sign_in_grace(site: Site, context: BrowserContext) -> None:
    """Grace has three notifications, and the browser is hers from now on."""
    grace = await site.notifs.store.add_user(GRACE, "Grace Hopper", CHEAP)
    for n in range(3):
        await site.notifs.notify(to=grace.id, title=f"For Grace {n}")
    async with http_client() as http:
        answer = await http.post(f"{site.url}/login/", data={"email": GRACE, "password": PASSWORD})
    await context.add_cookies([{"name": "notifs", "value": answer.cookies["notifs"], "url": site.url}])


async def cut_off(page: Page) -> CDPSession:
    """Take the network from this tab alone, until the session is detached."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    conditions = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    await session.send("Network.emulateNetworkConditions", conditions)
    return session


@asynccontextmanager
async def another_tab(page: Page) -> AsyncIterator[Page]:
    """A tab beside one that has marked everything as read without a network, which is gone in the end."""
    await cut_off(page)
    await page.get_by_role("button", name="Mark all as read").click()
    await expect(page.locator("main")).to_contain_text("1 change is kept for later.")
    tab = await page.context.new_page()
    await tab.goto(page.url)
    await settled(tab)
    await expect(row(tab, "Before the tunnel")).to_be_visible()
    yield tab
    await page.close()


LOCKS = """async () => {
    const { held, pending } = await navigator.locks.query();
    return [...held, ...pending].filter(({ name }) => name.startsWith("notifs.acts")).length;
}"""
"""How many pages keep what they do, or wait for what others have kept."""


async def test_a_tab_that_is_there_sends_what_another_has_left(sqlite_site: Site, page: Page) -> None:
    async with another_tab(page) as tab:
        pass
    await expect(row(tab, "Before the tunnel")).to_have_count(0)
    await unread(sqlite_site, EMAIL, 0)


async def test_a_tab_without_an_inbox_takes_over_nothing(sqlite_site: Site, page: Page) -> None:
    async with another_tab(page) as tab:
        elements = "notifs-inbox, notifs-bell, notifs-toasts"
        await tab.evaluate("all => document.querySelectorAll(all).forEach(each => each.remove())", elements)
    async with asyncio.timeout(10):
        while await tab.evaluate(LOCKS):
            await asyncio.sleep(0.05)
    await unread(sqlite_site, EMAIL, 1)
    await tab.reload()
    await unread(sqlite_site, EMAIL, 0)


async def test_a_tab_on_which_somebody_else_is_by_now_takes_over_nothing(sqlite_site: Site, page: Page) -> None:
    for n in range(3):
        await sqlite_site.send(f"For Ada {n}")
    await page.locator("main").get_by_role("tab", name="All").click()
    await expect(row(page, "For Ada 2")).to_be_visible()
    async with another_tab(page) as tab:
        away = await cut_off(tab)
        await sign_in_grace(sqlite_site, page.context)
        await away.detach()
        await expect(row(tab, "For Grace 2")).to_be_visible(timeout=20_000)
        # What is kept of others was thrown away. It is kept again with whatever is done next.
        await page.get_by_role("button", name="Archive: Before the tunnel").click()
        await expect(page.locator("main")).to_contain_text("2 changes are kept for later.")
    await tab.get_by_role("button", name="Mark as read: For Grace 2").click()
    await unread(sqlite_site, GRACE, 2)


async def test_it_outlives_the_page_and_is_sent_in_order(
    sqlite_site: Site, context: BrowserContext, page: Page
) -> None:
    await sqlite_site.send("On the way")
    await until_kept(page, "On the way")
    await context.set_offline(True)
    for act, title in (("Mark as read", "On the way"), ("Archive", "Before the tunnel")):
        await row(page, title).get_by_role("button", name=f"{act}: ").click()
        await expect(row(page, title)).to_have_count(0)
        await page.reload()
        await settled(page)
    await expect(page.locator("main")).to_contain_text("2 changes are kept for later.")
    for title in ("On the way", "Before the tunnel"):
        await expect(row(page, title)).to_have_count(0)
    await context.set_offline(False)
    await expect(page.locator("main")).not_to_contain_text("kept for later", timeout=20_000)
    await unread(sqlite_site, EMAIL, 0)
    assert await page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('notifs.acts')).length") == 0


async def test_it_is_not_sent_as_who_has_signed_in_meanwhile(
    sqlite_site: Site, context: BrowserContext, page: Page
) -> None:
    await context.set_offline(True)
    await page.get_by_role("button", name="Mark all as read").click()
    await expect(page.locator("main")).to_contain_text("1 change is kept for later.")
    await sign_in_grace(sqlite_site, context)
    await context.set_offline(False)
    await expect(unread_tab(page)).to_contain_text("3", timeout=20_000)
    await expect(row(page, "For Grace 2")).to_be_visible()
    await expect(row(page, "Before the tunnel")).to_have_count(0)
    await expect(page.locator("main")).not_to_contain_text("kept for later")
    await unread(sqlite_site, GRACE, 3)
    await unread(sqlite_site, EMAIL, 1)

"""What is done without a network outlives the page, and is never sent as somebody else."""

import asyncio

from playwright.async_api import BrowserContext, Page, expect

from tests.e2e.conftest import EMAIL, PASSWORD, Site, row, settled, unread_tab
from tests.e2e.test_offline import page, until_kept
from tests.web.site import CHEAP
from tests.wire import http_client

__all__ = ["page"]

GRACE = "grace@example.org"


async def unread(site: Site, email: str, count: int) -> None:
    """Wait until so many of somebody's are unread in the store."""
    async with site.store() as notifs, asyncio.timeout(20):
        while len(await notifs.get_unread_notifs((await notifs.store.user(email)).id)) != count:
            await asyncio.sleep(0.05)


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
    async with sqlite_site.store() as notifs:
        grace = await notifs.store.add_user(GRACE, "Grace Hopper", CHEAP)
        for n in range(3):
            await notifs.notify(to=grace.id, title=f"For Grace {n}")
    await context.set_offline(True)
    await page.get_by_role("button", name="Mark all as read").click()
    await expect(page.locator("main")).to_contain_text("1 change is kept for later.")
    async with http_client() as http:
        answer = await http.post(f"{sqlite_site.url}/login/", data={"email": GRACE, "password": PASSWORD})
    await context.add_cookies([{"name": "notifs", "value": answer.cookies["notifs"], "url": sqlite_site.url}])
    await context.set_offline(False)
    await expect(unread_tab(page)).to_contain_text("3", timeout=20_000)
    await expect(row(page, "For Grace 2")).to_be_visible()
    await expect(row(page, "Before the tunnel")).to_have_count(0)
    await expect(page.locator("main")).not_to_contain_text("kept for later")
    await unread(sqlite_site, GRACE, 3)
    await unread(sqlite_site, EMAIL, 1)

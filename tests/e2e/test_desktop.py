"""Notifications on the desktop: with leave, from one tab, and gone when they are read elsewhere."""

from uuid import UUID

import pytest
from playwright.async_api import Browser, BrowserContext, expect

from tests.e2e.alerted import decided, desktop, look_at, settings, tabs, toast, told
from tests.e2e.conftest import EMAIL, Site, row


@pytest.fixture
def browser(desktop_browser: Browser) -> Browser:
    return desktop_browser


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
    notifs = sqlite_site.notifs
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

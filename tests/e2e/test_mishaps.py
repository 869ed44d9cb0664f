"""What nobody means to happen to an inbox: its session ends elsewhere, a page gives it a tab that there is none of."""

from datetime import timedelta

from playwright.async_api import Page, expect
from sqlalchemy import update

from notifs.store.models import Notification, utcnow
from tests.e2e.conftest import Site, inbox, row, settled, titles


async def test_a_long_list_gives_way_when_its_reader_is_signed_out_elsewhere(sqlite_site: Site, page: Page) -> None:
    for n in range(40):
        await sqlite_site.send(f"number {n}")
    await sqlite_site.open(page)
    await expect(row(page, "number 39")).to_be_visible()
    other = await page.context.new_page()
    await other.goto(page.url)
    await other.get_by_role("button", name="Sign out").click()
    await expect(inbox(page)).to_contain_text("You have been signed out.")
    assert (
        await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => drawn('still there')))")
        == "still there"
    )


async def test_a_tab_that_there_is_none_of_is_unread(sqlite_site: Site, page: Page) -> None:
    await sqlite_site.send("hello")
    await sqlite_site.open(page)
    for change in ("removeAttribute('filter')", "setAttribute('filter', 'everything')", "filter = undefined"):
        await page.get_by_role("tab", name="Archived").click()
        await expect(row(page, "hello")).to_have_count(0)
        await page.evaluate(f"document.querySelector('notifs-inbox').{change}")
        await expect(row(page, "hello")).to_be_visible()


async def test_days_are_in_order_also_where_an_announcement_is_taken_in_late(sqlite_site: Site, page: Page) -> None:
    notifs = sqlite_site.notifs
    await sqlite_site.send("of two days ago")
    await notifs.announce(title="announced two days ago")
    async with notifs.session() as session:
        await session.execute(update(Notification).values(created_at=utcnow() - timedelta(days=2)))
        await session.commit()
    await sqlite_site.send("of today")
    order = ["of today", "announced two days ago", "of two days ago"]
    await sqlite_site.known(page.context)
    await page.route("**/*.js*", lambda route: route.abort())
    await page.goto(f"{sqlite_site.url}/notifications/")
    assert await titles(page) == order, "as the server paints it"
    await page.unroute_all()
    await page.reload()
    await settled(page)
    assert await titles(page) == order

"""The main job, as people do it: sign in, connect, and watch notifications arrive. Real uvicorn, real Chromium."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import EMAIL, Site, accessible, row, serving, settled, titles, unread_tab


async def test_ada_signs_in_and_a_notification_appears_by_itself(site: Site, page: Page) -> None:
    await site.send("Before she came", body="It was sent before", url="/x")
    await site.sign_in(page)
    await expect(row(page, "Before she came")).to_contain_text("It was sent before")
    await expect(page.locator("notifs-bell")).to_contain_text("1")
    await settled(page)
    await page.evaluate("window.name = 'never reloaded'")
    await site.command("send", EMAIL, "Hello", "--body", "Live")
    # SQLite is asked at once whether another process has written; PostgreSQL is looked at every 5 s.
    patience = 1_000 if site.env["NOTIFS_DATABASE_URL"].startswith("sqlite") else 6_000
    await expect(row(page, "Hello")).to_be_visible(timeout=patience)
    await expect(page.locator("notifs-toasts")).to_contain_text("Hello")
    await expect(page.locator("notifs-bell")).to_contain_text("2")
    assert await titles(page) == ["Hello", "Before she came"]
    assert await page.evaluate("window.name") == "never reloaded"


async def test_reading_in_one_tab_changes_every_tab(site: Site, context: BrowserContext, page: Page) -> None:
    for title in ("one", "two", "three"):
        await site.send(title)
    await site.sign_in(page)
    other = await context.new_page()
    await other.goto(f"{site.url}/notifications/?filter=all")
    for tab in (page, other):
        await settled(tab)
        await expect(unread_tab(tab)).to_contain_text("3")
    await page.get_by_role("button", name="Mark as read: two").click()
    for tab in (page, other):
        await expect(unread_tab(tab)).to_contain_text("2")
    await expect(row(page, "two")).to_have_count(0)
    await expect(row(other, "two")).not_to_contain_text("Unread")
    await other.get_by_role("button", name="Mark as unread: two").click()
    await expect(row(page, "two")).to_be_visible()
    await page.get_by_role("button", name="Archive: three").click()
    await expect(row(other, "three")).to_have_count(0)
    await other.get_by_role("tab", name="Archived").click()
    await expect(row(other, "three")).to_be_visible()
    await page.get_by_role("button", name="Mark all as read").click()
    for tab in (page, other):
        await expect(unread_tab(tab)).not_to_contain_text(re.compile("[0-9]"))
    await expect(page.get_by_text("You are all caught up")).to_be_visible()


async def test_a_title_leads_to_its_place_and_is_read_by_that(sqlite_site: Site, page: Page) -> None:
    await sqlite_site.send("Go there", url="/notifications/?filter=archived")
    await sqlite_site.open(page)
    await page.get_by_role("link", name="Go there").click()
    await page.wait_for_url("**/notifications/?filter=archived")
    await page.goto(f"{sqlite_site.url}/notifications/")
    await expect(page.get_by_text("You are all caught up")).to_be_visible()


async def test_a_lost_connection_is_told_and_nothing_is_missing_or_twice_afterwards(
    sqlite_site: Site, page: Page
) -> None:
    site = sqlite_site
    await site.send("first")
    await site.open(page)
    site.kill()
    await expect(page.get_by_text(re.compile("Could not reach the server")).last).to_be_visible()
    await site.send("while away")
    await site.send("and another")
    async with site.again():
        await expect(row(page, "and another")).to_be_visible(timeout=15_000)
        await expect(page.get_by_text(re.compile("Could not reach the server"))).to_have_count(0)
        await site.send("live again")
        await expect(row(page, "live again")).to_be_visible()
        assert await titles(page) == ["live again", "and another", "while away", "first"]


async def test_signing_out_elsewhere_ends_this_tab_calmly(
    sqlite_site: Site, context: BrowserContext, page: Page
) -> None:
    await sqlite_site.open(page)
    other = await context.new_page()
    await other.goto(sqlite_site.url)
    await other.get_by_role("button", name="Sign out").click()
    await expect(page.locator("notifs-inbox").get_by_role("link", name="Sign in")).to_be_visible()
    await sqlite_site.sign_in(other)
    await page.evaluate("dispatchEvent(new Event('online'))")  # whoever were still to come back would do it now
    for title in ("secret", "and another"):
        await sqlite_site.send(title)
        await expect(row(other, title)).to_be_visible()
    assert await page.get_by_text("secret").count() == 0


async def test_without_sockets_the_page_still_works(sqlite_url: str, tmp_path: Path, page: Page) -> None:
    async with serving(sqlite_url, tmp_path, INTEGRATE_SOCKETIO="false") as here:
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        await here.send("one")
        await here.open(page)
        await page.get_by_role("button", name="Mark as read: one").click()
        await expect(page.get_by_text("You are all caught up")).to_be_visible()
        await here.send("two")
        await expect(row(page, "two")).to_be_visible(timeout=12_000)
        assert sockets == []


@pytest.fixture
async def plain_page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(java_script_enabled=False)
    yield await context.new_page()
    await context.close()


async def test_without_javascript_the_page_reads_marks_and_pages_back(sqlite_site: Site, plain_page: Page) -> None:
    page = plain_page
    for title in ("one", "two"):
        await sqlite_site.send(title)
    await sqlite_site.sign_in(page)
    await expect(row(page, "one")).to_be_visible()
    await page.get_by_role("button", name="Mark as read: two").click()
    await expect(row(page, "two")).to_have_count(0)
    await page.get_by_role("button", name="Archive: one").click()
    await expect(row(page, "one")).to_have_count(0)
    await page.get_by_role("link", name="Archived").click()
    await expect(row(page, "one")).to_be_visible()


async def test_axe_finds_nothing(sqlite_site: Site, page: Page) -> None:
    async def check(state: str) -> None:
        await accessible(page, state)

    await page.goto(f"{sqlite_site.url}/login/")
    await check("signing in")
    await page.get_by_label("Email").fill(EMAIL)
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("Email or password is wrong.")).to_be_visible()
    await check("wrong password")
    await sqlite_site.open(page)
    await check("empty inbox")
    for n in range(3):
        await sqlite_site.send(f"number {n}", body="text", url="/", priority="urgent")
    await expect(row(page, "number 2")).to_be_visible()
    await check("inbox with toasts")
    await page.get_by_role("button", name=re.compile("^Notifications")).click()
    await expect(page.get_by_role("link", name="Open inbox")).to_be_visible()
    await check("popover")
    await page.keyboard.press("Escape")
    await page.get_by_role("tab", name="All").click()
    await check("all")
    await page.goto(f"{sqlite_site.url}/nowhere")
    await check("error page")

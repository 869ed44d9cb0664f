"""The last inbox without a network: for whom it is, for as long as they are signed in, and never an old page."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from notifs.store.accounts import hash_password
from tests.e2e.conftest import EMAIL, PASSWORD, Site, row, settled
from tests.e2e.test_host import host
from tests.waiting import becomes
from tests.wire import listening

KEPT = """async () => {
    const kept = [];
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) {
            kept.push([new URL(request.url).pathname, await (await cache.match(request)).text()]);
        }
    }
    return kept;
}"""
"""Every path that is in a cache of the page's origin, and what is kept of it."""

SCRIPTS = """async () => {
    const names = await caches.keys();
    const requests = await Promise.all(names.map(async name => (await caches.open(name)).keys()));
    const urls = requests.flat().map(({ url }) => new URL(url));
    return urls.filter(url => url.pathname.endsWith("/notifs.js")).map(url => url.search);
}"""
"""The versions of the script that are kept."""


async def kept(page: Page) -> dict[str, str]:
    found: list[tuple[str, str]] = await page.evaluate(KEPT)
    return dict(found)


async def until_kept(page: Page, words: str) -> None:
    """Wait until a page, or its changes, with these words is kept."""

    async def is_kept() -> bool:
        return any(words in text for path, text in (await kept(page)).items() if not path.endswith(".js"))

    await becomes(is_kept, True)


async def until_forgotten(page: Page) -> None:
    await becomes(lambda: kept(page), {})


@pytest.fixture
async def page(sqlite_site: Site, context: BrowserContext) -> Page:
    """Ada's inbox, with one notification, which is kept."""
    page = await context.new_page()
    await sqlite_site.send("Before the tunnel")
    await sqlite_site.open(page)
    await settled(page)
    await until_kept(page, "Before the tunnel")
    return page


async def test_the_last_inbox_is_there_without_a_network(
    sqlite_site: Site, context: BrowserContext, page: Page
) -> None:
    await sqlite_site.send("Came live")
    await expect(row(page, "Came live")).to_be_visible()
    await until_kept(page, "Came live")
    await context.set_offline(True)
    await page.reload()
    await settled(page)
    await expect(page.locator("notifs-inbox .summary").get_by_text("This is a copy of")).to_be_visible()
    for title in ("Before the tunnel", "Came live"):
        await expect(row(page, title)).to_be_visible()
    await context.set_offline(False)
    await sqlite_site.send("After the tunnel")
    await expect(row(page, "After the tunnel")).to_be_visible(timeout=15_000)
    await expect(page.locator("notifs-inbox .summary").get_by_text("This is a copy of")).to_have_count(0)


async def test_what_is_done_without_a_network_is_done_once_there_is_one(
    sqlite_site: Site, context: BrowserContext, page: Page
) -> None:
    await context.set_offline(True)
    await page.reload()
    await settled(page)
    await page.get_by_role("button", name="Mark as read: Before the tunnel").click()
    await expect(row(page, "Before the tunnel")).to_have_count(0)
    await context.set_offline(False)
    await expect(page.locator("notifs-inbox .summary").get_by_text("This is a copy of")).to_have_count(
        0, timeout=15_000
    )
    ada = (await sqlite_site.notifs.store.user(EMAIL)).id
    async with asyncio.timeout(10):
        while await sqlite_site.notifs.get_unread_notifs(ada) != []:
            await asyncio.sleep(0.05)


async def test_what_is_kept_is_the_inbox_and_its_files_alone(
    sqlite_site: Site, context: BrowserContext, page: Page
) -> None:
    for path in ("/account/", "/notifications/?before=1", "/api/v1/inbox", "/notifications/?filter=all"):
        await page.goto(sqlite_site.url + path)
    await settled(page)
    paths = set(await kept(page))
    assert "/notifications/" in paths
    parts = {path.name.partition("-")[0] for path in map(Path, paths) if path.parent.name == "parts"}
    assert parts == {"base", "shared", "view", "triage", "alerting", "beyond"}
    assert all(path == "/notifications/" or path.startswith("/notifs/static/") for path in paths), paths
    await context.set_offline(True)
    with pytest.raises(Exception, match="ERR_INTERNET_DISCONNECTED"):
        await page.goto(f"{sqlite_site.url}/account/")


async def test_signing_out_forgets_it(sqlite_site: Site, context: BrowserContext, page: Page) -> None:
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Email")).to_be_visible()
    await until_forgotten(page)
    await context.set_offline(True)
    with pytest.raises(Exception, match=r"ERR_FAILED|ERR_INTERNET_DISCONNECTED"):
        await page.goto(f"{sqlite_site.url}/notifications/")
    await expect(page.get_by_text("Before the tunnel")).to_have_count(0)


async def test_signing_out_without_a_network_forgets_it_too(
    sqlite_site: Site, context: BrowserContext, page: Page
) -> None:
    witness = await context.new_page()
    await witness.goto(f"{sqlite_site.url}/notifs/static/notifs.svg")
    await context.set_offline(True)
    await page.reload()
    await settled(page)
    await page.get_by_role("button", name="Sign out").click()
    await until_forgotten(witness)


async def test_a_session_that_was_ended_elsewhere_is_forgotten_too(sqlite_site: Site, page: Page) -> None:
    store = sqlite_site.notifs.store
    await store.accounts.end_sign_ins((await store.user(EMAIL)).id)
    await expect(page.locator("notifs-inbox").get_by_role("link", name="Sign in")).to_be_visible(timeout=15_000)
    await until_forgotten(page)


async def test_a_server_that_does_not_know_the_person_any_more_is_believed(
    sqlite_site: Site, context: BrowserContext, page: Page
) -> None:
    await page.goto("about:blank")
    await context.clear_cookies()
    await page.goto(f"{sqlite_site.url}/notifications/")
    await expect(page.get_by_label("Email")).to_be_visible()
    await until_forgotten(page)


async def test_below_a_hosts_path_the_host_is_believed_too(sqlite_url: str, context: BrowserContext) -> None:
    notifs, app = host(sqlite_url)
    async with listening(app) as url:
        await context.add_cookies([{"name": "customer", "value": "42", "url": url}])
        await notifs.notify(to="42", title="Before the tunnel")
        page = await context.new_page()
        await page.goto(f"{url}/inbox/notifications/")
        await until_kept(page, "Before the tunnel")
        assert {path.split("/")[1] for path in await kept(page)} == {"inbox"}
        await context.clear_cookies()
        response = await page.goto(f"{url}/inbox/notifications/")
        assert response is not None
        assert response.status == 401
        await until_forgotten(page)


async def test_who_signs_in_at_a_host_finds_nothing_of_the_one_before(sqlite_url: str, context: BrowserContext) -> None:
    """Nobody comes by a door of ours, and the host's page does not say who it is for."""
    notifs, app = host(sqlite_url, offline=True)
    async with listening(app) as url:
        page = await context.new_page()
        for customer, count in (("42", 1), ("43", 2)):
            for n in range(count):
                await notifs.notify(to=customer, title=f"Only for {customer}: {n}")
        await context.add_cookies([{"name": "customer", "value": "42", "url": url}])
        await page.goto(f"{url}/inbox/notifications/")
        await until_kept(page, "Only for 42")
        await page.goto(f"{url}/shop")
        await expect(page.get_by_role("button", name=re.compile("^Notifications, 1"))).to_be_visible()
        await until_kept(page, "Only for 42")
        await context.add_cookies([{"name": "customer", "value": "43", "url": url}])
        await page.goto(f"{url}/shop")
        await expect(page.get_by_role("button", name=re.compile("^Notifications, 2"))).to_be_visible()
        await until_forgotten(page)
        await context.set_offline(True)
        with pytest.raises(Exception, match=r"ERR_FAILED|ERR_INTERNET_DISCONNECTED"):
            await page.goto(f"{url}/inbox/notifications/")


async def test_another_person_sees_nothing_of_it(
    sqlite_site: Site, browser: Browser, context: BrowserContext, page: Page
) -> None:
    await sqlite_site.notifs.store.add_user("bob@example.org", "Bob", hash_password(PASSWORD))
    other = await browser.new_context()
    his = await other.new_page()
    await his.goto(f"{sqlite_site.url}/login/")
    await his.get_by_label("Email").fill("bob@example.org")
    await his.get_by_label("Password").fill(PASSWORD)
    await his.get_by_role("button", name="Sign in").click()
    await settled(his)
    # As if the browser had not seen how the one left and the other came.
    cookies: Any = await other.cookies()
    await other.close()
    await page.goto("about:blank")
    await context.add_cookies(cookies)
    await page.goto(f"{sqlite_site.url}/notifications/")
    await settled(page)
    await expect(page.get_by_role("link", name="Bob, your account")).to_be_visible()
    await until_kept(page, "Bob, your account")
    assert "tunnel" not in str(await kept(page))
    await context.set_offline(True)
    await page.goto(f"{sqlite_site.url}/notifications/?filter=all")
    await expect(page.get_by_role("link", name="Bob, your account")).to_be_visible()
    assert "tunnel" not in await page.content()


async def newer(route: Route) -> None:
    """As the page is after the next version has come."""
    answer = await route.fetch()
    body = re.sub(r"notifs\.js\?v=\w+", "notifs.js?v=0123456789ab", await answer.text())
    await route.fulfill(response=answer, body=body)


async def test_a_new_version_is_taken_with_the_first_page_that_names_it(
    sqlite_site: Site, context: BrowserContext, page: Page
) -> None:
    await context.route("**/notifications/", newer)
    await page.reload()
    await settled(page)
    assert await page.locator("script[src$='?v=0123456789ab']").count() == 1
    await until_kept(page, "?v=0123456789ab")
    assert await page.evaluate(SCRIPTS) == ["?v=0123456789ab"]
    await context.unroute("**/notifications/", newer)
    await context.set_offline(True)
    await page.reload()
    await settled(page)
    await expect(row(page, "Before the tunnel")).to_be_visible()


async def test_a_new_version_that_does_not_come_whole_leaves_the_old_one(
    sqlite_site: Site, context: BrowserContext, page: Page
) -> None:
    before = await kept(page)
    failed = asyncio.Semaphore(0)

    async def fails(route: Route) -> None:
        await route.abort()
        failed.release()

    await context.route("**/notifications/", newer)
    await context.route("**/notifs.js?v=0123456789ab", fails)
    await page.reload()
    async with asyncio.timeout(10):
        for _ in ("the page's", "what was to be kept"):
            await failed.acquire()
    await context.set_offline(True)
    await context.unroute_all()
    await page.reload()
    await settled(page)
    await expect(row(page, "Before the tunnel")).to_be_visible()
    assert set(before) == set(await kept(page))


async def test_the_app_can_be_installed_under_any_path(sqlite_site: Site, page: Page) -> None:
    address = await page.locator("link[rel=manifest]").get_attribute("href")
    manifest = await page.evaluate("async address => (await fetch(address)).json()", address)
    assert await page.evaluate("([path, base]) => new URL(path, new URL(base, location)).pathname", [
        manifest["start_url"], address,
    ]) == "/notifications/"  # fmt: skip
    for icon in manifest["icons"]:
        answer = await page.request.get(f"{sqlite_site.url}/notifs/static/{icon['src']}")
        assert answer.headers["content-type"].split(";")[0] == icon["type"]
    client = await page.context.new_cdp_session(page)
    found = await client.send("Page.getInstallabilityErrors")
    assert [each["errorId"] for each in found["installabilityErrors"] if each["errorId"] != "in-incognito"] == []

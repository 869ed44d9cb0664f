"""In somebody else's FastAPI app, under their users, their pages and their path."""

import asyncio
import re
import time

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.async_api import Page, expect
from starlette.requests import HTTPConnection
from starlette.types import Scope

from notifs import Notifs, Settings
from tests.e2e.alerted import LIVE
from tests.tokens import HOST, token
from tests.wire import listening

PAGE = """<!doctype html><html lang="en"><title>Shop</title><h1>A shop</h1>
<script type="module" src="/inbox/notifs/static/notifs.js"></script>
<notifs-bell base="/inbox"></notifs-bell><notifs-toasts base="/inbox"></notifs-toasts></html>"""


async def nobody(scope: Scope) -> str | None:
    return None


POLICY = "; ".join([
    "default-src 'none'", "script-src 'self'", "connect-src 'self'",
    "require-trusted-types-for 'script'", "trusted-types lit-html",
])  # fmt: skip
"""All that the elements need of a host's page."""


async def identify(scope: Scope) -> str | None:
    return HTTPConnection(scope).cookies.get("customer")


def host(database_url: str, *, offline: bool = False) -> tuple[Notifs, FastAPI]:
    """A shop that signs people in by itself, and has the inbox below a path of its own; a bell may be `offline`."""
    page, policy = PAGE, POLICY
    if offline:
        page = PAGE.replace('base="/inbox">', 'base="/inbox" offline>', 1)
        policy = f"{POLICY.replace('lit-html', 'lit-html notifs')}; worker-src 'self'"
    notifs = Notifs(Settings(database_url=database_url), identify=identify, path="/inbox")
    app = FastAPI(lifespan=notifs.lifespan)
    notifs.mount(app)

    @app.get("/shop")
    async def shop() -> HTMLResponse:
        return HTMLResponse(page, headers={"content-security-policy": policy})

    return notifs, app


async def test_the_bell_lives_on_a_hosts_page_and_the_inbox_under_its_path(sqlite_url: str, page: Page) -> None:
    notifs, app = host(sqlite_url)
    async with listening(app) as url:
        await page.context.add_cookies([{"name": "customer", "value": "42", "url": url}])
        async with page.expect_websocket() as socket:
            await page.goto(f"{url}/shop")
        await (await socket.value).wait_for_event("framereceived", lambda frame: '"snapshot"' in str(frame))
        id = await notifs.notify(to="42", title="Your order is on its way", url="/shop")
        await expect(page.locator("notifs-toasts")).to_contain_text("Your order is on its way")
        bell = page.get_by_role("button", name=re.compile("^Notifications, 1"))
        await bell.click()
        await expect(page.get_by_role("dialog").get_by_text("Your order is on its way")).to_be_visible()
        await expect(page.get_by_role("button", name=re.compile("^Notifications$"))).to_be_visible()  # seen now
        await page.goto(f"{url}/inbox/notifications/")
        await expect(page.locator("notifs-bell")).to_be_visible()
        link = page.locator("main").get_by_role("link", name="Your order is on its way")
        assert await link.get_attribute("href") == f"/inbox/notifications/{id}/read/"
        await link.click()
        await page.wait_for_url("**/shop")
        assert await notifs.get_unread_notifs("42") == []


async def test_who_the_host_does_not_know_gets_no_inbox_and_no_sign_in_of_ours(sqlite_url: str, page: Page) -> None:
    notifs = Notifs(Settings(database_url=sqlite_url), identify=identify)
    app = FastAPI(lifespan=notifs.lifespan)
    notifs.mount(app)
    async with listening(app) as url:
        response = await page.goto(f"{url}/notifications/")
        assert response is not None
        assert response.status == 401
        assert await page.get_by_role("link", name="Sign in").count() == 0
        response = await page.goto(f"{url}/login/")
        assert response is not None
        assert response.status == 404


async def test_a_page_signs_in_by_tokens_and_stays_while_they_replace_each_other(sqlite_url: str, page: Page) -> None:
    notifs = Notifs(Settings(database_url=sqlite_url, **HOST), identify=nobody, path="/inbox")
    app = FastAPI(lifespan=notifs.lifespan)
    notifs.mount(app)
    given: list[str] = []

    @app.get("/shop")
    async def shop() -> HTMLResponse:
        return HTMLResponse(PAGE.replace('base="/inbox"', 'base="/inbox" token-url="/notifs-token"'))

    @app.get("/notifs-token")
    async def notifs_token() -> dict[str, str]:
        given.append(token("42", seconds=8, iat=int(time.time())))
        return {"token": given[-1]}

    async with listening(app) as url:
        await page.goto(f"{url}/shop")
        async with asyncio.timeout(15):
            while len(given) < 3:  # after about 6 s each
                await asyncio.sleep(0.05)
        await notifs.notify(to="42", title="Your order is on its way", url="/shop")
        await expect(page.locator("notifs-toasts")).to_contain_text("Your order is on its way")
        assert len(notifs.realtime.connections) == 1


async def test_links_lead_on_where_only_a_token_says_who_somebody_is(sqlite_url: str, page: Page) -> None:
    notifs = Notifs(Settings(database_url=sqlite_url, **HOST), identify=nobody, path="/inbox")
    app = FastAPI(lifespan=notifs.lifespan)
    notifs.mount(app)

    @app.get("/shop")
    async def shop() -> HTMLResponse:
        return HTMLResponse(PAGE.replace('base="/inbox"', 'base="/inbox" token-url="/notifs-token"'))

    @app.get("/notifs-token")
    async def notifs_token() -> dict[str, str]:
        return {"token": token("42")}

    async def left() -> list[str]:
        """The titles that are unread."""
        return [notif["title"] for notif in await notifs.get_unread_notifs("42")]

    async def settles(*titles: str) -> None:
        async with asyncio.timeout(10):
            while await left() != list(titles):
                await asyncio.sleep(0.05)

    async with listening(app) as url:
        for number in range(2):
            await notifs.notify(to="42", title=f"Order {number}", url=f"/shop?order={number}")
        await page.goto(f"{url}/shop")
        await page.get_by_role("button", name=re.compile("^Notifications, 2")).click()
        panel = page.get_by_role("dialog")
        await expect(panel.get_by_role("button", name="Alerts")).to_be_visible()
        assert await panel.get_by_role("link", name="Open inbox").count() == 0
        async with page.context.expect_page() as opened:
            await panel.get_by_role("link", name="Order 1").click(button="middle")
        other = await opened.value
        await other.wait_for_url("**/shop?order=1")
        await other.close()
        await panel.get_by_role("link", name="Order 1").click()
        await page.wait_for_url("**/shop?order=1")
        await settles("Order 0")
        await page.wait_for_function(LIVE)
        await notifs.notify(to="42", title="Order 2", url="/shop?order=2")
        await page.locator("notifs-toasts").get_by_role("link", name="Order 2").click()
        await page.wait_for_url("**/shop?order=2")
        await settles("Order 0")


async def test_a_page_that_stays_open_shows_the_mailbox_of_who_is_signed_in_by_now(sqlite_url: str, page: Page) -> None:
    notifs = Notifs(Settings(database_url=sqlite_url, **HOST), identify=nobody, path="/inbox")
    app = FastAPI(lifespan=notifs.lifespan)
    notifs.mount(app)
    who = "42"

    @app.get("/shop")
    async def shop() -> HTMLResponse:
        return HTMLResponse(PAGE.replace('base="/inbox"', 'base="/inbox" token-url="/notifs-token"'))

    @app.get("/notifs-token")
    async def notifs_token() -> dict[str, str]:
        return {"token": token(who, seconds=8, iat=int(time.time()))}

    async with listening(app) as url:
        for number in range(3):
            await notifs.notify(to="42", title=f"Of 42: {number}")
        await notifs.notify(to="43", title="Of 43")
        await page.goto(f"{url}/shop")
        bell = page.locator("notifs-bell")
        await expect(bell.get_by_role("button")).to_contain_text("3")
        who = "43"
        await expect(bell.get_by_role("button")).to_contain_text("1", timeout=15_000)
        assert notifs.realtime.rooms.recipients() == ["43"]
        await bell.get_by_role("button").first.click()
        await expect(bell).to_contain_text("Of 43")
        assert "Of 42" not in await bell.inner_text()
        assert len(notifs.realtime.connections) == 1

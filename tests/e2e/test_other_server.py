"""The main job under granian, a server that knows nothing of us but `asgi:app`.

Its scopes have no line of their own (`notifs/realtime/lines.py`): all that a socket is sent goes by ASGI's ordinary
messages, and the HTTP is not ours either.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from playwright.async_api import BrowserContext, Page, expect
from websockets.exceptions import InvalidStatus

from tests import servers
from tests.e2e.conftest import EMAIL, Site, row, settled, titles, unread_tab, unserved
from tests.faults.proxy import Proxy, proxy
from tests.programs import START_SECONDS, Child, free_port
from tests.wire import PATIENCE, Client, http_client

GRANIAN = ("-m", "granian", "--interface", "asgi", "--workers", "1", "--ws", "asgi:app")


@asynccontextmanager
async def granian(site: Site) -> AsyncIterator[int]:
    """The site under granian; yields the port once it answers."""
    port = free_port()
    env = {**servers.clean_environment(), **site.env}
    command = [sys.executable, *GRANIAN, "--port", str(port)]
    # SIGKILL would leave its worker alone, should the test process be killed.
    with Child(command, ready="Started worker", env=env, cwd=site.folder, end=signal.SIGTERM) as child:
        await asyncio.to_thread(child.wait_ready)
        await answers(port)
        yield port


async def answers(port: int) -> None:
    """Wait until the worker listens and answers; granian calls it started before it has imported anything."""
    async with asyncio.timeout(START_SECONDS), http_client(f"http://127.0.0.1:{port}", timeout=START_SECONDS) as http:
        while True:
            with suppress(httpx2.ConnectError):
                assert (await http.get("/healthz")).is_success
                return
            await asyncio.sleep(0.05)


@pytest.fixture
async def other_site(sqlite_url: str, tmp_path: Path) -> AsyncIterator[tuple[Site, Proxy]]:
    """A site under granian, and the network that it is behind."""
    async with unserved(sqlite_url, tmp_path) as site, granian(site) as port, proxy(port) as network:
        yield replace(site, url=network.url), network


def received(page: Page) -> list[str]:
    """The frames that the page's sockets are sent from now on; the list grows."""
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    return frames


async def told(frames: list[str], title: str) -> None:
    """Wait until a frame has the title; a page without a socket would ask by HTTP every few seconds."""
    async with asyncio.timeout(PATIENCE):
        while not any(f'"{title}"' in frame for frame in frames):
            await asyncio.sleep(0.05)


async def test_a_socket_without_a_session_is_refused(other_site: tuple[Site, Proxy]) -> None:
    site, _ = other_site
    with pytest.raises(InvalidStatus) as refused:
        async with Client.open(site.url):
            pass
    assert refused.value.response.status_code == 401


async def test_the_main_job_from_signing_in_to_signing_out(
    other_site: tuple[Site, Proxy], context: BrowserContext, page: Page
) -> None:
    site, network = other_site
    await site.send("Before she came", body="It was sent before")
    await site.sign_in(page)
    await expect(row(page, "Before she came")).to_contain_text("It was sent before")
    other = await context.new_page()
    frames = received(other)
    await other.goto(f"{site.url}/notifications/")
    for tab in (page, other):
        await settled(tab)
        await expect(unread_tab(tab)).to_contain_text("1")

    await site.command("send", EMAIL, "Hello", "--body", "Live")
    await told(frames, "Hello")
    for tab in (page, other):
        await expect(row(tab, "Hello")).to_be_visible()
        await expect(tab.locator("notifs-bell")).to_contain_text("2")

    await page.locator("notifs-inbox").get_by_role("button", name="Mark as read: Hello").click()
    for tab in (page, other):
        await expect(unread_tab(tab)).to_contain_text("1")
        await expect(tab.locator("notifs-bell")).to_contain_text("1")
        await expect(row(tab, "Hello")).to_have_count(0)

    await network.refuse()
    for title in ("while away", "and another"):
        await site.send(title)
    for tab in (page, other):
        await expect(tab.get_by_text("Could not reach the server").first).to_be_visible()
    await network.accept()
    for tab in (page, other):
        await expect(row(tab, "and another")).to_be_visible(timeout=15_000)
        await expect(tab.get_by_text("Could not reach the server")).to_have_count(0)
    await site.send("live again")
    await told(frames, "live again")
    for tab in (page, other):
        await expect(row(tab, "live again")).to_be_visible()
        assert await titles(tab) == ["live again", "and another", "while away", "Before she came"]

    (session,) = [cookie for cookie in await context.cookies() if cookie.get("name") == "notifs"]
    async with Client.open(site.url, headers={"cookie": f"notifs={session['value']}"}) as client:
        await other.get_by_role("button", name="Sign out").click()
        await client.end()
        assert client.ending == (1008, "signed_out")
    await expect(page.locator("notifs-inbox").get_by_role("link", name="Sign in")).to_be_visible()
    await site.sign_in(other)
    await page.evaluate("dispatchEvent(new Event('online'))")  # whoever were still to come back would do it now
    for title in ("secret", "and another"):
        await site.send(title)
        await expect(row(other, title)).to_be_visible()
    assert await page.get_by_text("secret").count() == 0

"""A real `notifs serve` on each database, and people who are signed in to it in a real browser."""

import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from notifs import Notifs, Settings
from notifs.signing import Signer
from notifs.store import sessions
from tests import programs, servers
from tests.web.site import CHEAP

PASSWORD = "correct horse battery staple"
EMAIL = "ada@example.org"

EVERYTHING = {"resultTypes": ["violations"]}
"""Of axe's rules; what is well is not listed."""
COLOURS = {**EVERYTHING, "runOnly": ["color-contrast", "link-in-text-block"]}
"""The rules that a colour can break."""

expect.set_options(timeout=10_000)


@dataclass(frozen=True)
class Site:
    """A site with one person, who is called Ada. `notifs` is opened beside the server, as by another program."""

    url: str
    env: dict[str, str]
    folder: Path
    notifs: Notifs
    kill: Callable[[], None] = lambda: None

    async def command(self, *args: str) -> None:
        """Run the command line against the site's database, in another process."""
        env = {**servers.clean_environment(), **self.env}
        status, lines = await programs.run([*servers.notifs_command(), *args], env=env, cwd=self.folder)
        assert status == 0, lines

    @asynccontextmanager
    async def again(self) -> AsyncIterator[None]:
        """Serve it once more, where it was served before it was killed."""
        async with servers.serving(self.env, "--port", self.url.rpartition(":")[2], cwd=self.folder):
            yield

    async def send(self, title: str, **fields: Any) -> str:
        """Notify Ada from this process, which is not the server's; returns the id."""
        return await self.notifs.notify(to=(await self.notifs.store.user(EMAIL)).id, title=title, **fields)

    async def cookie(self) -> str:
        """The Cookie header of a new sign-in of Ada's, made without the form."""
        token, ada = secrets.token_urlsafe(32), await self.notifs.store.user(EMAIL)
        key = Signer(self.notifs.settings.secret_keys).hashes(token)[0]
        await self.notifs.store.database.write(lambda c: sessions.start(c, ada.id, key, 1))
        return f"notifs={token}"

    async def known(self, context: BrowserContext) -> None:
        """Sign Ada in to a browser that shows no page for it."""
        name, _, value = (await self.cookie()).partition("=")
        await context.add_cookies([{"name": name, "value": value, "url": self.url}])

    async def open(self, page: Page) -> None:
        """Open Ada's inbox, where it is no matter how she has signed in."""
        await self.known(page.context)
        await page.goto(f"{self.url}/notifications/")
        await settled(page)

    async def sign_in(self, page: Page) -> None:
        """Sign Ada in, the way she does it."""
        await page.goto(self.url)
        await page.get_by_label("Email").fill(EMAIL)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("heading", name="Notifications", level=1)).to_be_visible()


@asynccontextmanager
async def unserved(database_url: str, folder: Path, **env: str) -> AsyncIterator[Site]:
    """A site that knows Ada, without a server."""
    async with Notifs(Settings(database_url=database_url)).open() as notifs:
        await notifs.store.add_user(EMAIL, "Ada Lovelace", CHEAP)
        yield Site("", {"NOTIFS_DATABASE_URL": database_url, **env}, folder, notifs)


@asynccontextmanager
async def serving(database_url: str, folder: Path, *args: str, **env: str) -> AsyncIterator[Site]:
    """A site that Ada can sign in to."""
    async with unserved(database_url, folder, **env) as site, servers.serving(site.env, *args, cwd=folder) as served:
        yield replace(site, url=served.url, kill=served.kill)


def inbox(page: Page) -> Locator:
    return page.locator("notifs-inbox")


def oldest(inbox: Locator) -> Locator:
    """The row of the first of many, once it is drawn."""
    return inbox.get_by_role("listitem").filter(has_text=re.compile(r"number 0(?!\d)"))


def row(page: Page, title: str) -> Locator:
    """A notification in the inbox."""
    return page.locator("notifs-inbox").get_by_role("listitem").filter(has_text=title)


def unread_tab(page: Page) -> Locator:
    """What says how many are unread."""
    return page.locator("main").get_by_role("tab", name=re.compile("^Unread"))


async def titles(page: Page) -> list[str]:
    """The titles in the inbox, from the top."""
    texts = await page.locator("notifs-inbox").get_by_role("heading", level=3).all_inner_texts()
    return [re.sub(r"^\s*Unread:\s*", "", text).strip() for text in texts]


async def settled(page: Page) -> None:
    """The element has taken over from what the server rendered, and what comes later is there too."""
    await expect(page.locator("notifs-inbox").get_by_role("tablist")).to_be_visible()
    await expect(page.locator("notifs-inbox #menu")).to_be_attached()


async def broken(page: Page, options: dict[str, Any] = EVERYTHING, within: str = "html") -> list[tuple[Any, ...]]:
    """What axe finds: the rule, where, and why."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(Axe().axe_script)
    run = "async ([within, options]) => (await axe.run(within, options)).violations"
    return [
        (each["id"], [node["target"] for node in each["nodes"]][:3], each["nodes"][0]["failureSummary"])
        for each in await page.evaluate(run, [within, options])
    ]


async def accessible(page: Page, state: str, within: str = "html") -> None:
    """Axe finds nothing by day, nor at night, when only colours are others."""
    by_day = await broken(page, within=within)
    await page.emulate_media(color_scheme="dark")
    at_night = await broken(page, COLOURS, within)
    await page.emulate_media(color_scheme="light")
    assert (by_day, at_night) == ([], []), state


@pytest.fixture
async def site(database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    """A site on SQLite, and one on PostgreSQL."""
    async with serving(database_url, tmp_path) as site:
        yield site


@pytest.fixture
async def sqlite_site(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    """A site on SQLite."""
    async with serving(sqlite_url, tmp_path) as site:
        yield site


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser of its own, that fails the test where a page complains."""
    complaints: list[str] = []
    context = await browser.new_context(viewport={"width": 1100, "height": 760}, reduced_motion="reduce")
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield context
    await context.close()
    expected = re.compile(r"WebSocket connection|ERR_CONNECTION|401|404|503|net::|fetching the script")
    assert [c for c in complaints if not expected.search(c)] == []


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    return await context.new_page()

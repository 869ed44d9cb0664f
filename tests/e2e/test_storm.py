"""Two browsers with three tabs each in a storm: 20 notifications a second, random acts, and a network that is cut.

Afterwards every tab shows what the store has, and each browser has alerted once of each notification that came while
it was connected. `STORM_SECONDS=60` lets it blow for longer, `STORM_DATABASE=postgres` on PostgreSQL.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Error, Page, expect

from notifs import Notifs
from notifs.wire import Filter
from tests.e2e.conftest import Site, serving, settled, unread_tab
from tests.faults.proxy import Proxy, proxy

SECONDS = float(os.environ.get("STORM_SECONDS", "12"))
PAUSE = 1 / 20
"""Seconds between two notifications."""
TABS = 3
MOST = 100_000

WATCH = """async () => {
    const main = document.querySelector('script[type="module"][src*="notifs.js"]').src;
    const { connect } = await import(main);
    const { view, windowOf } = await import(new URL("headless.js", main).href);
    const connection = connect({ base: "", transport: "socket" });
    Object.assign(window, { connection, view, windowOf, arrived: [], alerts: [], touched: [] });
    connection.on("arrived", (rows) => arrived.push(...rows.map(({ id }) => id)));
    document.addEventListener("notifs-alert", ({ detail }) => alerts.push(...detail.notifications.map(({ id }) => id)));
    const unread = () => view(connection.shown, { filter: "unread" }).map(({ id }) => id);
    document.addEventListener("notifs-act", ({ detail: { act, ids } }) =>
        touched.push(...(act === "mark_all_read" ? unread() : ids)));
}"""
"""What the tab has heard, alerted of and acted on; by the doors that any page has."""

AT_REST = """(cursor) => connection.status.name === "live" && connection.shown === connection.state
    && (cursor === null || connection.cursor === cursor)"""
"""Nothing is under way or waits, and all that there is was heard."""

LIST = """async (filter) => {
    while (!windowOf(connection.state, { filter }).complete) await connection.fetch({ filter });
    return view(connection.shown, { filter }).map(({ id }) => id);
}"""

KEYS = ("j", "j", "j", "k", "e", "Shift+I", "u", "x", "z", "1", "2", "3", "4", "Escape")


@dataclass
class Storm:
    """A site behind a network, and the tabs of each browser."""

    site: Site
    network: Proxy
    browsers: list[list[Page]]
    seed: int

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    @property
    def tabs(self) -> list[Page]:
        return [tab for tabs in self.browsers for tab in tabs]

    async def notify(self, notifs: Notifs) -> None:
        """Send without end."""
        (ada,) = await notifs.store.users()
        number = 0
        while True:
            group = f"group {number % 7}" if number % 3 == 0 else None
            await notifs.notify(to=ada.id, title=f"number {number}", group=group)
            number += 1
            await asyncio.sleep(PAUSE)

    async def cut(self) -> None:
        """Cut all connections every few seconds, and let some be refused for a while."""
        while True:
            await asyncio.sleep(self.chance.uniform(1.5, 3.5))
            self.network.reset()
            if self.chance.random() < 0.5:
                await self.network.refuse()
                await asyncio.sleep(self.chance.uniform(0.2, 1.5))
                await self.network.accept()

    async def act(self, tabs: list[Page]) -> None:
        """Do this and that, in one tab or another of a browser."""
        while True:
            tab = self.chance.choice(tabs)
            with suppress(Error):  # a row may be gone before it is reached
                await self._act_once(tab)
            await asyncio.sleep(0.05)

    async def _act_once(self, tab: Page) -> None:
        inbox = tab.locator("notifs-inbox")
        match self.chance.randrange(10):
            case 0:
                await inbox.get_by_role("button", name="Mark all as read").click(timeout=500)
            case 1 | 2:
                await inbox.get_by_role("button", name="Mark as read: ").first.click(timeout=500)
            case 3:
                await inbox.get_by_role("button", name="Archive: ").first.click(timeout=500)
            case 4:
                await tab.keyboard.press("s")
                await tab.keyboard.press("Enter")
            case _:
                for key in self.chance.choices(KEYS, k=4):
                    await tab.keyboard.press(key)


@pytest.fixture
def kind() -> str:
    return os.environ.get("STORM_DATABASE", "sqlite")


@pytest.fixture
async def storm(browser: Browser, database_url: str, tmp_path: Path) -> AsyncIterator[Storm]:
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(serving(database_url, tmp_path))
        network = await stack.enter_async_context(proxy(urlsplit(site.url).port or 0))
        site = replace(site, url=network.url)
        browsers = [await stack.enter_async_context(tabs_of(browser, site)) for _ in range(2)]
        yield Storm(site, network, browsers, int(os.environ.get("STORM_SEED", random.SystemRandom().randrange(10_000))))


@asynccontextmanager
async def tabs_of(browser: Browser, site: Site) -> AsyncIterator[list[Page]]:
    """A browser that Ada is signed in with, and its tabs."""
    context = await browser.new_context(viewport={"width": 1100, "height": 760}, reduced_motion="reduce")
    tabs = [await context.new_page() for _ in range(TABS)]
    await site.sign_in(tabs[0])
    for tab in tabs:
        await tab.goto(f"{site.url}/notifications/")
        await settled(tab)
        await tab.evaluate(WATCH)
    yield tabs
    await context.close()


@pytest.mark.timeout(120 + 2 * SECONDS)
async def test_after_a_storm_every_tab_equals_the_store_and_nothing_was_alerted_of_twice(storm: Storm) -> None:
    notifs = storm.site.notifs
    await blow(storm, notifs)
    (ada,) = await notifs.store.users()
    for tab in storm.tabs:  # what waits in one tab changes all of them
        await tab.wait_for_function(AT_REST, arg=None)
    for tab in storm.tabs:
        await equals_the_store(tab, notifs, ada.id)
    touched = await heard(storm.tabs, "touched")
    for tabs in storm.browsers:
        arrived, alerts = await heard(tabs, "arrived"), await heard(tabs, "alerts")
        assert [id for id, times in Counter(alerts).items() if times > 1] == []
        # Of what somebody has acted on at once, here or there, there is nothing to say any more.
        assert set(arrived) - set(alerts) - set(touched) == set()
        assert len(alerts) > SECONDS


async def blow(storm: Storm, notifs: Notifs) -> None:
    """Let it blow, then be quiet."""
    work = [storm.notify(notifs), storm.cut(), *(storm.act(tabs) for tabs in storm.browsers)]
    tasks = [asyncio.ensure_future(each) for each in work]
    done, _ = await asyncio.wait(tasks, timeout=SECONDS, return_when=asyncio.FIRST_EXCEPTION)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert [task.exception() for task in done] == []
    await storm.network.accept()


async def equals_the_store(tab: Page, notifs: Notifs, recipient: str) -> None:
    """The list of each filter, the counts, and what is drawn of them."""
    head = await notifs.store.head(recipient)
    await tab.wait_for_function(AT_REST, arg=str(notifs.store.cursor(head)))
    for filter in get_args(Filter):
        page = await notifs.store.page(recipient, filter, before=None, limit=MOST)
        assert await tab.evaluate(LIST, filter) == [str(entry.id) for entry in page.entries], filter
        if filter == "unread":
            assert len(page.entries) == head.unread
    counts: dict[str, Any] = await tab.evaluate(
        "({ unread: connection.shown.unread, unseen: connection.shown.unseen })"
    )
    assert counts == {"unread": head.unread, "unseen": head.unseen}
    await tab.keyboard.press("Escape")
    await expect(unread_tab(tab)).to_have_text(f"Unread{head.unread}" if head.unread else "Unread")
    await expect(tab.locator("notifs-bell .badge")).to_have_text(badge(head.unseen))


def badge(unseen: int) -> list[str]:
    """What the bell shows; without a number there is no badge."""
    return [] if unseen == 0 else ["99+" if unseen > 99 else str(unseen)]


async def heard(tabs: list[Page], what: str) -> list[str]:
    """The ids that these tabs have written down."""
    return [id for tab in tabs for id in await tab.evaluate(what)]

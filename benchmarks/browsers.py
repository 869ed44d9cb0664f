"""Chromium with a page of somebody who is signed in, and what it says itself of that page."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from playwright.async_api import Browser as PlaywrightBrowser
from playwright.async_api import CDPSession, Page, async_playwright

from benchmarks.load import Target
from tests.servers import chromium

PATIENCE = 300
"""Seconds until what does not come is missing."""


class Browser:
    """A page, and the browser's account of it."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self.page = page
        self._session = session

    async def metric(self, name: str) -> float:
        """One of `Performance.getMetrics`: seconds of the page's thread, or bytes (Chrome DevTools Protocol)."""
        metrics = (await self._session.send("Performance.getMetrics"))["metrics"]
        return cast(float, next(each["value"] for each in metrics if each["name"] == name))

    async def collect_garbage(self) -> None:
        await self._session.send("HeapProfiler.collectGarbage")


@asynccontextmanager
async def browsing(target: Target) -> AsyncIterator[Browser]:
    """A browser that has never been there, with the cookie of the first one who is signed in."""
    async with launched() as browser:
        name, _, value = target.cookies[0].partition("=")
        context = await browser.new_context(viewport={"width": 1100, "height": 900})
        context.set_default_timeout(PATIENCE * 1_000)
        await context.add_cookies([{"name": name, "value": value, "url": target.url}])
        page = await context.new_page()
        session = await context.new_cdp_session(page)
        # In time of its thread: what else the machine does is not the page's.
        await session.send("Performance.enable", {"timeDomain": "threadTicks"})
        yield Browser(page, session)
        await context.close()


@asynccontextmanager
async def launched() -> AsyncIterator[PlaywrightBrowser]:
    """A Chromium of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), chromium_sandbox=os.geteuid() != 0, args=["--no-first-run"]
        )
        yield browser
        await browser.close()

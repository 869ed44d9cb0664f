"""The inbox page in a browser that has never seen it: how long its scripts run until the list is theirs."""

import os

from playwright.async_api import Browser, Locator, async_playwright

from benchmarks.load import Target
from benchmarks.measure import TURNS, Row, in_turns, must
from benchmarks.sites import ours
from tests.servers import chromium

UNREAD = 50
MOST = 100
"""Milliseconds that scripts may run."""
MILLISECOND = 1000


async def run(*, turns: int = TURNS, unread: int = UNREAD) -> list[Row]:
    """Milliseconds of scripts, and of all that the page's thread did, by the browser's own account."""
    async with ours(1, unread) as target, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), chromium_sandbox=os.geteuid() != 0, args=["--no-first-run"]
        )
        (seen,) = await in_turns(turns, lambda: _visit(browser, target))
        await browser.close()
    what = f"the inbox page with {unread} notifications, until the elements have drawn it: %s"
    scripts, all_of_it = ([turn[n] for turn in seen] for n in (0, 1))
    return [
        Row(what % "scripts", "ms", scripts, [MOST] * len(scripts), "what it may be", most=1.0),
        Row(what % "scripts, style, layout and paint", "ms", all_of_it),
    ]


async def _visit(browser: Browser, target: Target) -> tuple[float, float]:
    name, _, value = target.cookies[0].partition("=")
    context = await browser.new_context(viewport={"width": 1100, "height": 900})
    await context.add_cookies([{"name": name, "value": value, "url": target.url}])
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    # In time of its thread: what else the machine does is not the page's.
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})
    await page.goto(f"{target.url}/notifications/")
    inbox: Locator = page.locator("notifs-inbox")
    await inbox.get_by_role("tablist").wait_for()
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    must(await inbox.get_by_role("listitem").count() > 0, "the list is empty")
    measured = {each["name"]: each["value"] for each in (await session.send("Performance.getMetrics"))["metrics"]}
    await context.close()
    return measured["ScriptDuration"] * MILLISECOND, measured["TaskDuration"] * MILLISECOND

"""The inbox page in a browser that has never seen it: how long its scripts run until the list is theirs."""

from benchmarks.browsers import browsing
from benchmarks.load import Target
from benchmarks.measure import TURNS, Row, in_turns, must
from benchmarks.sites import ours

UNREAD = 50
MOST = 100
"""Milliseconds that scripts may run."""
MILLISECOND = 1000


async def run(*, turns: int = TURNS, unread: int = UNREAD) -> list[Row]:
    """Milliseconds of scripts, and of all that the page's thread did, by the browser's own account."""
    async with ours(1, unread) as target:
        (seen,) = await in_turns(turns, lambda: _visit(target))
    what = f"the inbox page with {unread} notifications, until the elements have drawn it: %s"
    scripts, all_of_it = ([turn[n] for turn in seen] for n in (0, 1))
    return [
        Row(what % "scripts", "ms", scripts, [MOST] * len(scripts), "what it may be", most=1.0),
        Row(what % "scripts, style, layout and paint", "ms", all_of_it),
    ]


async def _visit(target: Target) -> tuple[float, float]:
    async with browsing(target) as browser:
        await browser.page.goto(f"{target.url}/notifications/")
        inbox = browser.page.locator("main notifs-inbox")
        await inbox.get_by_role("tablist").wait_for()
        await browser.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        must(await inbox.get_by_role("listitem").count() > 0, "the list is empty")
        scripts, all_of_it = await browser.metric("ScriptDuration"), await browser.metric("TaskDuration")
    return scripts * MILLISECOND, all_of_it * MILLISECOND

"""The inbox in a browser: how a long list scrolls, and what the page's memory is when very many have arrived in it."""

import http.client
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import partial

import orjson

from benchmarks.browsers import Browser, browsing
from benchmarks.load import Target
from benchmarks.measure import TURNS, Row, in_turns, must
from benchmarks.sites import ours

LONG = 100_000
EARLIER, MORE = 3_000, 10_000
"""How many have arrived when memory is looked at first, and how many more then."""
SECONDS = 5.0
FRAMES, FRAME = 60.0, 1_000 / 60
"""A second; and the milliseconds that one may take."""
MEGABYTE = 2**20
LIVE = "() => document.querySelector('main notifs-inbox').connection?.status.name === 'live'"
ALL_LOADED = """async () => {
    const { connection } = document.querySelector("main notifs-inbox");
    while (!connection.state.windows.unread.complete) await connection.fetch({ filter: "unread" });
    return connection.state.rows.newest.length;
}"""
ARRIVED = "(count) => document.querySelector('main notifs-inbox').connection.state.unread === count"
CALM = """async (locked) => {
    const pause = () => new Promise((resolve) => setTimeout(resolve, 500));
    const alerts = async () => (await navigator.locks.query()).held.filter(({ name }) => /-[0-9a-f]{12}$/.test(name));
    while ((await alerts()).length > locked) await pause();
}"""
"""What is alerted of is locked by its id for some seconds, so that no other tab does it as well."""
SCROLL = """async ([seconds, leaps]) => {
    const frame = () => new Promise(requestAnimationFrame);
    const most = document.scrollingElement.scrollHeight - innerHeight;
    const began = await frame();
    let [frames, now] = [0, began];
    for (; now - began < 1000 * seconds; frames += 1) {
        scrollTo({ top: leaps ? (frames * 0.618 % 1) * most : frames * 300 % most, behavior: "instant" });
        now = await frame();
    }
    return [frames, (now - began) / 1000];
}"""
"""By 300 pixels a frame, as with a wheel that is turned fast; or with leaps, as with the bar."""


async def run(
    *,
    turns: int = TURNS,
    long: int = LONG,
    earlier: int = EARLIER,
    more: int = MORE,
    seconds: float = SECONDS,
    locked: int = 0,
) -> list[Row]:
    """Frames a second, and milliseconds of the page's thread for each; megabytes of its heap.

    Args:
        long: how many are scrolled through, for so many `seconds`.
        earlier, more: how many arrive until memory is looked at first, and then.
        locked: of how many alerts there may be a lock then.
    """
    rows = []
    async with _inbox() as (target, browser):
        _notify(target, long)
        await browser.page.reload()
        await browser.page.wait_for_function(LIVE)
        must(await browser.page.evaluate(ALL_LOADED) == long, "not all were loaded")
        for how, leaps in (("with a wheel", False), ("with the bar", True)):
            (seen,) = await in_turns(turns, partial(_scroll, browser, seconds, leaps))
            frames, times = ([turn[n] for turn in seen] for n in (0, 1))
            what = f"{long:,} notifications scrolled {how}: %s"
            rows += [
                Row(what % "frames a second", "", frames, [FRAMES] * turns, "what screens show", least=0.95),
                Row(what % "the page's thread for each", "ms", times, [FRAME] * turns, "a frame", most=1.0),
            ]
    (sizes,) = await in_turns(turns, partial(_arrive, earlier, more, locked))
    before, after = ([turn[n] for turn in sizes] for n in (0, 1))
    what = f"memory of the inbox page after {earlier + more:,} live notifications"
    return [*rows, Row(what, "MB", after, before, f"after {earlier:,}", most=1.1)]


async def _scroll(browser: Browser, seconds: float, leaps: bool) -> tuple[float, float]:
    used = await browser.metric("TaskDuration")
    frames, took = await browser.page.evaluate(SCROLL, [seconds, leaps])
    used = await browser.metric("TaskDuration") - used
    must(await browser.page.locator("main notifs-inbox").get_by_role("listitem").count() > 0, "nothing is drawn")
    return frames / took, 1_000 * used / frames


async def _arrive(earlier: int, more: int, locked: int) -> tuple[float, float]:
    """The heap's size when so many have arrived while the page was open, and when so many more have."""
    async with _inbox() as (target, browser):
        sizes = []
        for count, all_of_them in ((earlier, earlier), (more, earlier + more)):
            _notify(target, count)
            await browser.page.wait_for_function(ARRIVED, arg=all_of_them)
            await browser.page.evaluate(CALM, locked)
            await browser.collect_garbage()
            sizes.append(await browser.metric("JSHeapUsedSize") / MEGABYTE)
    return sizes[0], sizes[1]


@asynccontextmanager
async def _inbox() -> AsyncIterator[tuple[Target, Browser]]:
    """The inbox page of somebody who has nothing yet, live."""
    async with ours(1, 0, hosted=True) as target, browsing(target) as browser:
        await browser.page.goto(f"{target.url}/notifications/")
        await browser.page.wait_for_function(LIVE)
        yield target, browser


def _notify(target: Target, count: int) -> None:
    """Have the server notify so many times."""
    with closing(http.client.HTTPConnection(target.url.rpartition("/")[2])) as connection:
        connection.request("POST", target.path, orjson.dumps({"count": count}), {"Content-Type": "application/json"})
        must(connection.getresponse().status == 200, "the server did not notify")

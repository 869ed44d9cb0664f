"""`notify` to one recipient each, many at once, every one committed; against the bare driver's loop."""

import asyncio
import time
from collections.abc import Iterator
from functools import partial

from benchmarks.bare import bare
from benchmarks.measure import TURNS, Row, in_turns, must
from benchmarks.places import KINDS, Place, counted, place, see_durable
from notifs import Notifs, Settings

BATCH = 100
"""Notifications that the bare driver writes in one transaction."""


async def run(
    *,
    turns: int = TURNS,
    count: int = 10_000,
    recipients: int = 1_000,
    at_once: int = 200,
    kinds: tuple[str, ...] = KINDS,
) -> list[Row]:
    """Notifications a second.

    Args:
        count: notifications of one turn.
        recipients: who gets them, in turn.
        at_once: callers of `notify`, each of whom waits for its answer.
    """
    must(recipients >= BATCH, "the bare driver's batch is to name nobody twice")
    rows = []
    for kind in kinds:
        async with place(kind) as here:
            sides = partial(_ours, here, count, recipients, at_once), partial(_bare, here, count, recipients)
            ours, peer = await in_turns(turns, *sides)
        what = f"`notify` to one recipient, {at_once} at once, committed; {kind}"
        rows.append(Row(what, "notifications/s", ours, peer, f"bare driver, batches of {BATCH}", least=0.5))
    return rows


async def _ours(here: Place, count: int, recipients: int, at_once: int) -> float:
    async with here.fresh() as url:
        notifs = Notifs(Settings(database_url=url))
        async with notifs.lifespan():
            await see_durable(notifs.store.database)
            await call(notifs, iter(range(recipients)), recipients, at_once)  # every mailbox is there, as later on
            began = time.perf_counter()
            await call(notifs, iter(range(count)), recipients, at_once)
            seconds = time.perf_counter() - began
            await _see_all(notifs, count + recipients, recipients)
    return count / seconds


async def call(notifs: Notifs, numbers: Iterator[int], recipients: int, at_once: int) -> None:
    """Notify for each number, by so many callers."""

    async def caller() -> None:
        for n in numbers:
            await notifs.notify(
                to=f"user-{n % recipients}", title=f"Build {n} is done", body="All tests passed.", url="/builds"
            )

    await asyncio.gather(*(caller() for _ in range(at_once)))


async def _bare(here: Place, count: int, recipients: int) -> float:
    async with here.fresh() as url:
        notifs = Notifs(Settings(database_url=url))
        async with notifs.open():
            await call(notifs, iter(range(recipients)), recipients, 200)  # and there is a row to take as a sample
            driver = await bare(url)
            sample = await driver.sample()
            began = time.perf_counter()
            for first in range(0, count, BATCH):
                numbers = range(first, min(first + BATCH, count))
                await driver.batch(sample, [f"user-{n % recipients}" for n in numbers])
            seconds = time.perf_counter() - began
            await driver.close()
            await _see_all(notifs, count + recipients, recipients)
    return count / seconds


async def _see_all(notifs: Notifs, count: int, recipients: int) -> None:
    database = notifs.store.database
    await counted(database, notifs_notifications=count, notifs_receipts=count, notifs_mailboxes=recipients)
    async for _, wrong in notifs.store.recount():
        if wrong:
            raise AssertionError(f"mailboxes do not count what is in them: {wrong[:3]}")

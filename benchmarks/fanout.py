"""One notification to 100,000 recipients, until all have it; against the bare driver's bulk insert of the receipts."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from benchmarks.bare import bare
from benchmarks.measure import TURNS, Row, in_turns, must, peak, resident
from benchmarks.places import KINDS, Place, counted, place, see_durable
from notifs import Notifs, Settings

MEGABYTE = 1_000_000
MOST_MEGABYTES = 50.0
"""What our memory may grow by at most."""
ROUNDS = ("mailboxes that are new", "mailboxes that are there")


async def run(*, turns: int = TURNS, recipients: int = 100_000, kinds: tuple[str, ...] = KINDS) -> list[Row]:
    """Receipts a second, and by how many megabytes the process grew."""
    rows = []
    for kind in kinds:
        async with place(kind) as here:
            rows += await _compare(here, turns, [f"user-{n:06}" for n in range(recipients)])
    return rows


async def _compare(here: Place, turns: int, to: Sequence[str]) -> list[Row]:
    peers = {"executemany": False} if here.kind == "sqlite" else {"executemany": False, "COPY": True}
    sides = [partial(_bare, here, to, by_copy=copy) for copy in peers.values()]
    ours, *given = await in_turns(turns, partial(_ours, here, to), *sides)
    rows = []
    for n, these in enumerate(ROUNDS):
        what = f"one notification to {len(to):,} recipients, {these}; {here.kind}"
        for name, theirs in zip(peers, given, strict=True):
            against = f"bare driver, receipts alone by {name}"
            rates = [turn[n] for turn in ours], [turn[n] for turn in theirs]
            rows.append(Row(what, "receipts/s", *rates, against, least=0.5))
    grown = max(turn[-1] for turn in ours)
    what = f"memory that it takes beyond the list of recipients, at most; {here.kind}"
    return [*rows, Row(what, "MB", [grown], [MOST_MEGABYTES], "what is allowed", most=1.0)]


async def _ours(here: Place, to: Sequence[str]) -> list[float]:
    """The rate of each round, and the megabytes."""
    async with here.fresh() as url:
        notifs = Notifs(Settings(database_url=url))
        async with notifs.lifespan():
            await see_durable(notifs.store.database)
            await notifs.notify(to=to[0], title="A first one, so that all is loaded")
            before = resident()
            rates = [await _send(notifs, to) for _ in ROUNDS]
            grown = peak() - before
            count = len(to) * len(ROUNDS) + 1
            await counted(notifs.store.database, notifs_receipts=count, notifs_mailboxes=len(to))
    return [*rates, grown / MEGABYTE]


async def _send(notifs: Notifs, to: Sequence[str]) -> float:
    began = time.perf_counter()
    sent = await notifs.notifier.send(to=to, title="The office is closed on Monday", body="Enjoy the long weekend.")
    accepted = time.perf_counter() - began
    must(sent.job is not None, "it was not a job")
    while True:
        progress = await notifs.store.jobs.one(UUID(sent.job))
        if progress is not None and progress.finished_at is not None:
            break
        await asyncio.sleep(0.02)
    seconds = time.perf_counter() - began
    must(accepted < seconds, "the sender waited until all was written")
    must(progress.done == len(to), f"{progress.done} of {len(to)} recipients have it")
    return len(to) / seconds


async def _bare(here: Place, to: Sequence[str], *, by_copy: bool) -> list[float]:
    """The rate of each round. The mailboxes are there already, as receipts alone are written."""
    async with here.fresh() as url:
        notifs = Notifs(Settings(database_url=url))
        async with notifs.open():
            await notifs.notify(to=to[0], title="A first one, to be the sample")
            driver = await bare(url, by_copy=by_copy)
            sample = await driver.sample()
            rates = []
            for n in range(len(ROUNDS)):
                began = time.perf_counter()
                await driver.bulk(sample, to, position=2 + n)
                rates.append(len(to) / (time.perf_counter() - began))
            await driver.close()
            await counted(notifs.store.database, notifs_receipts=len(to) * len(ROUNDS) + 1)
    return rates

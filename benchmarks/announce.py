"""`announce`, where there are 1,000 mailboxes and where there are 1,000,000: it must cost the same."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from statistics import median

from sqlalchemy import text

from benchmarks.measure import TURNS, Row, in_turns, must
from benchmarks.places import KINDS, Place, counted, place, see_durable
from notifs import Notifs, Settings

MILLISECOND = 1000
FILL = {
    "sqlite": "WITH RECURSIVE each(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM each WHERE n < :count)",
    "postgresql": "WITH each(n) AS (SELECT generate_series(1, CAST(:count AS integer)))",
}
INSERT = "INSERT INTO notifs_mailboxes (recipient, revision, unread, unseen)"
EACH = "SELECT 'user-' || n, 0, 0, 0 FROM each"


async def run(
    *, turns: int = TURNS, few: int = 1_000, many: int = 1_000_000, count: int = 100, kinds: tuple[str, ...] = KINDS
) -> list[Row]:
    """Milliseconds that an announcement takes, in the middle of `count`."""
    rows = []
    for kind in kinds:
        async with place(kind) as here, _with_mailboxes(here, few) as small, _with_mailboxes(here, many) as large:
            ours, peer = await in_turns(turns, partial(_announce, large, count), partial(_announce, small, count))
            await _see_taken_in(large, f"user-{many}")
            await _see_taken_in(small, f"user-{few}")
        what = f"an announcement, with {many:,} mailboxes; {kind}"
        rows.append(Row(what, "ms", ours, peer, f"with {few:,} mailboxes", most=1.2))
    return rows


@asynccontextmanager
async def _with_mailboxes(here: Place, count: int) -> AsyncIterator[Notifs]:
    async with here.fresh() as url:
        notifs = Notifs(Settings(database_url=url))
        async with notifs.lifespan():
            await see_durable(notifs.store.database)
            async with notifs.store.database.patient() as connection:
                fill = f"{INSERT} {FILL[here.kind]} {EACH}"
                await connection.execute(text(fill), {"count": count})
            await counted(notifs.store.database, notifs_mailboxes=count)
            yield notifs


async def _announce(notifs: Notifs, count: int) -> float:
    took = []
    for _ in range(count):
        began = time.perf_counter()
        await notifs.announce(title="The office is closed on Monday")
        took.append((time.perf_counter() - began) * MILLISECOND)
    return median(took)


async def _see_taken_in(notifs: Notifs, recipient: str) -> None:
    """See that the next read of a mailbox has the last announcement."""
    id = await notifs.announce(title="The last one")
    unread = await notifs.get_unread_notifs(recipient)
    must(unread and unread[0]["id"] == id, f"{recipient} did not take in the announcement with the next read")

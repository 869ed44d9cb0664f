"""What mailboxes cost where there are 10 million receipts, against the same where there are a hundredth of them.

What is asked for is the same on both sides; it must cost the same. Only marking all as read changes as many receipts
as there are, and must cost the same for each.
"""

import random
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from statistics import median

from benchmarks.measure import TURNS, Row, in_turns, must
from benchmarks.places import KINDS, place
from benchmarks.worlds import LARGE, Size, World, built
from notifs.wire import SNAPSHOT_LIMIT, Cursor

Ask = Callable[[World, random.Random], Awaitable[object]]
Side = Callable[[World], Awaitable[float]]
MILLISECOND, MICROSECOND = 1_000, 1_000_000
FLAT = 1.3
"""What may be more: the indexes are a level deeper."""
BY_CHANCE = 2.0
"""The same of mailboxes by chance: of 10 million receipts few are in a cache."""
TOGETHER = 100
"""Mailboxes that are read together."""
TEN_MILLION = Size(mailboxes=100_000, each=99, large=100_000)
BEHIND = 50
"""Changes that are asked for."""


async def run(
    *,
    turns: int = TURNS,
    size: Size = TEN_MILLION,
    part: int = 100,
    count: int = 200,
    kinds: tuple[str, ...] = KINDS,
) -> list[Row]:
    """Milliseconds of each question, in the middle of `count`.

    Args:
        size: what there is; against one in `part` of the mailboxes, and of the receipts in the large one.
    """
    small = Size(size.mailboxes // part, size.each, size.large // part)
    sides: list[tuple[str, str, Side, float]] = [
        *((what, "ms", partial(_middle, ask=ask, count=count), most) for what, (ask, most) in QUESTIONS.items()),
        ("all of the large mailbox marked as read", "µs/receipt", _mark_all, FLAT),
    ]
    rows = []
    for kind in kinds:
        async with place(kind) as here, built(here, size) as much, built(here, small) as little:
            for asked, unit, side, most in sides:
                ours, peer = await in_turns(turns, partial(side, much), partial(side, little))
                what = f"{asked}, with {size.receipts:,} receipts; {kind}"
                rows.append(Row(what, unit, ours, peer, f"with {small.receipts:,} receipts", most=most))
    return rows


async def _middle(world: World, *, ask: Ask, count: int) -> float:
    """Milliseconds of the question in the middle; which mailboxes it is about, chance says, the same in every turn."""
    took, chance = [], random.Random(1)
    for _ in range(count):
        began = time.perf_counter()
        await ask(world, chance)
        took.append((time.perf_counter() - began) * MILLISECOND)
    return median(took)


async def _first_page(world: World, chance: random.Random) -> None:
    page = await world.notifs.store.page(LARGE, "all")
    must(len(page.entries) == 50 and page.more, "the first page is not full")


async def _deep_page(world: World, chance: random.Random) -> None:
    before = chance.randrange(world.size.large // 2, world.size.large)
    page = await world.notifs.store.page(LARGE, "all", before=before)
    must(len(page.entries) == 50 and page.more, "the page is not full")


async def _page_of_anybody(world: World, chance: random.Random) -> None:
    page = await world.notifs.store.page(_anybody(world, chance), "unread")
    must(len(page.entries) == min(50, page.head.unread), "the page is not full")


async def _count(world: World, chance: random.Random) -> None:
    must((await world.notifs.store.head(LARGE)).unread, "nothing is unread")


async def _changes(world: World, chance: random.Random) -> None:
    since = Cursor(world.notifs.store.epoch, world.size.large - BEHIND)
    ((entries, _),) = await world.notifs.store.catch_up([(LARGE, since)], SNAPSHOT_LIMIT)
    must(entries and len(entries) == BEHIND, "these are not the changes")


async def _snapshot(world: World, chance: random.Random) -> None:
    ((_, page),) = await world.notifs.store.catch_up([(LARGE, None)], SNAPSHOT_LIMIT)
    must(len(page.entries) == min(SNAPSHOT_LIMIT, page.head.unread), "the snapshot is not full")


async def _catch_up(world: World, chance: random.Random) -> None:
    asked = [(_anybody(world, chance), None) for _ in range(TOGETHER)]
    found = await world.notifs.store.catch_up(asked, SNAPSHOT_LIMIT)
    must(all(len(page.entries) == page.head.unread for _, page in found), "these are not the unread ones")


async def _mark_all(world: World) -> float:
    """Microseconds for each receipt; afterwards they are unread again."""
    store = world.notifs.store
    head = await store.head(LARGE)
    began = time.perf_counter()
    after, _ = await store.change(LARGE, "read", up_to=store.cursor(head))
    seconds = time.perf_counter() - began
    must(head.unread and not after.unread, "not all were marked")
    await store.change(LARGE, "unread")
    return seconds / head.unread * MICROSECOND


def _anybody(world: World, chance: random.Random) -> str:
    return world.name(chance.randrange(1, world.size.mailboxes))


QUESTIONS: Mapping[str, tuple[Ask, float]] = {
    "the first page of the large mailbox": (_first_page, FLAT),
    "a page in the depth of it": (_deep_page, FLAT),
    "its counts": (_count, FLAT),
    f"its last {BEHIND} changes": (_changes, FLAT),
    f"its newest {SNAPSHOT_LIMIT} unread": (_snapshot, FLAT),
    "the first page of a mailbox by chance": (_page_of_anybody, BY_CHANCE),
    f"the unread of {TOGETHER} mailboxes by chance, together": (_catch_up, BY_CHANCE),
}

"""Counting tries: never more than the bound in any window, on whichever worker; and forgotten in time."""

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from notifs.store.counts import PARTS, SWEEP_SECONDS, Bound, Counts
from notifs.store.database import Database
from notifs.store.models import Count

TRIES = Bound("tries", 5, 30)
PLACES = Bound("places", 8, 30)
LATE = TRIES.seconds / PARTS
"""How much longer than a window something may be remembered."""
STEPS = st.lists(st.tuples(st.integers(0, 140), st.sampled_from(["take", "take", "take", "forgive"])), max_size=30)
"""Tenths of a second that pass, and what is done then."""


class Clock:
    """Seconds that a test moves."""

    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


async def rows(database: Database) -> list[Any]:
    return await database.read(_rows)


async def _rows(connection: Any) -> list[Any]:
    return list(await connection.execute(select(Count.__table__)))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS, start=st.integers(0, 300))
async def test_in_no_window_there_is_more_than_the_bound(database: Database, steps: Any, start: int) -> None:
    clock = Clock()
    clock.now += start / 10
    counts = Counts(database, clock)
    subject = f"{time.monotonic_ns()}"
    taken: list[float] = []
    for tenths, act in steps:
        clock.now += tenths / 10
        if act == "forgive" and taken:
            await counts.forgive(all={}, one={TRIES: subject})
            taken.pop()
            continue
        refused = await counts.take({TRIES: subject})
        recent = [at for at in taken if at > clock.now - TRIES.seconds]
        if refused is None:
            taken.append(clock.now)
            assert len(recent) < TRIES.most
        else:
            _, wait = refused
            assert 0 < wait <= TRIES.seconds + LATE
            assert len([at for at in taken if at > clock.now - TRIES.seconds - LATE]) >= TRIES.most
            clock.now += wait + 0.01
            assert await counts.take({TRIES: subject}) is None
            taken.append(clock.now)


async def test_of_those_who_try_at_once_on_two_workers_so_many_get_through(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        workers = [Database(database_url) for _ in range(2)]
        for each in workers:
            stack.push_async_callback(each.close)
        # Clocks that differ: each worker writes into a part of its own.
        counts = [Counts(each, lambda n=n: 1_700_000_000.0 + n * LATE) for n, each in enumerate(workers)]  # type: ignore[misc]
        answers = await asyncio.gather(
            *(counts[n % 2].take({TRIES: "ada", PLACES: f"place {n % 3}"}) for n in range(30))
        )
        assert answers.count(None) == TRIES.most


async def test_those_who_succeed_at_once_on_two_workers_wait_for_one_another_and_not_in_a_circle(
    database_url: str,
) -> None:
    async with AsyncExitStack() as stack:
        workers = [Database(database_url) for _ in range(2)]
        for each in workers:
            stack.push_async_callback(each.close)
        many, everywhere = Bound("many", 1000, 30), Bound("everywhere", 1000, 30)

        async def sign_in(n: int) -> None:
            counts, one = Counts(workers[n % 2], Clock()), {everywhere: f"place {n % 4 // 2}"}
            for _ in range(10):
                assert await counts.take({many: "ada", **one}) is None
                await counts.forgive(all={many: "ada"}, one=one)

        await asyncio.gather(*(sign_in(n) for n in range(8)))
        assert {row.count for row in await rows(workers[0])} == {0}


async def test_all_of_them_are_counted_or_none(database: Database) -> None:
    counts = Counts(database, Clock())
    for n in range(PLACES.most):
        assert await counts.take({TRIES: f"person {n}", PLACES: "home"}) is None
    before = await rows(database)
    refused = await counts.take({TRIES: "ada", PLACES: "home"})
    assert refused is not None
    assert refused[0] == PLACES
    assert await rows(database) == before
    assert await counts.take({TRIES: "ada", PLACES: "elsewhere"}) is None


async def test_what_is_forgiven_makes_room(database: Database) -> None:
    counts = Counts(database, Clock())
    for _ in range(TRIES.most):
        assert await counts.take({TRIES: "ada", PLACES: "home"}) is None
    await counts.forgive(all={TRIES: "ada"}, one={PLACES: "home"})
    await counts.forgive(all={TRIES: "nobody"}, one={PLACES: "nowhere"})
    assert [row.count for row in await rows(database)] == [TRIES.most - 1]
    assert await counts.take({TRIES: "ada"}, TRIES.most) is None
    assert await counts.take({TRIES: "ada"}) is not None


async def test_more_than_there_ever_is_is_refused(database: Database) -> None:
    assert await Counts(database, Clock()).take({TRIES: "ada"}, TRIES.most + 1) == (TRIES, TRIES.seconds)


async def test_who_was_counted_cannot_be_read(database: Database) -> None:
    await Counts(database).take({TRIES: "ada@example.org"})
    (row,) = await rows(database)
    assert "ada" not in str(row)
    assert len(row.key) == 64


async def test_what_counts_no_more_is_deleted_by_and_by(database: Database) -> None:
    clock = Clock()
    counts = Counts(database, clock)
    for n in range(10):
        await counts.take({TRIES: f"person {n}"})
    clock.now += TRIES.seconds + LATE + SWEEP_SECONDS
    await counts.take({TRIES: "ada"})
    assert len(await rows(database)) == 1

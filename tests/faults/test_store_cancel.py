"""Work that is cancelled at any moment keeps no connection, and leaves all of what it did or nothing."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from notifs.store import Store
from notifs.store.database import Database
from tests.faults.store_truth import problems, revisions
from tests.samples import notification, once
from tests.waiting import until

STORM = 500
PEOPLE = [f"user-{n}" for n in range(10)]


@pytest.fixture
async def narrow(database_url: str) -> AsyncIterator[Store]:
    """A store that a few lost connections would bring to a halt."""
    store = await Store(Database(database_url, pool=4)).open()
    yield store
    await store.database.close()


async def quiet(store: Store) -> None:
    """Wait until no connection is in use; what was cancelled is still being put away."""
    await until(lambda: not store.database.in_use)


async def work(store: Store, number: int) -> None:
    """A read, a write, or a transaction of a caller's own."""
    person = random.choice(PEOPLE)
    match number % 3:
        case 0:
            await store.unread(person)
        case 1:
            await store.create(notification(), [person, "everybody"])
        case 2:
            async with store.database.session() as session:
                await once(store, notification(), [person], None, await session.connection())


async def cancelled_at_some_moment(store: Store, number: int) -> None:
    task = asyncio.create_task(work(store, number))
    for _ in range(random.choice([0, 1, 2, 5, 10, 20, 50, 100, 200, 400])):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.timeout(180)
async def test_a_storm_of_cancelled_work_keeps_no_connection_and_breaks_nothing(narrow: Store) -> None:
    for first in range(0, STORM, 25):
        await asyncio.gather(*(cancelled_at_some_moment(narrow, first + n) for n in range(25)))
    await quiet(narrow)
    assert await problems(narrow) == []
    before = (await revisions(narrow)).get("everybody", 0)
    await asyncio.gather(*(narrow.create(notification(), ["everybody"]) for _ in range(20)))
    assert await revisions(narrow) | {"everybody": before + 20} == await revisions(narrow)
    await quiet(narrow)


async def test_a_write_that_is_cancelled_while_it_is_committed_is_there_whole_or_not_at_all(narrow: Store) -> None:
    sent = [notification() for _ in range(40)]
    writes = [asyncio.create_task(narrow.create(each, PEOPLE)) for each in sent]
    while writes:
        await asyncio.wait(writes, return_when=asyncio.FIRST_COMPLETED)
        writes = [write for write in writes if not write.done()]
        if writes:
            random.choice(writes).cancel()
    await quiet(narrow)
    assert await problems(narrow) == []
    there = [{entry.id for entry in await narrow.unread(person)} for person in PEOPLE]
    assert all(each == there[0] for each in there)
    assert there[0] <= {each.id for each in sent}

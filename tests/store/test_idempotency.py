"""Idempotency keys: what is sent twice happens once, whoever sends it and whenever."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import IdempotencyConflict
from notifs.store import Head, Key, Store
from notifs.store.database import Database
from notifs.store.models import Idempotency, utcnow
from tests.samples import notification, once

KEY = Key("", "order-7", "of the request")


@pytest.fixture
async def stores(store: Store, database_url: str) -> AsyncIterator[list[Store]]:
    """Two stores on one database, each with connections of its own, as two processes have them."""
    other = Database(database_url)
    yield [store, await Store(other).open()]
    await other.close()


async def age(store: Store, by: timedelta) -> None:
    """Make all keys older."""
    async with store.database.session() as session:
        await session.execute(update(Idempotency).values(created_at=utcnow() - by))


async def keys(store: Store) -> int:
    async def work(connection: AsyncConnection) -> int:
        return (await connection.execute(select(func.count()).select_from(Idempotency))).scalar_one()

    return await store.database.read(work)


async def test_the_same_key_gets_the_same_answer_and_changes_nothing(store: Store) -> None:
    id, changes = await once(store, notification(), ["ann", "bob"], KEY)
    assert [change.recipient for change in changes] == ["ann", "bob"]
    for _ in range(3):
        assert await once(store, notification(), ["ann", "bob"], KEY) == (id, [])
    assert await store.head("ann") == Head(1, unread=1, unseen=1)
    assert [str(line.id) for line in await store.unread("ann")] == [id]


async def test_another_request_under_the_key_is_refused_and_changes_nothing(store: Store) -> None:
    await once(store, notification(), ["ann"], KEY)
    with pytest.raises(IdempotencyConflict) as refused:
        await once(store, notification(), ["bob"], Key("", "order-7", "of another"))
    assert (refused.value.code, refused.value.status) == ("idempotency_key_reused", 422)
    assert await store.head("bob") == Head(0, 0, 0)


async def test_each_producer_has_keys_of_its_own(store: Store) -> None:
    ours, _ = await once(store, notification(), ["ann"], KEY)
    theirs, changes = await once(store, notification(), ["ann"], Key("other", "order-7", "of another"))
    assert ours != theirs
    assert len(changes) == 1


async def test_a_key_is_kept_for_a_day_and_then_free_again(store: Store) -> None:
    id, _ = await once(store, notification(), ["ann"], KEY)
    await age(store, timedelta(hours=23, minutes=59))
    assert await once(store, notification(), ["ann"], KEY) == (id, [])
    await age(store, timedelta(hours=24, minutes=1))
    again = Key("", "order-7", "of another")
    new, changes = await once(store, notification(), ["ann"], again)
    assert new != id
    assert len(changes) == 1
    assert await once(store, notification(), ["ann"], again) == (new, [])
    assert await keys(store) == 1


async def test_fifty_at_once_from_two_sides_make_one_notification_and_get_one_answer(stores: list[Store]) -> None:
    results = await asyncio.gather(*(once(stores[n % 2], notification(f"{n}"), ["ann", "bob"], KEY) for n in range(50)))
    assert len({id for id, _ in results}) == 1
    assert sum(bool(changes) for _, changes in results) == 1
    for recipient in ("ann", "bob"):
        assert await stores[0].head(recipient) == Head(1, unread=1, unseen=1)
    assert await keys(stores[0]) == 1


async def test_a_key_that_was_taken_back_is_free(store: Store) -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError):
            async with store.database.session() as session:
                _, changes = await once(store, notification(), ["ann"], KEY, await session.connection())
                assert len(changes) == 1
                raise RuntimeError
    assert await keys(store) == 0
    _, changes = await once(store, notification(), ["ann"], KEY)
    assert len(changes) == 1


async def test_who_comes_while_the_key_is_being_taken_waits_for_how_that_ends(stores: list[Store]) -> None:
    """First it is taken back, then it is kept."""
    for ends_well in (False, True):
        session = stores[0].database.session()
        connection = await (await session.__aenter__()).connection()
        id, _ = await once(stores[0], notification(), ["ann"], KEY, connection)
        waiting = asyncio.create_task(once(stores[1], notification(), ["bob"], KEY))
        await asyncio.wait([waiting], timeout=0.2)
        assert not waiting.done()
        if ends_well:
            await session.__aexit__(None, None, None)
            assert await waiting == (id, [])
        else:
            await session.__aexit__(RuntimeError, RuntimeError(), None)
            other, changes = await waiting
            assert other != id
            assert len(changes) == 1
            await age(stores[0], timedelta(days=2))

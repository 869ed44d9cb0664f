"""PostgreSQL that deadlocks, loses connections, keeps us waiting, or is not heard of any more (F8)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import StoreUnavailable
from notifs.store import Store, database, engines
from notifs.store.database import TRIES, Database
from tests import servers
from tests.faults.proxy import proxy
from tests.faults.store_truth import problems, revisions
from tests.samples import create, notification, once
from tests.waiting import until

CROWD = [f"user-{n:02}" for n in range(100)]
Work = Callable[[AsyncConnection], Awaitable[None]]


@asynccontextmanager
async def opened(url: str, pool: int = 10) -> AsyncIterator[Store]:
    """A store with limits as they are just now; at the end no connection of it may be in use."""
    store = await Store(Database(url, pool=pool)).open()
    yield store
    assert store.database.in_use == 0
    await store.database.close()


def only(monkeypatch: pytest.MonkeyPatch, **seconds: float) -> None:
    """Let these limits be so, and the others be of no help."""
    for name in ("BUSY", "STATEMENT", "SILENCE", "IDLE"):
        monkeypatch.setattr(engines, f"{name}_SECONDS", seconds.get(name, 600.0))


def both(first: str, second: str, mine: asyncio.Event, other: asyncio.Event) -> Work:
    """A piece that locks one mailbox and then another, with somebody who has locked the other by then."""

    async def work(connection: AsyncConnection) -> None:
        await create(connection, notification(), [first])
        mine.set()
        await other.wait()
        await create(connection, notification(), [second])

    return work


async def test_two_writes_that_deadlock_both_succeed(postgres_url: str) -> None:
    events = asyncio.Event(), asyncio.Event()
    async with opened(postgres_url) as store:
        await store.create(notification(), ["a", "b"])
        works = both("a", "b", *events), both("b", "a", *reversed(events))
        await asyncio.gather(*map(store.database.write, works))
        assert await revisions(store) == {"a": 3, "b": 3}
        assert await problems(store) == []


async def test_of_two_sessions_of_callers_that_deadlock_one_is_told_at_once_and_leaves_nothing(
    postgres_url: str,
) -> None:
    events = asyncio.Event(), asyncio.Event()

    async def in_session(store: Store, work: Work) -> None:
        async with store.database.session() as session:
            await work(await session.connection())

    async with opened(postgres_url) as store:
        await store.create(notification(), ["a", "b"])
        works = both("a", "b", *events), both("b", "a", *reversed(events))
        results = await asyncio.gather(*(in_session(store, work) for work in works), return_exceptions=True)
        assert [type(result) for result in results if result] == [StoreUnavailable]
        assert await revisions(store) == {"a": 2, "b": 2}
        assert await problems(store) == []


async def test_writes_to_the_same_crowd_in_opposite_orders_all_succeed(postgres_url: str) -> None:
    def halves(first: list[str], second: list[str]) -> Work:
        async def work(connection: AsyncConnection) -> None:
            await create(connection, notification(), first)
            await create(connection, notification(), second)

        return work

    orders = [(CROWD[:50], CROWD[50:]), (CROWD[50:], CROWD[:50])] * 2
    async with opened(postgres_url) as store:
        await store.create(notification(), CROWD)
        await asyncio.gather(*(store.database.write(halves(*order)) for order in orders))
        assert await revisions(store) == dict.fromkeys(CROWD, 5)
        assert await problems(store) == []


@pytest.mark.parametrize("reverse", [False, True])
async def test_sends_to_the_same_crowd_need_no_second_try(
    postgres_url: str, reverse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They lock in one order, whatever the order of their recipients."""
    monkeypatch.setattr(database, "TRIES", 1)
    async with opened(postgres_url) as store:
        sends = [store.create(notification(), CROWD[:: -1 if reverse and n % 2 else 1]) for n in range(8)]
        await asyncio.gather(*sends)
        assert await revisions(store) == dict.fromkeys(CROWD, 8)


@pytest.mark.parametrize("code", ["40001", "40P01"])
@pytest.mark.parametrize("failures", [TRIES - 1, TRIES])
async def test_what_postgresql_gives_up_is_done_again_a_few_times(postgres_url: str, code: str, failures: int) -> None:
    tries = 0

    async def work(connection: AsyncConnection) -> int:
        nonlocal tries
        tries += 1
        await create(connection, notification(), ["a"])
        if tries <= failures:
            await connection.execute(text(f"DO $$BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END$$"))
        return tries

    async with opened(postgres_url) as store:
        if failures < TRIES:
            assert await store.database.write(work) == TRIES
        else:
            with pytest.raises(StoreUnavailable):
                await store.database.write(work)
        assert tries == TRIES
        assert await revisions(store) == ({"a": 1} if failures < TRIES else {})


async def test_connections_ended_under_load_lose_nothing_acknowledged(
    postgres: servers.Postgres, postgres_url: str
) -> None:
    acknowledged: list[str] = []
    refused = 0
    storm = True

    async def send(store: Store, person: str) -> None:
        nonlocal refused
        while storm:
            sent = notification()
            try:
                await store.create(sent, [person, "everybody"])
            except StoreUnavailable:
                refused += 1
            else:
                acknowledged.append(str(sent.id))

    async def ten_more() -> None:
        enough = len(acknowledged) + 10
        await until(lambda: len(acknowledged) >= enough)

    async with opened(postgres_url) as store:
        sending = asyncio.gather(*(send(store, f"user-{n}") for n in range(8)))
        name = make_url(postgres_url).database
        for _ in range(20):
            await ten_more()
            await postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        storm = False
        await sending
        assert refused
        there = {str(entry.id) for entry in await store.unread("everybody")}
        assert {*acknowledged} <= there
        assert await problems(store) == []
        await store.create(notification(), ["everybody"])


async def test_a_lock_that_somebody_keeps_makes_the_store_unavailable(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, BUSY=0.5)
    async with opened(postgres_url) as store:
        async with store.database.session() as session:
            await once(store, notification(), ["a"], None, await session.connection())
            with pytest.raises(StoreUnavailable) as caught:
                await store.create(notification(), ["a"])
            assert caught.value.status == 503
            assert caught.value.retry_after >= 1
            await store.create(notification(), ["b"])
        await store.create(notification(), ["a"])
        assert await revisions(store) == {"a": 2, "b": 1}


async def test_a_statement_that_takes_too_long_makes_the_store_unavailable(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, STATEMENT=0.2)
    async with opened(postgres_url, pool=1) as store:
        for run in (store.database.read, store.database.write):
            with pytest.raises(StoreUnavailable):
                await run(lambda c: c.execute(text("SELECT pg_sleep(600)")))
        await store.create(notification(), ["a"])


async def test_a_transaction_in_which_nobody_does_anything_is_ended_and_gives_its_locks_back(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, IDLE=0.5)
    async with opened(postgres_url) as store:
        with pytest.raises(StoreUnavailable):
            async with store.database.session() as session:
                await once(store, notification(), ["a"], None, await session.connection())
                await store.create(notification(), ["a"])  # waits for the lock of the session
        assert await revisions(store) == {"a": 1}


async def test_a_link_on_which_nothing_arrives_is_given_up_and_made_anew(
    durable: servers.Postgres, durable_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, SILENCE=0.5, BUSY=0.5)
    name = make_url(durable_url).database
    async with (
        proxy(durable.port) as link,
        opened(f"postgresql+asyncpg://notifs@127.0.0.1:{link.port}/{name}", pool=4) as store,
    ):
        await asyncio.gather(*(store.create(notification(), [person]) for person in "abcd"))
        with pytest.raises(StoreUnavailable):
            async with store.database.session() as session:
                await session.connection()
                link.silent = True
                await session.execute(text("SELECT 1"))
        for _ in range(4):
            with pytest.raises(StoreUnavailable):
                await store.head("a")
            with pytest.raises(StoreUnavailable):
                await store.create(notification(), ["a"])
        link.silent = False
        await store.create(notification(), ["a"])
        assert await problems(store) == []


async def test_readers_that_hang_leave_connections_for_those_who_write(postgres_url: str) -> None:
    async with opened(postgres_url, pool=4) as store:
        async with asyncio.TaskGroup() as group:
            gone = asyncio.Event()
            for _ in range(20):
                group.create_task(store.database.read(lambda connection: gone.wait()))
            await until(lambda: store.database.in_use >= 3)
            await store.create(notification(), ["a"])
            gone.set()


async def test_a_migration_under_way_is_not_noticed_by_those_who_work(postgres_url: str) -> None:
    """PostgreSQL gives up statements that it has planned for the table as it was before."""

    async def look(connection: AsyncConnection) -> int:
        return len((await connection.execute(text("SELECT * FROM notifs_epoch"))).keys())

    async with opened(postgres_url, pool=1) as store, opened(postgres_url) as migrating:
        for number, run in enumerate((store.database.read, store.database.write), await store.database.read(look)):
            add = text(f"ALTER TABLE notifs_epoch ADD COLUMN new_{number} text")
            async with migrating.database.session() as session:
                await session.execute(add)
            assert await run(look) == number + 1

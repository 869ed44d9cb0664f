"""Transactions: whole or not at all, on SQLite and on PostgreSQL alike."""

import asyncio
import gc
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import partial

import pytest
from sqlalchemy import Engine, event, func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine

from notifs.errors import SchemaError, StoreUnavailable
from notifs.store import Head, Store, engines
from notifs.store import database as module
from notifs.store.database import GROUP_LIMIT, Database
from notifs.store.models import ApiKey, Mailbox, utcnow
from notifs.store.pending import after_commit
from tests.samples import notification, once

Work = Callable[[AsyncConnection], Awaitable[str]]


def add(name: str) -> Work:
    """A piece of work that adds a row; returns its name."""

    async def work(connection: AsyncConnection) -> str:
        await connection.execute(insert(Mailbox), {"recipient": name, "revision": 0, "unread": 0, "unseen": 0})
        return name

    return work


def add_and_raise(name: str, error: Exception) -> Work:
    async def work(connection: AsyncConnection) -> str:
        await add(name)(connection)
        raise error

    return work


async def test_an_error_does_not_tell_what_was_to_be_written(store: Store) -> None:
    async def work(connection: AsyncConnection) -> None:
        row = {"id": "k", "producer": "shop", "token_hash": "canary", "scopes": [], "created_at": utcnow()}
        await connection.execute(insert(ApiKey), [row, row])

    with pytest.raises(IntegrityError) as caught:
        await store.database.write(work)
    assert "canary" not in "".join(traceback.format_exception(caught.value))


async def test_a_value_that_cannot_be_is_no_outage(postgres_url: str) -> None:
    """PostgreSQL takes no text with a NUL in it: that is the fault of who asks, and the database is well."""
    database = Database(postgres_url)
    work = add("\0")
    for run in (database.write(work), database.read(work)):
        with pytest.raises(DBAPIError, match="0x00"):
            await run
    assert await names(database) == []
    await database.close()


async def names(database: Database) -> list[str]:
    """The rows that are there."""

    async def work(connection: AsyncConnection) -> list[str]:
        return [*(await connection.execute(select(Mailbox.recipient).order_by(Mailbox.recipient))).scalars()]

    return await database.read(work)


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    """The same database once more, as another process would have it."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def sqlite(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database(sqlite_url)
    yield database
    await database.close()


@contextmanager
def commits_counted() -> Iterator[list[object]]:
    """One element for each commit of any engine meanwhile."""
    commits: list[object] = []

    def count(connection: object) -> None:
        commits.append(connection)

    event.listen(Engine, "commit", count)
    yield commits
    event.remove(Engine, "commit", count)


async def test_what_is_written_is_there_for_everybody(database: Database, other: Database) -> None:
    assert await database.write(add("a")) == "a"
    assert await names(database) == await names(other) == ["a"]


async def test_work_that_raises_leaves_nothing(database: Database) -> None:
    error = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as caught:
        await database.write(add_and_raise("a", error))
    assert caught.value is error
    assert await names(database) == []


async def test_a_read_sees_one_moment(database: Database, other: Database) -> None:
    async def look_write_and_look(connection: AsyncConnection) -> tuple[int, int]:
        count = select(func.count()).select_from(Mailbox)
        before = (await connection.execute(count)).scalar_one()
        await other.write(add("meanwhile"))
        return before, (await connection.execute(count)).scalar_one()

    assert await database.read(look_write_and_look) == (0, 0)
    assert await names(database) == ["meanwhile"]


async def test_many_writes_at_once_all_get_their_own_result(database: Database, other: Database) -> None:
    expected = [f"{n:03}" for n in range(2 * GROUP_LIMIT + 50)]
    processes = (database, other)
    writes = [processes[n % 2].write(add(name)) for n, name in enumerate(expected)]
    assert await asyncio.gather(*writes) == expected
    assert await names(database) == expected


async def test_a_failing_write_takes_no_other_with_it(database: Database) -> None:
    await database.write(add("there"))
    works = [add("a"), add_and_raise("x", ValueError()), add("b"), add("there"), add("c")]
    results = await asyncio.gather(*map(database.write, works), return_exceptions=True)
    assert results[::2] == ["a", "b", "c"]
    assert isinstance(results[1], ValueError)
    assert isinstance(results[3], IntegrityError)
    assert await names(database) == ["a", "b", "c", "there"]


async def test_on_sqlite_what_waits_is_committed_together(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUP_SECONDS", 60)
    with commits_counted() as commits:
        async with sqlite.session():  # while it is open, the others wait
            writes = [asyncio.create_task(sqlite.write(add(str(n)))) for n in range(GROUP_LIMIT + 1)]
            await asyncio.sleep(0)
        await asyncio.gather(*writes)
    assert len(commits) == 3
    assert len(await names(sqlite)) == GROUP_LIMIT + 1


async def test_on_sqlite_what_takes_long_is_committed_in_parts(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GROUP_SECONDS", 0)
    with commits_counted() as commits:
        await asyncio.gather(*(sqlite.write(add(name)) for name in "abc"))
    assert len(commits) == 3
    assert await names(sqlite) == ["a", "b", "c"]


async def test_on_sqlite_a_write_that_nobody_waits_for_any_more_is_left_out(sqlite: Database) -> None:
    async with sqlite.session():
        writes = [asyncio.create_task(sqlite.write(add(name))) for name in "abc"]
        await asyncio.sleep(0)
        writes[1].cancel()
    await asyncio.wait(writes)
    assert await names(sqlite) == ["a", "c"]


async def test_on_sqlite_a_full_disk_is_told_to_those_who_lost_by_it(sqlite: Database) -> None:
    store = await Store(sqlite).open()
    async with sqlite.session() as session:
        pages = (await session.execute(text("PRAGMA page_count"))).scalar_one()
        await session.execute(text(f"PRAGMA max_page_count = {pages + 60}"))

    async def send(people: Sequence[str]) -> list[str]:
        """Returns who of them was told that it failed."""
        writes = [store.create(notification(body="x" * 4000), [person]) for person in people]
        results = await asyncio.gather(*writes, return_exceptions=True)
        return [person for person, result in zip(people, results, strict=True) if isinstance(result, StoreUnavailable)]

    people = [f"user-{n:03}" for n in range(2 * GROUP_LIMIT)]
    failed = await send(people[:10]) + await send(people[10:])
    assert 0 < len(failed) < len(people)
    assert await names(sqlite) == sorted({*people} - {*failed})

    async with sqlite.session() as session:
        await session.execute(text("PRAGMA max_page_count = 100000"))
    assert await send(failed) == []
    assert await names(sqlite) == people


async def test_on_sqlite_a_write_waits_for_another_process(sqlite: Database, sqlite_url: str) -> None:
    other = Database(sqlite_url)
    async with other.session() as session:
        await session.execute(text("SELECT 1"))  # from here on it holds the file
        waiting = asyncio.create_task(sqlite.write(add("a")))
        await asyncio.sleep(0)
    assert await waiting == "a"
    await other.close()


async def test_on_sqlite_a_process_that_writes_for_too_long_makes_the_store_unavailable(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.05)
    slow, database = Database(sqlite_url), Database(sqlite_url)
    async with slow.session() as session:
        await session.execute(text("SELECT 1"))
        with pytest.raises(StoreUnavailable):
            await database.write(add("a"))
        assert await names(database) == []
    assert await database.write(add("a")) == "a"
    await slow.close()
    await database.close()


async def test_on_postgresql_a_cut_connection_makes_the_store_unavailable_once(postgres_url: str) -> None:
    database = Database(postgres_url)

    async def work(connection: AsyncConnection) -> None:
        await add("lost")(connection)
        await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(StoreUnavailable):
        await database.write(work)
    assert await database.write(add("a")) == "a"
    assert await names(database) == ["a"]
    await database.close()


async def test_on_postgresql_connections_cut_while_idle_are_not_noticed(postgres_url: str) -> None:
    database, other = Database(postgres_url), Database(postgres_url)
    await asyncio.gather(*(database.write(add(name)) for name in "abc"))
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    cut = text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    await other.read(lambda connection: connection.execute(cut))
    assert await asyncio.gather(*(database.write(add(name)) for name in "def")) == ["d", "e", "f"]
    await database.close()
    await other.close()


async def test_on_postgresql_too_few_connections_make_the_store_unavailable(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "POOL_SECONDS", 0.05)
    database = Database(postgres_url, pool=1)
    async with database.session() as session:
        await session.execute(text("SELECT 1"))
        with pytest.raises(StoreUnavailable):
            await database.read(add("a"))
    await database.close()


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:////nowhere/notifs.db", "postgresql+asyncpg://a@/b?host=/nowhere"])
async def test_a_database_that_cannot_be_reached_is_unavailable(url: str) -> None:
    database = Database(url)
    with pytest.raises(StoreUnavailable):
        await names(database)
    with pytest.raises(StoreUnavailable):
        await database.write(add("a"))
    with pytest.raises(StoreUnavailable):
        async with database.session() as session:
            await session.execute(text("SELECT 1"))
    await database.close()


async def test_on_sqlite_closing_waits_for_what_was_handed_in(sqlite: Database) -> None:
    writes = [asyncio.create_task(sqlite.write(add(name))) for name in "abc"]
    await asyncio.sleep(0)
    await sqlite.close()
    assert await asyncio.gather(*writes) == ["a", "b", "c"]


async def test_on_sqlite_the_foreign_version_changes_with_other_processes_writes_only(
    sqlite: Database, sqlite_url: str
) -> None:
    other = Database(sqlite_url)
    before = await sqlite.foreign_version()
    await sqlite.write(add("mine"))
    assert await sqlite.foreign_version() == before
    await other.write(add("foreign"))
    assert await sqlite.foreign_version() != before
    await other.close()


async def test_on_postgresql_there_is_no_foreign_version(postgres_url: str) -> None:
    database = Database(postgres_url)
    before = await database.foreign_version()
    await database.write(add("mine"))
    assert await database.foreign_version() == before
    await database.close()


async def test_a_callers_transaction_is_committed_with_everything_in_it(store: Store) -> None:
    async with store.database.session() as session:
        session.add(Mailbox(recipient="theirs", revision=0, unread=0, unseen=0))
        await once(store, notification(), ["ann"], None, await session.connection())
    assert await names(store.database) == ["ann", "theirs"]
    assert await store.head("ann") == Head(1, 1, 1)


async def test_a_callers_transaction_that_is_rolled_back_leaves_nothing(store: Store) -> None:
    before = notification()
    await store.create(before, ["ann"])
    with pytest.raises(ValueError, match="theirs"):
        async with store.database.session() as session:
            session.add(Mailbox(recipient="theirs", revision=0, unread=0, unseen=0))
            await once(store, notification(), ["ann", "bob"], None, await session.connection())
            raise ValueError("theirs")
    assert await names(store.database) == ["ann"]
    assert [line.id for line in await store.unread("ann")] == [before.id]
    (change,) = await store.create(notification(), ["ann"])
    assert change.prev == 1


async def test_a_savepoint_that_is_rolled_back_leaves_nothing(store: Store) -> None:
    async with store.database.session() as session:
        await once(store, notification("kept"), ["ann"], None, await session.connection())
        with pytest.raises(ValueError, match="theirs"):
            async with session.begin_nested():
                await once(store, notification("lost"), ["ann"], None, await session.connection())
                raise ValueError("theirs")
    assert [line.title for line in await store.unread("ann")] == ["kept"]
    assert await store.head("ann") == Head(1, 1, 1)


@pytest.mark.parametrize(
    "statement", ["SELECT 1 FROM notifs_gone", "SELECT notifs_mailboxes.gone FROM notifs_mailboxes"]
)
async def test_a_table_or_a_column_of_ours_that_is_not_there_is_not_taken_for_an_outage(
    database: Database, statement: str
) -> None:
    def look(connection: AsyncConnection) -> Awaitable[object]:
        return connection.execute(text(statement))

    for run in (database.read, database.write):
        with pytest.raises(SchemaError, match="run: notifs db upgrade"):
            await run(look)


@pytest.mark.parametrize("error", [ValueError, OSError, TimeoutError])
async def test_what_the_caller_raises_is_not_taken_for_an_outage(database: Database, error: type[Exception]) -> None:
    with pytest.raises(error, match="theirs"):
        async with database.session() as session:
            await add("a")(await session.connection())
            raise error("theirs")
    assert await names(database) == []


async def test_after_a_commit_everything_handed_in_is_called_in_order(database: Database) -> None:
    called: list[str] = []
    async with database.session() as session:
        after_commit(session, partial(called.append, "first"))
        async with session.begin_nested():
            after_commit(session, partial(called.append, "second"))
            await add("a")(await session.connection())
        async with session.begin_nested(), session.begin_nested():
            after_commit(session, partial(called.append, "third"))
        assert called == []
    assert called == ["first", "second", "third"]


async def test_after_a_rollback_nothing_is_called(database: Database) -> None:
    called: list[str] = []
    with pytest.raises(ValueError, match="theirs"):
        async with database.session() as session:
            await add("a")(await session.connection())
            after_commit(session, partial(called.append, "lost"))
            raise ValueError("theirs")
    assert called == []


@pytest.mark.parametrize("depth", [1, 2])
async def test_after_a_savepoint_was_rolled_back_only_the_rest_is_called(database: Database, depth: int) -> None:
    called: list[str] = []
    async with database.session() as session:
        after_commit(session, partial(called.append, "before"))
        async with session.begin_nested() as savepoint:
            async with AsyncExitStack() as inner:
                for _ in range(1, depth):
                    await inner.enter_async_context(session.begin_nested())
                await add("lost")(await session.connection())
                after_commit(session, partial(called.append, "lost"))
            await savepoint.rollback()
        after_commit(session, partial(called.append, "after"))
    assert called == ["before", "after"]
    assert await names(database) == []


async def test_a_session_of_the_callers_own_calls_once_for_each_commit(database_url: str) -> None:
    called: list[int] = []
    engine = create_async_engine(database_url)
    async with AsyncSession(engine) as session:
        for n, end in enumerate((session.commit, session.rollback, session.commit, session.commit)):
            await session.execute(text("SELECT 1"))
            after_commit(session, partial(called.append, n))
            await end()
    await engine.dispose()
    assert called == [0, 2, 3]


async def test_on_sqlite_a_write_that_waits_for_its_own_caller_is_told_so(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.05)
    database = Database(sqlite_url)
    async with database.session():
        with pytest.raises(StoreUnavailable, match=r"notify\(session=session\)"):
            await database.write(add("a"))
    assert await database.write(add("a")) == "a"
    await database.close()


async def test_who_reads_while_it_is_closed_has_all_and_leaves_no_connection(sqlite_url: str) -> None:
    database, reading, go_on = Database(sqlite_url), asyncio.Event(), asyncio.Event()

    async def work(connection: AsyncConnection) -> int:
        reading.set()
        await go_on.wait()
        return int(await connection.scalar(select(func.count()).select_from(Mailbox)) or 0)

    async with asyncio.TaskGroup() as tasks:
        read = tasks.create_task(database.read(work))
        await reading.wait()
        closing = tasks.create_task(database.close())
        await asyncio.sleep(0)
        go_on.set()
        assert await read == 0
        await closing
    del database, read, closing, tasks
    gc.collect()  # a connection that nobody has closed says so here

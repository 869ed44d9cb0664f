"""The connection that goes to its thread once for a statement: what SQLAlchemy and a host's own queries get from it."""

import asyncio
import gc
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from notifs.store import Store
from notifs.store.database import Database
from notifs.store.models import Topic, utcnow
from notifs.store.sqlite import Direct, connect
from tests.samples import notification
from tests.waiting import until


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Direct]:
    connection = connect(Direct, str(tmp_path / "x.db"), isolation_level=None)
    async with connection:
        yield connection


def trips(connection: Direct, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From now on each way to the thread of a connection is noted."""
    noted: list[str] = []
    execute: Any = connection._execute

    async def count(function: object, *args: object) -> object:
        noted.append(getattr(function, "__name__", "?"))
        return await execute(function, *args)

    monkeypatch.setattr(connection, "_execute", count)
    return noted


async def test_a_statement_is_one_way_to_the_thread(connection: Direct, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = trips(connection, monkeypatch)
    cursor = await connection.cursor().__aenter__()
    await cursor.execute("SELECT 1 AS one UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4")
    assert [column[0] for column in cursor.description] == ["one"]
    assert await cursor.fetchone() == (1,)
    assert await cursor.fetchmany(2) == [(2,), (3,)]
    assert await cursor.fetchall() == [(4,)]
    assert await cursor.fetchone() is None
    await cursor.close()
    assert len(noted) == 1


async def test_without_a_transaction_there_is_nothing_to_roll_back(
    connection: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = connection.cursor()
    await cursor.execute("CREATE TABLE t (x)")
    await connection.rollback()
    noted = trips(connection, monkeypatch)
    await connection.rollback()
    assert noted == []
    await cursor.execute("BEGIN")
    await cursor.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
    assert cursor.rowcount == 2
    await connection.rollback()
    await cursor.execute("SELECT count(*) FROM t")
    assert await cursor.fetchall() == [(0,)]


async def test_what_sqlite_says_is_raised_where_it_was_asked(connection: Direct) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table: nowhere"):
        await connection.cursor().execute("SELECT * FROM nowhere")


async def opened(path: Path) -> None:
    await connect(Direct, str(path))


def test_what_cannot_be_opened_leaves_no_thread_that_comes_back_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda told: left.append(told.exc_value))
    for _ in range(200):
        with pytest.raises(sqlite3.OperationalError, match="unable to open"):
            asyncio.run(opened(tmp_path))
    assert left == []


async def test_a_host_reads_by_stream_and_by_name_and_sees_its_own_errors(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    store = await Store(database).open()
    async with database.session() as session:
        await session.execute(insert(Topic), [{"name": f"t{n}", "created_at": utcnow()} for n in range(5)])
        streamed = [name async for (name,) in await session.stream(select(Topic.name).order_by(Topic.name))]
        assert streamed == [f"t{n}" for n in range(5)]
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                await session.execute(insert(Topic), {"name": "t1", "created_at": utcnow()})
        with pytest.raises(OperationalError):
            await session.execute(text("SELECT * FROM nowhere"))
    assert await store.topics.page() == streamed
    await database.close()


async def test_a_session_that_is_cancelled_while_it_begins_leaves_the_database_to_others(
    sqlite_url: str, tmp_path: Path
) -> None:
    database = Database(sqlite_url)
    other = sqlite3.connect(tmp_path / "notifs.db", isolation_level=None, timeout=5)

    async def session() -> None:
        async with database.session():
            pass

    for n in range(200):
        other.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(session())
        await asyncio.sleep(n % 7 / 1000)
        other.execute("COMMIT")
        await asyncio.sleep(n % 5 / 2000)
        task.cancel()
        await asyncio.wait([task])
        other.execute("BEGIN IMMEDIATE")
        other.execute("COMMIT")
    other.close()
    await database.close()


async def test_the_log_is_cleared_away_beside_those_who_write(sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "notifs.db"
    database = Database(sqlite_url)
    store = await Store(database).open()
    before = file.stat().st_size
    await asyncio.gather(*(store.create(notification(body="x" * 4000), ["ada"]) for _ in range(100)))
    await until(lambda: file.stat().st_size >= before + 400_000)
    await database.close()


async def read_while_it_is_closed(database: Database) -> None:
    async def read() -> None:
        while True:
            await database.read(lambda connection: connection.execute(text("SELECT 1")))

    reading = [asyncio.create_task(read()) for _ in range(8)]
    for _ in range(10):
        await database.close()
        await until(lambda: database.in_use)  # they have connections of a new pool
    for task in reading:
        task.cancel()
    await asyncio.wait(reading)
    await database.close()


async def test_a_connection_of_who_reads_on_while_it_is_closed_is_closed_too(sqlite_url: str) -> None:
    await read_while_it_is_closed(Database(sqlite_url, pool=2))
    gc.collect()  # what is open and nobody's says so, which fails this test

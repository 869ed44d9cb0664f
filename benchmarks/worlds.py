"""Databases with many receipts, built as fast as each takes them: their indexes are made when the rows are there.

The rows are as they would be after a long time: each mailbox's receipts lie scattered among those of all the others.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.measure import must
from benchmarks.places import Place, counted, see_durable
from notifs import Notifs, Settings

LARGE = "user-0000000"
"""Whose mailbox is larger than the others."""
EACH = {
    "sqlite": "WITH RECURSIVE each(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM each WHERE n < {})",
    "postgresql": "WITH each(n) AS (SELECT generate_series(1, {}))",
}
NAME = {"sqlite": "printf('user-%07d', {0})", "postgresql": "'user-' || lpad(CAST({0} AS text), 7, '0')"}
ID = {"sqlite": "printf('%032x', {0})", "postgresql": "CAST(lpad(to_hex({0}), 32, '0') AS uuid)"}
NOW = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now')", "postgresql": "now()"}
INDEXES = "SELECT indexdef FROM pg_indexes WHERE tablename = 'notifs_receipts' AND indexname LIKE 'ix_%'"
KEYS = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'notifs_receipts'::regclass"
FAST = ("journal_mode=OFF", "synchronous=OFF", "cache_size=-4000000", "temp_store=MEMORY")


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is.

    Args:
        mailboxes: how many, the large one included.
        each: receipts in every mailbox but the large one.
        large: receipts in the large one. There are as many notifications, and each has a copy in it.
    """

    mailboxes: int
    each: int
    large: int

    @property
    def receipts(self) -> int:
        return (self.mailboxes - 1) * self.each + self.large


@dataclass(frozen=True, slots=True)
class World:
    """A database of a size, and who reads and writes it."""

    notifs: Notifs
    size: Size

    def name(self, n: int) -> str:
        """Whose the nth mailbox is; 0 is the large one."""
        return f"user-{n:07}"


@asynccontextmanager
async def built(here: Place, size: Size) -> AsyncIterator[World]:
    """A database of this size; it is gone afterwards."""
    must(size.each * size.mailboxes < size.large**2, "no mailbox has two copies of one notification")
    async with here.fresh() as url:
        if here.kind == "sqlite":
            await asyncio.to_thread(_fill_sqlite, str(make_url(url).database), _rows("sqlite", size))
        notifs = Notifs(Settings(database_url=url))
        async with notifs.lifespan():
            database = notifs.store.database
            await see_durable(database)
            if here.kind == "postgresql":
                async with database.patient() as connection:
                    await _fill_postgres(connection, _rows("postgresql", size))
            rows = {"notifs_receipts": size.receipts, "notifs_mailboxes": size.mailboxes}
            await counted(database, **rows)
            yield World(notifs, size)


def _rows(kind: str, size: Size) -> Iterator[str]:
    """Statements that insert the rows, in the order of time: of three copies one was read, of ten one was put away."""
    each, id, now = EACH[kind], ID[kind], NOW[kind]

    def receipts(count: int, recipient: str, position: str, notification: str) -> str:
        read, archived = f"{position} % 3 = 0", f"{position} % 10 = 0"
        return f"""
            INSERT INTO notifs_receipts (recipient, position, revision, notification_id, seen_at, read_at, archived_at)
            {each.format(count)} SELECT {recipient}, {position}, {position}, {id.format(notification)},
                CASE WHEN {read} OR {archived} THEN {now} END, CASE WHEN {read} THEN {now} END,
                CASE WHEN {archived} THEN {now} END FROM each
        """

    yield f"""
        INSERT INTO notifs_notifications (id, kind, title, body, actions, priority, data, created_at)
        {each.format(size.large)} SELECT {id.format("n")}, 'build.done', 'Build ' || n || ' is done',
            'All tests passed.', '[]', 'normal', '{{}}', {now} FROM each
    """
    apart = size.large // size.each
    for n in range(1, size.each + 1):
        notification = f"({(n - 1) * apart} + n) % {size.large} + 1"
        yield receipts(size.mailboxes - 1, NAME[kind].format("n"), str(n), notification)
    yield receipts(size.large, f"'{LARGE}'", "n", "n")
    yield """
        INSERT INTO notifs_mailboxes (recipient, revision, unread, unseen)
        SELECT recipient, max(revision), sum(CASE WHEN read_at IS NULL AND archived_at IS NULL THEN 1 ELSE 0 END),
            sum(CASE WHEN seen_at IS NULL AND archived_at IS NULL THEN 1 ELSE 0 END)
        FROM notifs_receipts GROUP BY recipient
    """


def _fill_sqlite(path: str, rows: Iterable[str]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in FAST:
        connection.execute(f"PRAGMA {pragma}")
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'notifs_receipts' AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    for statement in [*rows, *(made for _, made in indexes)]:
        connection.execute(statement)
    connection.close()


async def _fill_postgres(connection: AsyncConnection, rows: Iterable[str]) -> None:
    async def run(statement: str) -> list[tuple[str, ...]]:
        result = await connection.exec_driver_sql(statement)
        return [tuple(row) for row in result] if result.returns_rows else []

    await run("SET LOCAL maintenance_work_mem = '1GB'")
    indexes, keys = await run(INDEXES), await run(KEYS)
    for (made,) in indexes:
        await run(f"DROP INDEX {made.split(' INDEX ')[1].split(' ON ')[0]}")
    for name, _ in keys:
        await run(f"ALTER TABLE notifs_receipts DROP CONSTRAINT {name}")
    for statement in rows:
        await run(statement)
    for name, made in keys:
        await run(f"ALTER TABLE notifs_receipts ADD CONSTRAINT {name} {made}")
    for (made,) in indexes:
        await run(made)
    await run("ANALYZE")

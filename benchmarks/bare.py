"""The bare drivers: sqlite3 and asyncpg, which write the rows that `notify` writes, with nothing around them."""

import sqlite3
import uuid
from collections.abc import Sequence
from typing import Any, Protocol, Self

import asyncpg
from sqlalchemy import make_url

from benchmarks.measure import must
from notifs.store.models import new_id

MAILBOX = """
INSERT INTO notifs_mailboxes (recipient, revision, unread, unseen) VALUES ({0}, 1, 1, 1)
ON CONFLICT (recipient) DO UPDATE SET revision = notifs_mailboxes.revision + 1,
    unread = notifs_mailboxes.unread + 1, unseen = notifs_mailboxes.unseen + 1
"""
COPY_OF = """
INSERT INTO notifs_receipts (recipient, position, revision, notification_id)
SELECT recipient, revision, revision, {0} FROM notifs_mailboxes WHERE recipient = {1}
"""
RECEIPT = "INSERT INTO notifs_receipts (recipient, position, revision, notification_id) VALUES ({0}, {1}, {1}, {2})"


class Bare(Protocol):
    """A driver's connection. A sample is a row of notifs_notifications, as `notify` has made it, without its id."""

    async def sample(self) -> tuple[Any, ...]:
        """A sample of what is there."""

    async def batch(self, sample: tuple[Any, ...], recipients: Sequence[str]) -> None:
        """One transaction: for each recipient a notification, the mailbox's next revision, and the receipt."""

    async def bulk(self, sample: tuple[Any, ...], recipients: Sequence[str], position: int) -> None:
        """One transaction: one notification, and the receipts of all recipients at this position."""

    async def close(self) -> None: ...


class SQLite:
    """The standard library's driver, in the way that `notifs.store.engines` sets it up."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> Self:
        connection = sqlite3.connect(str(make_url(url).database), isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        must(connection.execute("PRAGMA synchronous").fetchone() == (2,), "SQLite does not wait for the disk")
        return cls(connection)

    async def sample(self) -> tuple[Any, ...]:
        rows: tuple[Any, ...] = self._connection.execute("SELECT * FROM notifs_notifications").fetchone()
        return rows[1:]

    async def batch(self, sample: tuple[Any, ...], recipients: Sequence[str]) -> None:
        ids = [new_id().hex for _ in recipients]
        marks = ", ".join("?" * (len(sample) + 1))
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(
            f"INSERT INTO notifs_notifications VALUES ({marks})", [(id, *sample) for id in ids]
        )
        self._connection.executemany(MAILBOX.format("?"), [(recipient,) for recipient in recipients])
        self._connection.executemany(COPY_OF.format("?", "?"), list(zip(ids, recipients, strict=True)))
        self._connection.execute("COMMIT")

    async def bulk(self, sample: tuple[Any, ...], recipients: Sequence[str], position: int) -> None:
        id = new_id().hex
        marks = ", ".join("?" * (len(sample) + 1))
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(f"INSERT INTO notifs_notifications VALUES ({marks})", (id, *sample))
        rows = ((recipient, position, id) for recipient in recipients)
        self._connection.executemany(RECEIPT.format("?1", "?2", "?3"), rows)
        self._connection.execute("COMMIT")

    async def close(self) -> None:
        self._connection.close()


class Postgres:
    """asyncpg; `by_copy` has it write receipts in bulk by COPY, and else by executemany."""

    def __init__(self, connection: Any, *, by_copy: bool = False) -> None:
        self._connection = connection
        self._by_copy = by_copy

    @classmethod
    async def open(cls, url: str, *, by_copy: bool = False) -> Self:
        address = make_url(url)
        connection = await asyncpg.connect(
            user=address.username, database=address.database, host=address.query["host"], port=address.query["port"]
        )
        for setting in ("fsync", "synchronous_commit"):
            must(await connection.fetchval(f"SHOW {setting}") == "on", "PostgreSQL does not wait for the disk")
        return cls(connection, by_copy=by_copy)

    async def sample(self) -> tuple[Any, ...]:
        return tuple(await self._connection.fetchrow("SELECT * FROM notifs_notifications LIMIT 1"))[1:]

    async def batch(self, sample: tuple[Any, ...], recipients: Sequence[str]) -> None:
        ids = [new_id() for _ in recipients]
        async with self._connection.transaction():
            await self._notifications(sample, ids)
            await self._connection.executemany(MAILBOX.format("$1"), [(recipient,) for recipient in recipients])
            await self._connection.executemany(
                COPY_OF.format("$1::uuid", "$2"), list(zip(ids, recipients, strict=True))
            )

    async def bulk(self, sample: tuple[Any, ...], recipients: Sequence[str], position: int) -> None:
        id = new_id()
        async with self._connection.transaction():
            await self._notifications(sample, [id])
            if self._by_copy:
                columns = ["recipient", "position", "revision", "notification_id"]
                rows = ((recipient, position, position, id) for recipient in recipients)
                await self._connection.copy_records_to_table("notifs_receipts", records=rows, columns=columns)
            else:
                values = [(recipient, position, id) for recipient in recipients]
                await self._connection.executemany(RECEIPT.format("$1", "$2::bigint", "$3"), values)

    async def _notifications(self, sample: tuple[Any, ...], ids: Sequence[uuid.UUID]) -> None:
        marks = ", ".join(f"${n}" for n in range(1, len(sample) + 2))
        statement = f"INSERT INTO notifs_notifications VALUES ({marks})"
        await self._connection.executemany(statement, [(id, *sample) for id in ids])

    async def close(self) -> None:
        await self._connection.close()


async def bare(url: str, *, by_copy: bool = False) -> Bare:
    """A connection of the bare driver to a database."""
    return await (SQLite.open(url) if url.startswith("sqlite") else Postgres.open(url, by_copy=by_copy))

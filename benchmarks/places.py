"""Databases to measure in, as durable as in production, each migrated by our own migrations."""

import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.measure import must
from notifs.store import schema
from notifs.store.database import Database
from tests import servers

KINDS = ("sqlite", "postgresql")


class Place(Protocol):
    """Where databases are."""

    kind: str

    def fresh(self) -> AbstractAsyncContextManager[str]:
        """The URL of a database with every migration and no rows; it is gone afterwards."""


class SQLite:
    """Files in one folder."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[str]:
        template = self._folder / "template.db"
        if not template.exists():
            await _migrate(f"sqlite+aiosqlite:///{template}")
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            yield f"sqlite+aiosqlite:///{shutil.copy(template, Path(name) / 'notifs.db')}"


class Postgres:
    """Databases of one server."""

    kind = "postgresql"

    def __init__(self, server: servers.Postgres) -> None:
        self._server = server
        self._template = ""

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[str]:
        if not self._template:
            self._template = "template_of_notifs"
            await self._server.execute(f"CREATE DATABASE {self._template}")
            async with self._server.database() as url:
                await _migrate(str(make_url(url).set(database=self._template)))
        async with self._server.database(self._template) as url:
            await self._server.execute("CHECKPOINT")
            yield url


@asynccontextmanager
async def place(kind: str) -> AsyncIterator[Place]:
    """A place of a kind; it is gone afterwards, with all that is in it."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="notifs-benchmarks-") as name:
            yield SQLite(Path(name))
    else:
        with servers.postgres(durable=True) as server:
            yield Postgres(server)


async def see_durable(database: Database) -> None:
    """See that what this database commits is on the disk when it says so."""
    wanted = (
        {"synchronous": "2", "journal_mode": "wal"} if database.sqlite else {"fsync": "on", "synchronous_commit": "on"}
    )

    async def work(connection: AsyncConnection) -> None:
        for name, value in wanted.items():
            found = await connection.scalar(text(f"{'PRAGMA' if database.sqlite else 'SHOW'} {name}"))
            must(str(found) == value, f"{name} is {found}, and is to be {value}")

    await database.write(work)


async def counted(database: Database, **wanted: int) -> None:
    """See that each of these tables has so many rows: `notifs_receipts=100`."""

    async def work(connection: AsyncConnection) -> None:
        for table, count in wanted.items():
            found = await connection.scalar(text(f"SELECT count(*) FROM {table}"))
            must(found == count, f"{table} has {found} rows, and is to have {count}")

    await database.read(work)


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        await schema.upgrade(database)
    finally:
        await database.close()
    if database.sqlite:
        must(not Path(f"{make_url(url).database}-wal").exists(), "the template is not in one file")

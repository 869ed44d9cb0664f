"""Migrations: bring a database to the schema of this code, or say how far it is from it.

The scripts lie in `alembic/` of the repository and, in the installed package, in `notifs/migrations`. Revisions are
numbers of four digits. A migration only adds, so that the code before it runs on beside the new; one that takes away
what that code needs begins the next thousand.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import SchemaError
from notifs.store.database import Database

VERSION_TABLE = "notifs_alembic_version"
_LOCK = 7_012_026
"""The PostgreSQL advisory lock that migrations take, so that of several starting at once one runs them."""


def migrations() -> Path:
    """Where the migration scripts are."""
    package = Path(__file__).parent.parent
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "alembic"


def _alembic(name: str, connection: Connection, revision: str) -> None:
    """Run a command of Alembic's, which is imported only where there is something to migrate: it takes its time."""
    command, config = import_module("alembic.command"), import_module("alembic.config")
    made: Any = config.Config()
    made.attributes["connection"] = connection
    made.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    getattr(command, name)(made, revision)


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return found


def _newest() -> str:
    return max(path.name[:4] for path in (migrations() / "versions").glob("[0-9]*.py"))


@asynccontextmanager
async def alone(database: Database) -> AsyncIterator[AsyncConnection]:
    """The one transaction that may migrate just now, committed at the end; who comes meanwhile waits for it."""
    async with database.patient() as connection:  # on SQLite that is enough: it has one writer
        if not database.sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _LOCK})
        yield connection


def migrate(connection: Connection, revision: str = "head") -> tuple[str | None, str | None]:
    """Run the migrations that are missing, in the caller's transaction. Returns the revisions before and after.

    Raises:
        SchemaError: the database is of a newer code that this one cannot run beside.
    """
    before = _current(connection)
    if _ahead(before):
        _judge(before)
        return before, before
    _alembic("upgrade", connection, revision)
    return before, _current(connection)


async def upgrade(database: Database, revision: str = "head") -> tuple[str | None, str | None]:
    """The same, one process at a time, and committed."""
    async with alone(database) as connection:
        return await connection.run_sync(migrate, revision)


async def downgrade(database: Database, revision: str) -> None:
    """Take migrations back; data of tables that go is lost."""
    async with alone(database) as connection:
        await connection.run_sync(lambda c: _alembic("downgrade", c, revision))


async def is_empty(database: Database) -> bool:
    """Whether no migration has ever run here."""
    return await database.read(lambda c: c.run_sync(lambda s: not inspect(s).has_table(VERSION_TABLE)))


async def prepare(database: Database, *, make: bool) -> None:
    """Check the schema; a database without any table gets ours first, if it may.

    Raises:
        SchemaError: as `check`.
    """
    if make and await is_empty(database):
        await upgrade(database)
    await check(database)


async def check(database: Database) -> str:
    """The revision of the schema; waits for a migration that is running.

    Raises:
        SchemaError: it is not one that this code can work with; the message says what to do.
    """
    current = await database.read(lambda c: c.run_sync(_current))
    if current != _newest() and not _ahead(current):
        async with alone(database) as connection:
            current = await connection.run_sync(_current)
    _judge(current)
    return current or ""


def _ahead(current: str | None) -> bool:
    return current is not None and current > _newest()


def _judge(current: str | None) -> None:
    newest = _newest()
    if current == newest or (current is not None and _ahead(current) and current[0] == newest[0]):
        return
    cure = "install its newer version" if _ahead(current) else "run: notifs db upgrade"
    raise SchemaError(
        f"the database is at revision {current or 'nothing'}, this version of notifs needs {newest}; {cure}"
    )

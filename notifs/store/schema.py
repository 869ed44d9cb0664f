"""Migrations: bring a database to the schema of this code, or say how far it is from it.

The scripts lie in `alembic/` of the repository and, in the installed package, in `notifs/migrations`. Revisions are
numbers of four digits. A migration only adds, so that the code before it runs on beside the new; one that takes away
what that code needs begins the next thousand.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
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


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.attributes["connection"] = connection
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    return config


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _newest() -> str:
    return str(ScriptDirectory.from_config(_config()).get_current_head())


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
    command.upgrade(_config(connection), revision)
    return before, _current(connection)


async def upgrade(database: Database, revision: str = "head") -> tuple[str | None, str | None]:
    """The same, one process at a time, and committed."""
    async with alone(database) as connection:
        return await connection.run_sync(migrate, revision)


async def downgrade(database: Database, revision: str) -> None:
    """Take migrations back; data of tables that go is lost."""
    async with alone(database) as connection:
        await connection.run_sync(lambda c: command.downgrade(_config(c), revision))


async def is_empty(database: Database) -> bool:
    """Whether no migration has ever run here."""
    return await database.read(lambda c: c.run_sync(lambda s: not inspect(s).has_table(VERSION_TABLE)))


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

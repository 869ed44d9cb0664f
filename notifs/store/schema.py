"""Migrations: bring a database to the schema of this code, or say how far it is from it.

The scripts lie in `alembic/` of the repository and, in the installed package, in `notifs/migrations`.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

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


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    return config


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _newest() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


async def upgrade(database: Database, revision: str = "head") -> tuple[str | None, str | None]:
    """Run the migrations that are missing, one process at a time. Returns the revisions before and after."""

    def run(connection: Connection) -> tuple[str | None, str | None]:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _LOCK})
        before = _current(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        return before, _current(connection)

    async with database.session() as session:
        return await (await session.connection()).run_sync(run)


async def downgrade(database: Database, revision: str) -> None:
    """Take migrations back; data of tables that go is lost."""

    def run(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)

    async with database.session() as session:
        await (await session.connection()).run_sync(run)


async def is_empty(database: Database) -> bool:
    """Whether no migration has ever run here."""
    return await database.read(lambda c: c.run_sync(lambda s: not inspect(s).has_table(VERSION_TABLE)))


async def check(database: Database) -> str:
    """The revision of the schema.

    Raises:
        SchemaError: it is not the one that this code needs; the message says what to run.
    """
    current = await database.read(lambda c: c.run_sync(_current))
    newest = _newest()
    if current != newest:
        raise SchemaError(
            f"the database is at revision {current or 'nothing'}, this version of notifs needs {newest}; "
            "run: notifs db upgrade"
        )
    return current or ""

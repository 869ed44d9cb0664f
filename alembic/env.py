"""How Alembic reaches the database: over the connection it is given, else over the one of the settings."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from notifs.settings import Settings
from notifs.store.database import Database
from notifs.store.models import Base
from notifs.store.schema import VERSION_TABLE, alone


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        version_table=VERSION_TABLE,
        render_as_batch=connection.dialect.name == "sqlite",
        include_name=lambda name, type_, parents: type_ != "table" or str(name).startswith("notifs_"),
    )
    # The caller's transaction is the only one: Alembic must not commit inside it.
    context.run_migrations()


async def connect_and_migrate() -> None:
    settings = Settings.load()
    database = Database(settings.database_url)
    async with alone(database) as connection:
        await connection.run_sync(migrate)
    await database.close()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    asyncio.run(connect_and_migrate())

"""What commands share: an event loop, settings that were checked, the words of an argument."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

from notifs.errors import SchemaError, SettingsError

if TYPE_CHECKING:
    from notifs.settings import Settings
    from notifs.store import Store

P = ParamSpec("P")
Email = Annotated[str, typer.Argument(help="The email address of an account, or its recipient id.")]


def on_loop(command: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Make a command of a coroutine function."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(command(*args, **kwargs))

    return run


def read_settings() -> "Settings":
    """Settings from the environment; logs as they say."""
    from notifs import logs
    from notifs.settings import Settings

    settings = Settings.load()
    logs.configure(settings)
    path = settings.sqlite_path
    if path is not None and not path.parent.is_dir():
        raise SettingsError(f"NOTIFS_DATABASE_URL: there is no folder {path.parent.absolute()}; make it first")
    return settings


@asynccontextmanager
async def stored(settings: "Settings | None" = None) -> AsyncIterator["Store"]:
    """The store, checked: for commands that tell nobody, and so need nothing of what serves."""
    from notifs.store import Store, schema
    from notifs.store.database import Database

    settings = settings or existing()
    database = Database(settings.database_url)
    try:
        await schema.prepare(database, make=not settings.production and settings.sqlite_path is not None)
        yield await Store(database).open()
    finally:
        await database.close()


def existing() -> "Settings":
    """Settings whose SQLite file is there: only `serve` and `db upgrade` make one."""
    settings = read_settings()
    if settings.sqlite_path is not None and not settings.sqlite_path.is_file():
        raise SchemaError(
            f"there is no database {settings.sqlite_path.absolute()}; go to the folder where notifs serve runs, "
            "or set NOTIFS_DATABASE_URL as there, or make it with: notifs db upgrade"
        )
    return settings

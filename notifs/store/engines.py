"""Connections to SQLite and to PostgreSQL: how they are made, how a transaction begins, how long anything may take."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson
from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from notifs.store import sqlite

BUSY_SECONDS = 5.0
"""How long a write waits for a lock that another process has, and how long PostgreSQL may take to let us in."""
POOL_SECONDS = 15.0
"""How long a piece of work waits for its turn among those of this process, on PostgreSQL."""
STATEMENT_SECONDS = 10.0
"""How long PostgreSQL may work on one statement."""
SILENCE_SECONDS = 15.0
"""How long we wait for PostgreSQL's answer to one statement: it answers sooner, unless the link is dead."""
IDLE_SECONDS = 60.0
"""How long a transaction may stay open on PostgreSQL with nobody doing anything in it."""

WAL_PAGES = 10_000
"""Pages of SQLite's write-ahead log from which on who commits clears it away, should `checkpoint` not have come."""

_COURTESY_SECONDS = 0.005


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


_OPTIONS: dict[str, Any] = {
    "json_serializer": _dumps,
    "json_deserializer": orjson.loads,
    "hide_parameters": True,  # else an error tells the log what somebody was to be told
}


def sqlite_reader(url: str, pool: int) -> AsyncEngine:
    """Connections in WAL mode that each see one moment of the database in a transaction."""
    engine = _sqlite_engine(url, pool, sqlite.Reader, ())

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.begin()

    return engine


def sqlite_writer(url: str) -> AsyncEngine:
    """A connection in WAL mode whose transactions may write from the beginning.

    The execution option `notifs_begin=False` says otherwise for one connection, and `notifs_patience` how many seconds
    it waits for another process.
    """
    engine = _sqlite_engine(url, 1, sqlite.Direct, ("busy_timeout=2", f"wal_autocheckpoint={WAL_PAGES}"))
    contended = False

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        nonlocal contended
        options = connection.get_execution_options()
        if options.get("notifs_begin", True):
            seconds, polite = options.get("notifs_patience", BUSY_SECONDS), contended
            raw: Any = connection.connection.dbapi_connection
            contended = raw.run_async(lambda driver: _begin_immediate(driver, seconds, after_you=polite))

    return engine


async def checkpoint(engine: AsyncEngine) -> None:
    """Write SQLite's write-ahead log into the database, as far as it can be done without anybody waiting for it."""
    async with engine.connect() as connection:
        raw: Any = await connection.get_raw_connection()
        await raw.driver_connection.run(lambda driver: driver.execute("PRAGMA wal_checkpoint(PASSIVE)"))


def _sqlite_engine(url: str, pool: int, kind: type[sqlite.Direct], also: Sequence[str]) -> AsyncEngine:
    connect_args = {"timeout": BUSY_SECONDS, "async_creator_fn": partial(sqlite.connect, kind)}
    engine = create_async_engine(url, pool_size=pool, max_overflow=0, connect_args=connect_args, **_OPTIONS)

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own: `_begin` does
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", *also):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


async def _begin_immediate(driver: Any, seconds: float, *, after_you: bool) -> bool:
    """Begin as soon as no other process writes; returns whether one did.

    SQLite's own way of waiting asks less and less often, and so never gets its turn from processes that write without a
    pause. Here who has waited for longer asks more often, and who had to wait last time lets others go first.
    """
    began = time.monotonic()
    if after_you:
        await asyncio.sleep(_COURTESY_SECONDS)
    waited = 0.0
    while True:
        try:
            await driver.run(lambda connection: connection.execute("BEGIN IMMEDIATE"))
        except sqlite3.Error as error:
            waited = time.monotonic() - began
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or waited > seconds:
                raise OperationalError("BEGIN IMMEDIATE", None, error) from error
        else:
            return waited > 0
        await asyncio.sleep(max(0.002, 0.02 / (1 + 20 * waited)))


def postgresql_engine(url: str, pool: int) -> AsyncEngine:
    """Connections that wait for nothing without end: not for a lock, not for a statement, not for a dead link."""
    engine = create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_pre_ping=True,
        connect_args={
            "timeout": BUSY_SECONDS,
            "command_timeout": SILENCE_SECONDS,
            "server_settings": {
                "lock_timeout": f"{BUSY_SECONDS * 1000:.0f}",
                "statement_timeout": f"{STATEMENT_SECONDS * 1000:.0f}",
                "idle_in_transaction_session_timeout": f"{IDLE_SECONDS * 1000:.0f}",
                **_KEEPALIVES,
            },
        },
        **_OPTIONS,
    )

    @event.listens_for(engine.sync_engine, "handle_error")
    def _silence(context: ExceptionContext) -> Exception | None:
        silence = context.original_exception
        if not isinstance(silence, TimeoutError):
            return None
        context.is_disconnect = True  # the other connections lead to the same place: each is to be made anew
        return OperationalError(context.statement, None, silence)

    return engine


_KEEPALIVES = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
"""By these PostgreSQL finds out that we are gone, and gives back what we have locked."""


def patient_postgresql_engine(url: str) -> AsyncEngine:
    """One connection at a time, for work that may take as long as it takes, such as a migration."""
    return create_async_engine(
        url,
        poolclass=NullPool,
        connect_args={"timeout": BUSY_SECONDS, "server_settings": {"application_name": "notifs", **_KEEPALIVES}},
        **_OPTIONS,
    )

"""A connection to SQLite that goes to its thread once for each statement, and back with all of the answer.

aiosqlite goes there four times: for a cursor, to run the statement, for the rows, and to close the cursor. Each way
there and back wakes two threads, and costs more than a short statement does.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Self

from aiosqlite import Connection

Run = Callable[[sqlite3.Connection], sqlite3.Cursor]


class Cursor:
    """What SQLAlchemy needs of a cursor (PEP 249); its rows are in memory."""

    arraysize = 1
    description: Any = None
    rowcount = -1
    lastrowid: int | None = None

    def __init__(self, connection: "Direct") -> None:
        self._connection = connection
        self._rows: Iterator[Any] = iter(())

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement, and fetch what it returns."""
        await self._run(lambda connection: connection.execute(statement, parameters))

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each of many rows."""
        await self._run(lambda connection: connection.executemany(statement, parameters))

    async def fetchone(self) -> Any:
        """The next row; None after the last."""
        return next(self._rows, None)

    async def fetchmany(self, size: int = 1) -> list[Any]:
        """So many more rows, or as many as there are."""
        return list(islice(self._rows, size))

    async def fetchall(self) -> list[Any]:
        """The other rows."""
        return list(self._rows)

    async def close(self) -> None:
        """Nothing is open any more: the statement has been run to its end."""

    async def _run(self, run: Run) -> None:
        rows, self.description, self.rowcount, self.lastrowid = await self._connection.run(run)
        self._rows = iter(rows)


class Direct(Connection):
    """A connection that goes to its thread once for a statement, and does not roll back where nothing has begun."""

    _stopped: asyncio.Future[None] | None = None
    _ended = True
    """Nothing was run since the last transaction ended."""

    def cursor(self) -> Cursor:  # type: ignore[override]  # ours needs no waiting for
        return Cursor(self)

    async def run(self, run: Run) -> tuple[list[Any], Any, int, int | None]:
        """Run a statement. Returns its rows; and their description, their count and the last row's id (PEP 249)."""

        def work() -> tuple[list[Any], Any, int, int | None]:
            cursor = run(self._conn)
            return cursor.fetchall(), cursor.description, cursor.rowcount, cursor.lastrowid

        self._ended = False
        execute: Any = self._execute
        result: tuple[list[Any], Any, int, int | None] = await execute(work)
        return result

    def stop(self) -> asyncio.Future[None] | None:
        self._stopped = super().stop()
        return self._stopped

    async def _connect(self) -> Connection:
        try:
            return await super()._connect()
        except BaseException:
            # Its thread ends first: it must not come back to an event loop that is closed by then.
            if self._stopped is not None:
                await self._stopped
            raise

    async def commit(self) -> None:
        await super().commit()
        self._ended = True

    async def rollback(self) -> None:
        # Not by `in_transaction`: what was cancelled may be about to begin one, in the thread.
        if not self._ended:
            await super().rollback()
            self._ended = True


class Reader(Direct):
    """A connection that only reads: a transaction begins with its first statement, and nobody waits for its end."""

    _due = _begun = False

    def begin(self) -> None:
        """Begin a transaction on the way of the next statement."""
        self._due = True

    async def run(self, run: Run) -> tuple[list[Any], Any, int, int | None]:
        if not self._due:
            return await super().run(run)
        self._due, self._begun = False, True
        return await super().run(lambda connection: (connection.execute("BEGIN"), run(connection))[1])

    async def commit(self) -> None:
        self._end()

    async def rollback(self) -> None:
        self._end()

    def _end(self) -> None:
        self._due = False
        if self._begun and self._connection is not None:
            self._begun = False
            self._tx.put_nowait((None, self._connection.rollback))  # in order: before whatever comes next


def connect(kind: type[Direct], database: str, **kwargs: Any) -> Direct:
    """A connection to the database in this file, to be awaited. The arguments are those of `sqlite3.connect`."""
    connection = kind(lambda: _opened(database, **kwargs), iter_chunk_size=0)
    connection._thread.daemon = True  # the process may end while it waits for work
    return connection


def _opened(database: str, **kwargs: Any) -> sqlite3.Connection:
    """A connection of this thread, which knows how to lower all letters: `lower` of SQLite knows A to Z."""
    connection: sqlite3.Connection = sqlite3.connect(database, **kwargs)
    connection.create_function("notifs_lower", 1, str.lower, deterministic=True)
    return connection

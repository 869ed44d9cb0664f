"""Engines and transactions, the SQLite way and the PostgreSQL way; the rest of the store does not tell them apart.

SQLite has one writer connection in a process. What waits for it is committed together, each piece under a
savepoint of its own, so that one that fails takes no other with it. Readers have connections of their own and,
in WAL, a steady view. PostgreSQL has a pool; a reader's transaction is REPEATABLE READ, so that a page and its
counts are of one moment.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.pool import QueuePool

from notifs.errors import StoreUnavailable
from notifs.store import engines
from notifs.store.outages import may_succeed_now, translated

log = structlog.get_logger("notifs.store")
T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

GROUP_LIMIT = 100
"""Pieces of work in one SQLite transaction."""
GROUP_SECONDS = 0.1
"""How long one SQLite transaction takes in pieces of work: other processes wait for their turn."""
CLEAR_SECONDS = 0.5
"""How long after a write the write-ahead log of SQLite is cleared away."""
TRIES = 5
"""How often PostgreSQL is asked to do a piece of work that it gives up for the sake of another."""
_BACK_OFF_SECONDS = 0.01
_PATIENCE_SECONDS = 600.0

_HELD = (
    "another transaction of this process has not ended; inside `async with notifs.session() as session` "
    "give notify(session=session), else it waits for itself"
)


@dataclass(slots=True)
class _Piece:
    work: Work[Any]
    done: asyncio.Future[Any]


_Outcome = tuple[_Piece, Any, BaseException | None]


class Database:
    """A database by its URL: `read` and `write` run a piece of work in one transaction.

    A piece may be run by another task than the caller's, and more than once; it must not touch anything but its
    connection. Of what was acknowledged nothing is lost; what was not may be there all the same, if the link broke
    while it was being committed or if the caller was cancelled.

    Args:
        url: a SQLAlchemy URL of the aiosqlite or asyncpg driver.
        pool: connections to PostgreSQL, or readers of SQLite. A quarter of those to PostgreSQL is kept for writes.
    """

    def __init__(self, url: str, *, pool: int = 10) -> None:
        self.sqlite = url.startswith("sqlite")
        self._url = url
        if self.sqlite:
            self._reader = engines.sqlite_reader(url, pool)
            self._writer = engines.sqlite_writer(url)
        else:
            self._writer = engines.postgresql_engine(url, pool)
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._most_readers = pool if self.sqlite else pool - pool // 4
        self._readers = asyncio.Semaphore(self._most_readers)
        self.writes = 0
        """Pieces of work that were to be written so far."""
        self._clearing: asyncio.Task[None] | None = None
        self._waiting: deque[_Piece] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._write_lock = asyncio.Lock()

    @property
    def in_use(self) -> int:
        """How many connections are at work; 0 when nothing is being read or written."""
        pools = {self._reader.pool, self._writer.pool}
        return sum(pool.checkedout() for pool in pools if isinstance(pool, QueuePool))

    async def close(self) -> None:
        """Finish what waits for SQLite's writer and what reads there, and close every connection."""
        async with self._nobody_reads() if self.sqlite else nullcontext():
            while self._writing is not None:
                await asyncio.wait([self._writing])
            clearing, self._clearing = self._clearing, None
            if clearing is not None and not clearing.done():
                clearing.cancel()
                await asyncio.wait([clearing])
            await self._reader.dispose()
        await self._writer.dispose()

    @asynccontextmanager
    async def _nobody_reads(self) -> AsyncIterator[None]:
        """Wait for who reads, and let nobody begin: a connection that outlives its pool is closed by nobody."""
        async with AsyncExitStack() as turns:
            with suppress(TimeoutError):  # nobody waits for the end for ever
                async with asyncio.timeout(engines.POOL_SECONDS):
                    for _ in range(self._most_readers):
                        await turns.enter_async_context(self._readers)
            yield

    async def read(self, work: Work[T]) -> T:
        """Run `work` in a transaction that sees one moment of the database.

        Raises:
            StoreUnavailable: the database cannot be reached, or is too busy.
            SchemaError: it has not the tables of this code.
        """
        with translated():
            async with asyncio.timeout(engines.POOL_SECONDS):
                await self._readers.acquire()
            try:
                return await _transact(self._reader, work)
            finally:
                self._readers.release()

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction and commit it; nothing of it stays when it raises.

        What PostgreSQL gives up for a deadlock or a serialization failure is done again, up to `TRIES` times.

        Raises:
            StoreUnavailable: the database cannot be reached, is full or too busy; try again.
            SchemaError: it has not the tables of this code.
        """
        self.writes += 1
        if self.sqlite:
            return await self._queue(work)
        with translated():
            return await _transact(self._writer, work)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A session in a write transaction of the caller's own: committed at the end, rolled back on an error.

        Only the caller could do it again after a deadlock, so nobody does: it is StoreUnavailable at once. Changes of
        the mailboxes of several people are safe from deadlocks in the ascending order of those.
        """
        turn = self._write_lock if self.sqlite else nullcontext()
        with translated((PoolTimeout,)):  # an OSError may be the caller's own
            async with turn, AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
                with translated():
                    await session.connection()
                yield session
        self._clear_soon()

    @asynccontextmanager
    async def patient(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction that may take its time, as a migration does: no limit of PostgreSQL's holds for it."""
        engine = self._writer.execution_options(notifs_patience=_PATIENCE_SECONDS)
        if not self.sqlite:
            engine = engines.patient_postgresql_engine(self._url)
        with translated((PoolTimeout, OSError)):
            try:
                async with self._write_lock, engine.begin() as connection:
                    yield connection
            finally:
                if not self.sqlite:
                    await engine.dispose()

    async def foreign_version(self) -> int:
        """A number that changes when another process has written to the SQLite file (`PRAGMA data_version`).

        Asked on the writer's own connection, whose own commits do not count. Always 0 on PostgreSQL.
        """
        if not self.sqlite:
            return 0
        with translated():
            async with self._write_lock, self._writer.execution_options(notifs_begin=False).connect() as connection:
                result = await connection.exec_driver_sql("PRAGMA data_version")
                return int(result.scalar_one())

    async def _queue(self, work: Work[T]) -> T:
        piece = _Piece(work, asyncio.get_running_loop().create_future())
        self._waiting.append(piece)
        if self._writing is None:
            self._writing = asyncio.create_task(self._drain())
        result: T = await piece.done
        return result

    async def _drain(self) -> None:
        try:
            while self._waiting:
                async with self._turn() as ours:
                    if ours:
                        await self._commit()
                    else:
                        _settle([(piece, None, StoreUnavailable(_HELD)) for piece in self._next()])
        finally:
            self._writing = None
            self._clear_soon()

    def _clear_soon(self) -> None:
        if self.sqlite and (self._clearing is None or self._clearing.done()):
            self._clearing = asyncio.create_task(self._clear())

    async def _clear(self) -> None:
        """Clear SQLite's write-ahead log away, beside those who write: a large one takes as long as many commits."""
        await asyncio.sleep(CLEAR_SECONDS)
        try:
            async with self._readers:
                await engines.checkpoint(self._reader)
        except Exception as error:  # then who commits does it, in the end
            log.warning("the write-ahead log could not be cleared away", error=str(error))

    def _next(self, seconds: float = engines.BUSY_SECONDS) -> Iterator[_Piece]:
        """What waits, those who came meanwhile too, until there is enough for one transaction."""
        deadline = time.monotonic() + seconds
        for _ in range(GROUP_LIMIT):
            if self._waiting:
                yield self._waiting.popleft()
            if time.monotonic() >= deadline:
                return

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[bool]:
        """The writer's lock; False if a session of the caller's has it and does not give it back in time."""
        try:
            async with asyncio.timeout(engines.BUSY_SECONDS):
                await self._write_lock.acquire()
        except TimeoutError:
            yield False
            return
        try:
            yield True
        finally:
            self._write_lock.release()

    async def _commit(self) -> None:
        outcomes: list[_Outcome] = []
        try:
            with translated():
                async with self._writer.begin() as connection:
                    alone = len(self._waiting) == 1  # then a savepoint would protect nobody
                    for piece in self._next(0.0 if alone else GROUP_SECONDS):
                        outcomes.append((piece, None, None))
                        if not piece.done.done():
                            outcomes[-1] = await _attempt(connection, piece, alone=alone)
        except Exception as error:
            lost = [piece for piece, _, _ in outcomes] or self._next()
            outcomes = [(piece, None, error) for piece in lost]
        _settle(outcomes)


def _settle(outcomes: list[_Outcome]) -> None:
    """Tell those who still wait for it what has become of their pieces."""
    for piece, result, failure in outcomes:
        if piece.done.done():
            continue
        if failure is None:
            piece.done.set_result(result)
        else:
            piece.done.set_exception(failure)


async def _attempt(connection: AsyncConnection, piece: _Piece, *, alone: bool) -> _Outcome:
    if alone:
        return piece, await piece.work(connection), None
    try:
        with translated():
            async with connection.begin_nested():
                return piece, await piece.work(connection), None
    except Exception as error:
        raw = await connection.get_raw_connection()
        if not getattr(raw.driver_connection, "in_transaction", False):
            # A full disk makes SQLite roll back all of it: the pieces before this one are lost as well.
            raise StoreUnavailable("the database could not write; nothing was written, try again") from error
        return piece, None, error


async def _transact(engine: AsyncEngine, work: Work[T]) -> T:
    """Begin, work, commit; from the beginning again where PostgreSQL asks for it."""
    tries = 0
    while True:
        tries += 1
        try:
            async with engine.begin() as connection:
                return await work(connection)
        except DBAPIError as error:
            if tries == TRIES or not may_succeed_now(error):
                raise
        await asyncio.sleep(random.uniform(0, _BACK_OFF_SECONDS * 2**tries))  # noqa: S311

"""Engines and transactions, the SQLite way and the PostgreSQL way; the rest of the store does not tell them apart.

SQLite has one writer connection in a process. What waits for it is committed together, each piece under a
savepoint of its own, so that one that fails takes no other with it. Readers have connections of their own and,
in WAL, a steady view. PostgreSQL has a pool; a reader's transaction is REPEATABLE READ, so that a page and its
counts are of one moment.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
import structlog
from sqlalchemy import Connection, event
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from notifs.errors import StoreUnavailable

log = structlog.get_logger("notifs.store")
T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

BUSY_SECONDS = 5
"""How long a SQLite write waits for another process's, and how long PostgreSQL may take to let us in."""
POOL_SECONDS = 15
"""How long a piece of work waits for its turn among those of this process, on PostgreSQL."""
GROUP_LIMIT = 100
"""Pieces of work in one SQLite transaction."""


_HELD = (
    "another transaction of this process has not ended; inside `async with notifs.session() as session` "
    "give notify(session=session), else it waits for itself"
)


@dataclass(slots=True)
class _Piece:
    work: Work[Any]
    done: asyncio.Future[Any]


class Database:
    """A database by its URL: `read` and `write` run a piece of work in one transaction.

    A piece may be run by another task than the caller's, and must not touch anything but its connection.

    Args:
        url: a SQLAlchemy URL of the aiosqlite or asyncpg driver.
        pool: connections to PostgreSQL, or readers of SQLite.
    """

    def __init__(self, url: str, *, pool: int = 10) -> None:
        self.sqlite = url.startswith("sqlite")
        if self.sqlite:
            self._reader = _sqlite_engine(url, pool).execution_options(notifs_begin="BEGIN")
            self._writer = _sqlite_engine(url, 1).execution_options(notifs_begin="BEGIN IMMEDIATE")
        else:
            self._writer = _postgresql_engine(url, pool)
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._waiting: deque[_Piece] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._write_lock = asyncio.Lock()

    async def close(self) -> None:
        """Finish what waits for SQLite's writer, and close every connection."""
        while self._writing is not None:
            await asyncio.wait([self._writing])
        await self._reader.dispose()
        await self._writer.dispose()

    async def read(self, work: Work[T]) -> T:
        """Run `work` in a transaction that sees one moment of the database.

        Raises:
            StoreUnavailable: the database cannot be reached, or is too busy.
        """
        with _translated():
            async with self._reader.begin() as connection:
                return await work(connection)

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction and commit it; nothing of it stays when it raises.

        Raises:
            StoreUnavailable: it could not be committed; nothing was written.
        """
        if self.sqlite:
            return await self._queue(work)
        with _translated():
            async with self._writer.begin() as connection:
                return await work(connection)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A session in a write transaction of the caller's own: committed at the end, rolled back on an error."""
        turn = self._write_lock if self.sqlite else nullcontext()
        with _translated((DBAPIError, PoolTimeout)):  # an OSError may be the caller's own
            async with turn, AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
                with _translated():
                    await session.connection()
                yield session

    async def foreign_version(self) -> int:
        """A number that changes when another process has written to the SQLite file (`PRAGMA data_version`).

        Asked on the writer's own connection, whose own commits do not count. Always 0 on PostgreSQL.
        """
        if not self.sqlite:
            return 0
        with _translated():
            async with self._write_lock, self._writer.execution_options(notifs_begin=None).connect() as connection:
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
                    count = min(len(self._waiting), GROUP_LIMIT)
                    pieces = [self._waiting.popleft() for _ in range(count)]
                    await self._commit([piece for piece in pieces if ours and not piece.done.done()])
                    for piece in pieces:
                        if not piece.done.done():
                            piece.done.set_exception(StoreUnavailable(_HELD))
        finally:
            self._writing = None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[bool]:
        """The writer's lock; False if a session of the caller's has it and does not give it back in time."""
        try:
            async with asyncio.timeout(BUSY_SECONDS):
                await self._write_lock.acquire()
        except TimeoutError:
            yield False
            return
        try:
            yield True
        finally:
            self._write_lock.release()

    async def _commit(self, pieces: list[_Piece]) -> None:
        if not pieces:
            return
        outcomes: list[tuple[_Piece, Any, BaseException | None]] = []
        try:
            with _translated():
                async with self._writer.begin() as connection:
                    for piece in pieces:
                        outcomes.append(await _attempt(connection, piece))
        except Exception as error:
            outcomes = [(piece, None, error) for piece in pieces]
        for piece, result, failure in outcomes:
            if piece.done.done():
                continue
            if failure is None:
                piece.done.set_result(result)
            else:
                piece.done.set_exception(failure)


async def _attempt(connection: AsyncConnection, piece: _Piece) -> tuple[_Piece, Any, BaseException | None]:
    try:
        with _translated():
            async with connection.begin_nested():
                return piece, await piece.work(connection), None
    except Exception as error:
        raw = await connection.get_raw_connection()
        if not getattr(raw.driver_connection, "in_transaction", False):
            # A full disk makes SQLite roll back all of it: the pieces before this one are lost as well.
            raise StoreUnavailable("the database could not write; nothing was written, try again") from error
        return piece, None, error


@contextmanager
def _translated(outages: tuple[type[Exception], ...] = (DBAPIError, PoolTimeout, OSError)) -> Iterator[None]:
    """Turns a failure of the database itself into StoreUnavailable; what the work raised passes through."""
    try:
        yield
    except (DataError, IntegrityError, NotSupportedError, ProgrammingError):
        raise
    except outages as error:
        log.warning("store unavailable", error=f"{type(error).__name__}: {getattr(error, 'orig', error)}")
        raise StoreUnavailable("the database could not do it just now; nothing was written, try again") from error


def after_commit(session: AsyncSession, then: Callable[[], None]) -> None:
    """Call `then` once the session's transaction is committed; never, if it or a savepoint around it is rolled back."""
    sync_session = session.sync_session
    if _PENDING not in sync_session.info:
        sync_session.info[_PENDING] = []
        event.listen(sync_session, "after_commit", _committed)
        event.listen(sync_session, "after_rollback", _rolled_back)
    savepoints = []
    transaction = sync_session.get_nested_transaction()
    while transaction is not None:
        savepoints.append(transaction)
        transaction = transaction.parent
    sync_session.info[_PENDING].append((savepoints, then))


_PENDING = "notifs_after_commit"


def _committed(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint was released: nothing is committed yet
    pending, session.info[_PENDING] = session.info[_PENDING], []
    for _, then in pending:
        then()


def _rolled_back(session: Session) -> None:
    gone = session.get_nested_transaction()
    pending = session.info[_PENDING]
    session.info[_PENDING] = [each for each in pending if gone is not None and gone not in each[0]]


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


_JSON: dict[str, Any] = {"json_serializer": _dumps, "json_deserializer": orjson.loads}


def _sqlite_engine(url: str, pool: int) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=pool, max_overflow=0, connect_args={"timeout": BUSY_SECONDS}, **_JSON)

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own: `_begin` does
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        begin = connection.get_execution_options().get("notifs_begin")
        if begin:
            connection.exec_driver_sql(begin)

    return engine


def _postgresql_engine(url: str, pool: int) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_pre_ping=True,
        connect_args={"timeout": BUSY_SECONDS},
        **_JSON,
    )

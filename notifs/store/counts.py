"""How often something was tried in the last minutes, by whom or from where: counted for all workers together.

Time is cut into parts, PARTS of them as long as a bound's window. A part counts for as long as anything in it can be
within the window, so in no window there is ever more than the bound allows; what was counted is forgotten up to one
part late.

The clock is the worker's own. One that is ahead of the others by some seconds forgets as many seconds earlier, and what
it has counted is remembered as many seconds longer: no more comes of that.
"""

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store.database import Database
from notifs.store.models import Count

PARTS = 15
SWEEP_SECONDS = 60.0
"""A worker deletes what has expired this often at most."""

_SOON = 0.001


@dataclass(frozen=True, slots=True)
class Bound:
    """So many of something in so many seconds."""

    what: str
    most: int
    seconds: int

    def part(self, now: float) -> int:
        """The number of the part of time that is now."""
        return math.floor(now * PARTS / self.seconds)

    def until(self, part: int) -> float:
        """When what was counted in a part is forgotten."""
        return (part + PARTS + 1) * self.seconds / PARTS

    def key(self, subject: str) -> bytes:
        """What a subject's count is stored under: no address can be read there, though a guess can be checked."""
        return hashlib.sha256(f"{self.what}:{subject}".encode("utf-8", "replace")).digest()


class Counts:
    """The counts of a database.

    Args:
        database: where they are.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._sweep_at = 0.0

    async def take(self, wanted: Mapping[Bound, str], cost: int = 1) -> tuple[Bound, float] | None:
        """Count so much for each of these subjects, if each bound has room for it.

        Returns None; or the bound that has no room and the seconds until it has, and then nothing was counted.

        Raises:
            StoreUnavailable: nobody can say.
        """
        now = self._clock()
        due = now >= self._sweep_at
        if due:
            self._sweep_at = now + SWEEP_SECONDS

        async def work(connection: AsyncConnection) -> tuple[Bound, float] | None:
            found = await _take(connection, wanted, cost, now)
            if due:
                await connection.execute(delete(Count).where(Count.expires_at <= datetime.fromtimestamp(now, UTC)))
            return found

        return await self._database.write(work)

    async def forgive(self, *, all: Mapping[Bound, str], one: Mapping[Bound, str]) -> None:
        """Forget everything that was counted for some subjects, and the last one that was for others.

        Raises:
            StoreUnavailable: it may be remembered still.
        """
        gone = [bound.key(subject).hex() for bound, subject in all.items()]

        async def work(connection: AsyncConnection) -> None:
            await _lock(connection, {**all, **one})
            await connection.execute(delete(Count).where(Count.key.in_(gone)))
            for bound, subject in one.items():
                counted = Count.key == bound.key(subject).hex()
                last = select(func.max(Count.window)).where(counted, Count.count > 0).scalar_subquery()
                await connection.execute(
                    update(Count).where(counted, Count.window == last).values(count=Count.count - 1)
                )

        await self._database.write(work)


async def _take(
    connection: AsyncConnection, wanted: Mapping[Bound, str], cost: int, now: float
) -> tuple[Bound, float] | None:
    await _lock(connection, wanted)
    for bound, subject in wanted.items():
        parts = await _parts(connection, bound, subject, now)
        if wait := _wait(bound, parts, cost, now):
            return bound, wait
    for bound, subject in wanted.items():
        part = bound.part(now)
        row = {"key": bound.key(subject).hex(), "window": part, "count": cost}
        row["expires_at"] = datetime.fromtimestamp(bound.until(part), UTC)
        await connection.execute(_adding(connection.dialect.name), row)
    return None


async def _lock(connection: AsyncConnection, subjects: Mapping[Bound, str]) -> None:
    """One after the other, also where there is no row yet that could be locked. SQLite has one writer anyway.

    Before anything else is done, and in one order for all, so that no two wait for each other.
    """
    if connection.dialect.name != "sqlite":
        for key in sorted(bound.key(subject) for bound, subject in subjects.items()):
            number = int.from_bytes(key[:8], signed=True)
            await connection.execute(_LOCK, {"number": number})


_LOCK = select(func.pg_advisory_xact_lock(bindparam("number", type_=BigInteger)))


async def _parts(connection: AsyncConnection, bound: Bound, subject: str, now: float) -> list[tuple[int, int]]:
    """The parts and what was counted in them, the oldest first; also by a worker whose clock is ahead."""
    given = {"whose": bound.key(subject).hex(), "since": bound.part(now) - PARTS}
    return [(part, count) for part, count in await connection.execute(_RECENT, given)]


_RECENT = (
    select(Count.window, Count.count)
    .where(Count.key == bindparam("whose"), Count.window >= bindparam("since"))
    .order_by(Count.window)
)


def _wait(bound: Bound, parts: Sequence[tuple[int, int]], cost: int, now: float) -> float:
    """Seconds until there is room for so much more; 0 if there is."""
    over = sum(count for _, count in parts) + cost - bound.most
    if over <= 0:
        return 0.0
    for part, count in parts:
        over -= count
        if over <= 0:
            return max(_SOON, bound.until(part) - now)
    return float(bound.seconds)  # there never is so much room


@cache
def _adding(dialect: str) -> Any:
    insertion: Any = sqlite if dialect == "sqlite" else postgresql
    statement = insertion.insert(Count)
    more = {"count": Count.count + statement.excluded.count}
    return statement.on_conflict_do_update(index_elements=["key", "window"], set_=more)

"""What every table is made with: moments, ids, and how Python types become columns."""

import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Uuid, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine


class Instant(TypeDecorator[datetime]):
    """A moment in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        return dialect.type_descriptor(_TEXT if dialect.name == "sqlite" else self.impl_instance)


class _Text(sqlite.DATETIME):
    """A moment as it is in SQLite, which has no zones: the text of it in UTC.

    Most of those that are read are None, seven in each line of a feed: one call for each has to do.
    """

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None]:
        return _write

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], datetime | None]:
        return _read


_TEXT: TypeEngine[datetime] = _Text()  # type: ignore[no-untyped-call]


def _write(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}Z")


def utcnow() -> datetime:
    return datetime.now(UTC)


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562, section 5.7): ids made later sort later, which keeps the indexes' tails together.

    Also within a millisecond: it has a quarter of a microsecond in front of what is random (section 6.2, method 3).
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = rest * 4096 // 1_000_000
    return uuid.UUID(int=milliseconds << 80 | _VERSION_7 | fraction << 64 | _VARIANT | _random() & _RANDOM)


_RANDOM = (1 << 62) - 1
_VERSION_7 = 7 << 76
_VARIANT = 2 << 62
_spare: list[int] = []


def _random() -> int:
    """64 random bits. The system is asked for many at a time: a call for each would be half the cost of an id."""
    while True:
        try:
            return _spare.pop()
        except IndexError:
            bits = os.urandom(8 * 256)
            _spare.extend(int.from_bytes(bits[n : n + 8]) for n in range(0, len(bits), 8))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_spare.clear)  # else two processes would give out the same


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {datetime: Instant, uuid.UUID: Uuid, int: BigInteger, dict[str, Any]: JSON}


UNFINISHED = text("finished_at IS NULL")
"""Of an index over work that is still to be done."""

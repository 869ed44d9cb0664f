"""What every table is made with: moments, ids, and how Python types become columns."""

import os
import time
import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Uuid, text
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """A moment in UTC; SQLite, which has no zones, is given and gives back plain UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def utcnow() -> datetime:
    return datetime.now(UTC)


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562, section 5.7): ids made later sort later, which keeps the indexes' tails together."""
    return uuid.UUID(int=(time.time_ns() // 1_000_000) << 80 | _random() & _RANDOM | _VERSION_7)


_RANDOM = 0xFFF << 64 | (1 << 62) - 1
_VERSION_7 = 7 << 76 | 2 << 62
_spare: list[int] = []


def _random() -> int:
    """80 random bits. The system is asked for many at a time: a call for each would be half the cost of an id."""
    while True:
        try:
            return _spare.pop()
        except IndexError:
            bits = os.urandom(10 * 256)
            _spare.extend(int.from_bytes(bits[n : n + 10]) for n in range(0, len(bits), 10))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_spare.clear)  # else two processes would give out the same


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {datetime: Instant, uuid.UUID: Uuid, int: BigInteger, dict[str, Any]: JSON}


UNFINISHED = text("finished_at IS NULL")
"""Of an index over work that is still to be done."""

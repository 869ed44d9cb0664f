"""What a producer may safely send twice: under the same key it gets the same answer, and nothing happens again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import IdempotencyConflict
from notifs.store.models import Idempotency, utcnow

KEPT = timedelta(hours=24)
"""For how long a key means the same request; after that it is free again."""


@dataclass(frozen=True, slots=True)
class Key:
    """A producer's name for one request of its own; the fingerprint tells that request from another one."""

    producer: str
    key: str
    fingerprint: str


async def claim(connection: AsyncConnection, key: Key, answer: dict[str, Any]) -> dict[str, Any] | None:
    """Take the key, to be answered with `answer`; or, if it is taken already, what it was answered with.

    Do in the same transaction what the answer tells of: then there is either both or neither.

    Raises:
        IdempotencyConflict: the key stands for another request.
    """
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    now = utcnow()
    taken = dialect.insert(Idempotency).values(
        producer=key.producer, key=key.key, fingerprint=key.fingerprint, answer=answer, created_at=now
    )
    # Who finds a key that another transaction is about to take waits here for how that one ends.
    statement = taken.on_conflict_do_update(
        index_elements=["producer", "key"],
        set_={name: taken.excluded[name] for name in ("fingerprint", "answer", "created_at")},
        where=Idempotency.created_at <= now - KEPT,
    ).returning(Idempotency.key)
    if (await connection.execute(statement)).first() is not None:
        return None
    known = select(Idempotency.fingerprint, Idempotency.answer)
    known = known.where(Idempotency.producer == key.producer, Idempotency.key == key.key)
    row = (await connection.execute(known)).one()
    if row.fingerprint != key.fingerprint:
        raise IdempotencyConflict(
            "this idempotency key was used for another notification; take a new key for a new one"
        )
    earlier: dict[str, Any] = row.answer
    return earlier

"""What a producer may safely send twice: under the same key it gets the same answer, and nothing happens again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import IdempotencyConflict
from notifs.store.models import Idempotency, utcnow

KEPT = timedelta(hours=24)
"""For how long a key means the same request; after that it is free again."""
_REUSED = "this idempotency key was used for another notification; take a new key for a new one"


@dataclass(frozen=True, slots=True)
class Key:
    """A producer's name for one request of its own; the fingerprint tells that request from another one."""

    producer: str
    key: str
    fingerprint: str


async def claim(
    connection: AsyncConnection, asked: Sequence[tuple[Key, dict[str, Any]]]
) -> list[dict[str, Any] | IdempotencyConflict | None]:
    """Take each key, to be answered with what comes beside it. Returns None for those that were free.

    For one that is taken already it returns what was answered, or, if it stands for another request, the error that is
    to be raised. Do in the same transaction what the answers tell of: then there is either both or neither.
    """
    first: dict[tuple[str, str], tuple[Key, dict[str, Any]]] = {}
    for key, answer in asked:
        first.setdefault((key.producer, key.key), (key, answer))
    now = utcnow()
    rows = [
        {"producer": key.producer, "key": key.key, "fingerprint": key.fingerprint, "answer": answer, "created_at": now}
        for _, (key, answer) in sorted(first.items(), key=lambda item: item[0])
    ]
    taken = {tuple(row) for row in await connection.execute(_take(connection, now), rows)}
    known = {place: (key.fingerprint, answer) for place, (key, answer) in first.items() if place in taken}
    for place in first.keys() - taken:
        known[place] = await _known(connection, *place)
    found: list[dict[str, Any] | IdempotencyConflict | None] = []
    for key, _ in asked:
        place = (key.producer, key.key)
        fingerprint, answer = known[place]
        if fingerprint != key.fingerprint:
            found.append(IdempotencyConflict(_REUSED))
        else:
            found.append(None if place in taken else answer)
            taken.discard(place)  # who comes with the same key in the same breath is told the same
    return found


def _take(connection: AsyncConnection, now: datetime) -> Any:
    # Who finds a key that another transaction is about to take waits here for how that one ends.
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(Idempotency)
    return statement.on_conflict_do_update(
        index_elements=["producer", "key"],
        set_={name: statement.excluded[name] for name in ("fingerprint", "answer", "created_at")},
        where=Idempotency.created_at <= now - KEPT,
    ).returning(Idempotency.producer, Idempotency.key)


async def _known(connection: AsyncConnection, producer: str, key: str) -> tuple[str, dict[str, Any]]:
    statement = select(Idempotency.fingerprint, Idempotency.answer)
    row = (await connection.execute(statement.where(Idempotency.producer == producer, Idempotency.key == key))).one()
    return row.fingerprint, row.answer

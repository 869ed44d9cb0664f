"""What works once: whoever comes second with it comes too late, on whichever worker."""

import hashlib
from datetime import timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store.models import Spent, utcnow


async def spend(connection: AsyncConnection, text: str, *, seconds: float) -> bool:
    """Use `text` up, and say whether it was still good. It is remembered for so long; make it expire before."""
    now = utcnow()
    await connection.execute(delete(Spent).where(Spent.expires_at <= now))
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    row = {"hash": hashlib.sha256(text.encode()).hexdigest(), "expires_at": now + timedelta(seconds=seconds)}
    statement = dialect.insert(Spent).values(row).on_conflict_do_nothing(index_elements=["hash"])
    return (await connection.execute(statement.returning(Spent.hash))).first() is not None

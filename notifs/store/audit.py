"""The audit log: who signed in, who could not, what was ended, what admins and keys did. No line is ever changed."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store.database import Database
from notifs.store.models import Audit, new_id, utcnow

EVENTS: Mapping[str, str] = {
    "signed_in": "Signed in",
    "sign_in_failed": "A sign-in failed",
    "sign_in_limited": "Sign-in was refused after too many tries",
    "signed_out": "Signed out",
    "session_ended": "A sign-in was ended",
    "password_changed": "The password was changed",
    "password_reset": "The password was set by a reset link",
    "reset_link_made": "A reset link was made",
    "identity_linked": "A provider was linked",
    "identity_unlinked": "A provider was unlinked",
    "account_made": "The account was made",
    "account_disabled": "The account was disabled",
    "account_enabled": "The account was enabled",
    "admin_granted": "Became an admin",
    "admin_revoked": "Is no admin any more",
    "key_made": "An API key was made",
    "key_revoked": "An API key was revoked",
    "key_used": "An API key was used",
    "key_refused": "A request without a good API key was refused",
}
"""What is recorded, and what people are told of it."""


@dataclass(frozen=True, slots=True)
class Line:
    """What happened: to whom, by whom (None: by themselves), from where."""

    id: uuid.UUID
    at: datetime
    event: str
    recipient: str | None
    actor: str | None
    address: str | None
    detail: dict[str, Any]

    @property
    def words(self) -> str:
        return EVENTS.get(self.event, self.event)


async def record(
    connection: AsyncConnection,
    event: str,
    recipient: str | None = None,
    *,
    actor: str | None = None,
    address: str | None = None,
    **detail: Any,
) -> None:
    """Write a line, in the transaction of what it tells. Details have no secrets, and nothing that was only typed in.

    Raises:
        KeyError: there is no such event.
    """
    if event not in EVENTS:
        raise KeyError(event)
    line = {"id": new_id(), "at": utcnow(), "event": event, "recipient": recipient, "actor": actor}
    await connection.execute(insert(Audit), {**line, "address": address and address[:45], "detail": detail})


class AuditLog:
    """The lines of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, event: str, recipient: str | None = None, **told: Any) -> None:
        """Write a line in a transaction of its own; see `record`."""
        await self._database.write(lambda c: record(c, event, recipient, **told))

    async def read(
        self,
        recipient: str | None = None,
        *,
        event: str | None = None,
        since: datetime | None = None,
        before: uuid.UUID | None = None,
        limit: int = 50,
    ) -> list[Line]:
        """Lines about a recipient, or, for None, all of them: the newest first, below the id `before`.

        Only those of one `event`, and not those from before `since`, where that is said.
        """
        statement = select(Audit.__table__).order_by(Audit.id.desc()).limit(limit)
        if recipient is not None:
            statement = statement.where(Audit.recipient == recipient)
        if event is not None:
            statement = statement.where(Audit.event == event)
        if since is not None:
            statement = statement.where(Audit.at >= since)
        if before is not None:
            statement = statement.where(Audit.id < before)

        async def work(connection: AsyncConnection) -> list[Line]:
            return [Line(**row._mapping) for row in await connection.execute(statement)]

        return await self._database.read(work)

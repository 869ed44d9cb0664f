"""Sign-ins: who has one, how they came by it, and how it ends. Cookies are known here by their keyed hashes alone."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import NotFound
from notifs.store.accounts import PERSON, Person, is_theirs, person_of
from notifs.store.audit import record
from notifs.store.many import among
from notifs.store.models import Identity, Session, User, new_id, utcnow

AGENT_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Arrival:
    """How somebody has signed in: from where, with which browser, and, if it was not by password, by which provider."""

    address: str | None = None
    agent: str | None = None
    issuer: str | None = None
    provider_session: str | None = None
    id_token: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A sign-in that has not ended."""

    person: Person
    seen_at: datetime
    """When it was last used, to some minutes."""


@dataclass(frozen=True, slots=True)
class Line:
    """A sign-in as its person sees it in a list."""

    id: uuid.UUID | None
    key: str
    created_at: datetime
    seen_at: datetime
    address: str | None
    agent: str | None
    issuer: str | None


async def start(
    connection: AsyncConnection, recipient: str, key: str, days: int, arrival: Arrival | None = None
) -> None:
    """Record a sign-in of the person whose mailbox it is, and forget those sign-ins that ended by themselves.

    Raises:
        NotFound: `unknown_recipient`.
    """
    now, came = utcnow(), arrival or Arrival()
    await connection.execute(delete(Session).where(Session.expires_at <= now))
    values: dict[Any, Any] = {
        Session.token_hash: key,
        Session.id: new_id(),
        Session.created_at: now,
        Session.seen_at: now,
        Session.expires_at: now + timedelta(days=days),
        Session.address: came.address,
        Session.agent: came.agent and came.agent[:AGENT_LIMIT],
        Session.issuer: came.issuer,
        Session.provider_session: came.provider_session,
        Session.id_token: came.id_token,
    }
    row = select(User.id, *(literal(value, column.type) for column, value in values.items()))
    row = row.where(is_theirs(recipient), User.disabled_at.is_(None))
    started = insert(Session).from_select([Session.user_id, *values], row).returning(Session.user_id)
    if (await connection.execute(started)).first() is None:
        raise NotFound("there is no such account", code="unknown_recipient")


async def find(connection: AsyncConnection, keys: Sequence[str], idle_hours: int = 0) -> dict[str, Found]:
    """Whose sign-ins these are: one query, however many.

    Without those that are unknown or have ended, those that nobody has used for `idle_hours` (0: any number), and those
    of disabled accounts.
    """
    now, used = utcnow(), func.coalesce(Session.seen_at, Session.created_at)
    statement = (
        select(*PERSON, Session.token_hash, used.label("seen_at"))
        .join(Session, Session.user_id == User.id)
        .where(among(connection, Session.token_hash, keys))
        .where(Session.expires_at > now, User.disabled_at.is_(None))
    )
    if idle_hours:
        statement = statement.where(used > now - timedelta(hours=idle_hours))
    return {row.token_hash: Found(person_of(row), row.seen_at) for row in await connection.execute(statement)}


async def note(connection: AsyncConnection, keys: Sequence[str]) -> None:
    """These are used just now."""
    await connection.execute(
        update(Session).where(among(connection, Session.token_hash, keys)).values(seen_at=utcnow())
    )


async def of(connection: AsyncConnection, recipient: str) -> list[Line]:
    """A person's sign-ins that have not ended, the last used first."""
    used = func.coalesce(Session.seen_at, Session.created_at).label("seen_at")
    columns = (Session.id, Session.token_hash, Session.created_at, used)
    statement = select(*columns, Session.address, Session.agent, Session.issuer).where(
        _of(recipient), Session.expires_at > utcnow()
    )
    return [Line(*row) for row in await connection.execute(statement.order_by(used.desc()))]


async def id_token(connection: AsyncConnection, key: str) -> tuple[str | None, str | None]:
    """The provider by whom a sign-in was made, and what tells it whom to sign out; Nones for a password's."""
    row = (
        await connection.execute(select(Session.issuer, Session.id_token).where(Session.token_hash == key))
    ).one_or_none()
    return (row.issuer, row.id_token) if row else (None, None)


async def end(connection: AsyncConnection, key: str) -> Person | None:
    """Sign out: from now on the cookie is worth nothing. Returns whose it was."""
    theirs = select(*PERSON).join(Session, Session.user_id == User.id).where(Session.token_hash == key)
    row = (await connection.execute(theirs)).one_or_none()
    await _end(connection, Session.token_hash == key)
    return person_of(row) if row else None


async def end_one(connection: AsyncConnection, recipient: str, id: uuid.UUID) -> list[str]:
    """End one sign-in of a person. Returns its key; nothing for somebody else's, and for what is none."""
    return await _end(connection, and_(_of(recipient), Session.id == id))


async def end_all(connection: AsyncConnection, recipient: str, *, but: str | None = None) -> list[str]:
    """Sign a person out everywhere, except with the key `but`. Returns the keys of the sign-ins that ended."""
    return await _end(connection, and_(_of(recipient), Session.token_hash != (but or "")))


async def made_by(connection: AsyncConnection, issuer: str, session: str) -> bool:
    """Whether there is a sign-in that came of this session of a provider."""
    made = select(Session.token_hash).where(Session.issuer == issuer, Session.provider_session == session)
    return (await connection.execute(made.limit(1))).first() is not None


async def end_provider(
    connection: AsyncConnection, issuer: str, *, session: str | None = None, subject: str | None = None
) -> list[str]:
    """End the sign-ins that a provider has ended: those of its `session`, or all that it made for a `subject`.

    The audit log of each person says so. Returns their keys; for neither of both, none.
    """
    if session is None and subject is None:
        return []
    made = Session.issuer == issuer
    if session is not None:
        made = and_(made, Session.provider_session == session)
    if subject is not None:
        theirs = select(Identity.user_id).where(Identity.issuer == issuer, Identity.subject == subject)
        made = and_(made, Session.user_id.in_(theirs))
    whose = select(*PERSON).join(Session, Session.user_id == User.id).where(made).distinct()
    for row in (await connection.execute(whose)).all():
        await record(connection, "session_ended", person_of(row).id, issuer=issuer)
    return await _end(connection, made)


async def _end(connection: AsyncConnection, which: ColumnElement[bool]) -> list[str]:
    ended = delete(Session).where(which).returning(Session.token_hash)
    return list((await connection.execute(ended)).scalars())


def _of(recipient: str) -> ColumnElement[bool]:
    return Session.user_id.in_(select(User.id).where(is_theirs(recipient)))

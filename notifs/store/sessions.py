"""Sign-ins: who has one, how they came by it, and how it ends. Cookies are known here by their keyed hashes alone."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import NotFound
from notifs.store.accounts import PERSON, Person, is_theirs, person_of
from notifs.store.audit import record
from notifs.store.many import among, lists_given, one_of
from notifs.store.models import Identity, Instant, Session, User, new_id, utcnow

AGENT_LIMIT = 200
_EVER = datetime.min.replace(tzinfo=UTC)
MOST = 100
"""Sign-ins that one person has at once. When there are more, those end that were used longest ago."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How somebody has signed in: from where, with which browser, and by which provider or which password."""

    address: str | None = None
    agent: str | None = None
    issuer: str | None = None
    provider_session: str | None = None
    id_token: str | None = None
    password_hash: str | None = field(default=None, repr=False)
    """What was stored of the password when it was looked at."""


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
    """Record a sign-in of the person whose mailbox it is, and forget those that ended by themselves or are too many.

    Raises:
        NotFound: `unknown_recipient`; also who was disabled, or got another password, since theirs was looked at.
    """
    now, came = utcnow(), arrival or Arrival()
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
    if came.password_hash is not None:
        row = row.where(User.password_hash == came.password_hash)
    # Who sets a password or disables an account ends its sign-ins. One that begins just then waits for that on
    # PostgreSQL, and looks again; or, if it was first, is seen and ended.
    row = row.with_for_update(read=True)
    started = insert(Session).from_select([Session.user_id, *values], row).returning(Session.user_id)
    user_id = (await connection.execute(started)).scalar_one_or_none()
    if user_id is None:
        raise NotFound("there is no such account", code="unknown_recipient")
    await connection.execute(delete(Session).where(Session.expires_at <= now))
    others = select(Session.token_hash).where(Session.user_id == user_id, Session.token_hash != key)
    surplus = others.order_by(_used().desc()).offset(MOST - 1)
    await connection.execute(delete(Session).where(Session.token_hash.in_(surplus)))


async def find(connection: AsyncConnection, keys: Sequence[str], idle_hours: int = 0) -> dict[str, Found]:
    """Whose sign-ins these are: one query, however many.

    Without those that are unknown or have ended, those that nobody has used for `idle_hours` (0: any number), and those
    of disabled accounts.
    """
    now, dialect = utcnow(), connection.dialect.name
    moments = {"now": now, "used_after": now - timedelta(hours=idle_hours) if idle_hours else _EVER}
    rows = await connection.execute(_find(dialect), {**moments, **lists_given(dialect, keys=keys)})
    return {row.token_hash: Found(person_of(row), row.seen_at) for row in rows.all()}


@cache
def _find(dialect: str) -> Any:
    # Built once: every request and every socket asks this.
    return (
        select(*PERSON, Session.token_hash, _used().label("seen_at"))
        .join(Session, Session.user_id == User.id)
        .where(one_of(dialect, Session.token_hash, "keys"))
        .where(Session.expires_at > bindparam("now", type_=Instant), User.disabled_at.is_(None))
        .where(_used() > bindparam("used_after", type_=Instant))
    )


async def note(connection: AsyncConnection, keys: Sequence[str]) -> None:
    """These are used just now."""
    await connection.execute(
        update(Session).where(among(connection, Session.token_hash, keys)).values(seen_at=utcnow())
    )


async def of(connection: AsyncConnection, recipient: str) -> list[Line]:
    """A person's sign-ins that have not ended, the last used first."""
    columns = (Session.id, Session.token_hash, Session.created_at, _used().label("seen_at"))
    statement = select(*columns, Session.address, Session.agent, Session.issuer).where(
        _of(recipient), Session.expires_at > utcnow()
    )
    return [Line(*row) for row in await connection.execute(statement.order_by(_used().desc()))]


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


async def end_all(
    connection: AsyncConnection, recipient: str, *, but: str | None = None, issuer: str | None = None
) -> list[str]:
    """Sign a person out everywhere, except with the key `but`; or where they came by one provider.

    Returns the keys of the sign-ins that ended.
    """
    ended = and_(_of(recipient), Session.token_hash != (but or ""))
    return await _end(connection, ended if issuer is None else and_(ended, Session.issuer == issuer))


async def made_by(connection: AsyncConnection, issuer: str, session: str) -> bool:
    """Whether there is a sign-in that came of this session of a provider."""
    made = select(Session.token_hash).where(Session.issuer == issuer, Session.provider_session == session)
    return (await connection.execute(made.limit(1))).first() is not None


async def end_provider(
    connection: AsyncConnection, issuer: str, *, session: str | None = None, subject: str | None = None
) -> list[str]:
    """End the sign-ins that a provider has ended: those of its `session`, or else all that it made for a `subject`.

    The session is enough: whose account that subject opens may have changed since. The audit log of each person says
    so. Returns their keys; for neither of both, none.
    """
    if session is not None:
        which = Session.provider_session == session
    elif subject is not None:
        theirs = select(Identity.user_id).where(Identity.issuer == issuer, Identity.subject == subject)
        which = Session.user_id.in_(theirs)
    else:
        return []
    made = and_(Session.issuer == issuer, which)
    whose = select(*PERSON).join(Session, Session.user_id == User.id).where(made).distinct()
    for row in (await connection.execute(whose)).all():
        await record(connection, "session_ended", person_of(row).id, issuer=issuer)
    return await _end(connection, made)


def _used() -> ColumnElement[datetime]:
    return func.coalesce(Session.seen_at, Session.created_at)


async def _end(connection: AsyncConnection, which: ColumnElement[bool]) -> list[str]:
    ended = delete(Session).where(which).returning(Session.token_hash)
    return list((await connection.execute(ended)).scalars())


def _of(recipient: str) -> ColumnElement[bool]:
    return Session.user_id.in_(select(User.id).where(is_theirs(recipient)))

"""Who an account is at a provider of OpenID Connect: found by issuer and subject, never by an address."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, insert, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import BadRequest, NotFound
from notifs.store import accounts, audit, sessions
from notifs.store.accounts import PERSON, Person, is_theirs, person_of
from notifs.store.models import Identity, User, utcnow
from notifs.store.spent import spend

NAME_LIMIT = 255
"""Characters of an issuer, and of a subject (OpenID Connect Core 1.0, section 2)."""
ADDRESS_LIMIT = 254


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a provider says of somebody, and has signed.

    `email` and `name` are to be shown, and not to be believed. `verified` tells whether it says that the address is
    theirs.
    """

    provider: str
    issuer: str
    subject: str
    email: str | None = None
    verified: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """An identity as its person sees it in a list."""

    provider: str
    issuer: str
    subject: str
    email: str | None
    created_at: datetime
    used_at: datetime


async def enter(
    connection: AsyncConnection, claimed: Claimed, *, make: bool, address: str | None = None
) -> Person | None:
    """Whose identity this is, which is noted to be used; None if it is nobody's.

    Args:
        make: whether who is nobody yet gets an account. It has no password.
        address: from where they come.

    Raises:
        NotFound: `unknown_recipient`, it is that of a disabled account.
        BadRequest: `email_taken`; or `invalid_email`, where no address is given either.
    """
    row = (await connection.execute(_owner(claimed).add_columns(User.disabled_at))).one_or_none()
    if row is None:
        return await _make(connection, claimed, address) if make else None
    if row.disabled_at is not None:
        raise _no_account()
    values = {"used_at": utcnow(), "email": _shown(claimed.email)}
    await connection.execute(update(Identity).where(_is(claimed)).values(values))
    return person_of(row)


async def _make(connection: AsyncConnection, claimed: Claimed, address: str | None) -> Person:
    name = claimed.name if claimed.name.isprintable() else ""
    person = await accounts.add(connection, claimed.email or "", name, "")
    await audit.record(connection, "account_made", person.id, address=address, provider=claimed.provider)
    await link(connection, person.id, claimed, address=address)
    return person


async def leave(
    connection: AsyncConnection, issuer: str, message: str, *, session: str | None, subject: str | None, seconds: float
) -> list[str]:
    """End the sign-ins that a provider has ended; see `sessions.end_provider`. Returns their keys.

    Args:
        message: what the provider calls what it says. It says it once, in so many `seconds`.

    Raises:
        BadRequest: `invalid_logout_token`, it was said already.
    """
    if not await spend(connection, f"logout {issuer} {message}", seconds=seconds):
        raise BadRequest("this logout token was used already", code="invalid_logout_token")
    return await sessions.end_provider(connection, issuer, session=session, subject=subject)


async def link(connection: AsyncConnection, recipient: str, claimed: Claimed, *, address: str | None = None) -> None:
    """Let an account be signed in to by this identity as well; it may be so already.

    Raises:
        BadRequest: `identity_taken`, another account has it.
        NotFound: `unknown_recipient`, there is no such account, or it is disabled.
    """
    owner = (await connection.execute(_owner(claimed))).one_or_none()
    if owner is not None:
        if person_of(owner).id != recipient:
            raise _taken()
        return
    now = utcnow()
    values: dict[Any, Any] = {
        Identity.issuer: claimed.issuer,
        Identity.subject: claimed.subject,
        Identity.provider: claimed.provider,
        Identity.email: _shown(claimed.email),
        Identity.created_at: now,
        Identity.used_at: now,
    }
    row = select(User.id, *(literal(value, column.type) for column, value in values.items()))
    row = row.where(is_theirs(recipient), User.disabled_at.is_(None))
    linked = insert(Identity).from_select([Identity.user_id, *values], row).returning(Identity.user_id)
    try:
        if (await connection.execute(linked)).first() is None:
            raise _no_account()
    except IntegrityError:  # somebody has linked it just now
        raise _taken() from None
    await audit.record(connection, "identity_linked", recipient, address=address, provider=claimed.provider)


async def unlink(
    connection: AsyncConnection,
    recipient: str,
    issuer: str,
    subject: str,
    *,
    issuers: Collection[str],
    but: str | None = None,
    address: str | None = None,
) -> list[str]:
    """The opposite. It ends the sign-ins that came by this provider: whoever had them shall not go on with them.

    Returns their keys.

    Args:
        issuers: of the providers that people can sign in by.
        but: the key of the sign-in that asks for it, which goes on.

    Raises:
        BadRequest: `last_identity`, without it nobody could sign in to the account any more.
        NotFound: the account has no such identity.
    """
    # Locked, so that of two who are unlinked at once one stays.
    account = select(User.id, User.password_hash).where(is_theirs(recipient)).with_for_update()
    owner = (await connection.execute(account)).one_or_none()
    theirs = Identity.user_id == (owner.id if owner else None)
    rows = (await connection.execute(select(Identity.issuer, Identity.subject, Identity.provider).where(theirs))).all()
    provider = next((row.provider for row in rows if (row.issuer, row.subject) == (issuer, subject)), None)
    if owner is None or provider is None:
        raise NotFound("your account is not linked with that one")
    others = [row for row in rows if (row.issuer, row.subject) != (issuer, subject)]
    if not owner.password_hash and all(row.issuer not in issuers for row in others):
        raise BadRequest("set a password first: there is no other way to sign in to your account", code="last_identity")
    this = and_(theirs, Identity.issuer == issuer, Identity.subject == subject)
    await connection.execute(delete(Identity).where(this))
    await audit.record(connection, "identity_unlinked", recipient, address=address, provider=provider)
    ended = await sessions.end_all(connection, recipient, but=but, issuer=issuer)
    if ended:
        await audit.record(connection, "session_ended", recipient, address=address, count=len(ended))
    return ended


async def of(connection: AsyncConnection, recipient: str) -> list[Line]:
    """A person's identities, the oldest first."""
    columns = (Identity.provider, Identity.issuer, Identity.subject, Identity.email, Identity.created_at)
    statement = select(*columns, Identity.used_at).join(User, User.id == Identity.user_id).where(is_theirs(recipient))
    return [Line(*row) for row in await connection.execute(statement.order_by(Identity.created_at))]


def _is(claimed: Claimed) -> ColumnElement[bool]:
    return and_(Identity.issuer == claimed.issuer, Identity.subject == claimed.subject)


def _owner(claimed: Claimed) -> Any:
    return select(*PERSON).join(Identity, Identity.user_id == User.id).where(_is(claimed))


def _shown(email: str | None) -> str | None:
    return email[:ADDRESS_LIMIT] if email and email.isprintable() else None


def _no_account() -> NotFound:
    return NotFound("there is no such account", code="unknown_recipient")


def _taken() -> BadRequest:
    return BadRequest("another account is linked with that one already", code="identity_taken")

"""People with an account here, and their sign-ins. A host app with its own users never comes by."""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import BadRequest
from notifs.store.many import among
from notifs.store.models import Session, User, new_id, utcnow

PASSWORD_MIN = 12
"""Characters of a password (OWASP ASVS 5.0, 6.2.1)."""
PASSWORD_MAX = 1024
"""Bytes of a password: hashing is paid for by the server."""

_hasher = PasswordHasher()


@cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a session belongs to. `id` is the recipient id of their mailbox."""

    id: str
    email: str
    name: str


def normal_email(email: str) -> str:
    """The form in which addresses are stored and compared.

    Raises:
        BadRequest: `invalid_email`, not of the form name@host.
    """
    address = email.strip().casefold()
    name, _, host = address.rpartition("@")
    if not name or not host or len(address) > 254 or any(c.isspace() or not c.isprintable() for c in address):
        raise BadRequest("that is not an email address; it looks like name@example.org", code="invalid_email")
    return address


def check_name(name: str) -> None:
    """Refuse a name that could break a line, of a list or of a mail's head.

    Raises:
        BadRequest: `invalid_name`.
    """
    if not name.isprintable():
        raise BadRequest("a name is one line of printable characters", code="invalid_name")


def check_password(password: str) -> None:
    """Refuse a password that is too short or too long.

    Raises:
        BadRequest: `invalid_password`.
    """
    if len(password) < PASSWORD_MIN or len(password.encode("utf-8", "replace")) > PASSWORD_MAX:
        raise BadRequest(
            f"a password has at least {PASSWORD_MIN} characters and at most {PASSWORD_MAX} bytes",
            code="invalid_password",
        )


def hash_password(password: str) -> str:
    """An argon2id hash (RFC 9106). Takes about a tenth of a second: never call it on the event loop."""
    return _hasher.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether `password` is the one; with no hash at all it takes as long and says no. Never on the event loop."""
    try:
        _hasher.verify(password_hash or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def hash_token(secret_key: str, token: str) -> str:
    """What is stored of a session's cookie: its HMAC-SHA-256 under the deployment's secret, in hex."""
    return hmac.new(secret_key.encode(), token.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


async def add(connection: AsyncConnection, email: str, name: str, password_hash: str) -> Person:
    """Make an account.

    Raises:
        BadRequest: `email_taken`, `invalid_email` or `invalid_name`.
    """
    check_name(name)
    person = Person(str(new_id()), normal_email(email), name.strip()[:200] or email.partition("@")[0])
    values = {"id": uuid.UUID(person.id), "email": person.email, "name": person.name}
    try:
        await connection.execute(insert(User), {**values, "password_hash": password_hash, "created_at": utcnow()})
    except IntegrityError:
        raise BadRequest(f"there is an account with the address {person.email} already", code="email_taken") from None
    return person


async def by_email(connection: AsyncConnection, email: str) -> tuple[Person, str] | None:
    """The person with this address, and their password's hash; None for nobody and for a disabled account."""
    statement = select(User.id, User.email, User.name, User.password_hash)
    row = (await connection.execute(statement.where(User.email == email, User.disabled_at.is_(None)))).one_or_none()
    return (Person(str(row.id), row.email, row.name), row.password_hash) if row else None


async def everybody(connection: AsyncConnection) -> list[Person]:
    """All accounts, by address."""
    rows = await connection.execute(select(User.id, User.email, User.name).order_by(User.email))
    return [Person(str(row.id), row.email, row.name) for row in rows]


async def start_session(connection: AsyncConnection, user: str, token_hash: str, days: int) -> None:
    """Record a sign-in, and forget those that ended by themselves."""
    now = utcnow()
    await connection.execute(delete(Session).where(Session.expires_at <= now))
    values = {"token_hash": token_hash, "user_id": uuid.UUID(user)}
    await connection.execute(insert(Session), {**values, "created_at": now, "expires_at": now + timedelta(days=days)})


async def sessions(connection: AsyncConnection, token_hashes: Sequence[str]) -> dict[str, Person]:
    """Whose sign-ins these are: one query, however many. Without those that are unknown or have ended, and those of
    disabled accounts."""
    statement = (
        select(Session.token_hash, User.id, User.email, User.name)
        .join(Session, Session.user_id == User.id)
        .where(among(connection, Session.token_hash, token_hashes))
        .where(Session.expires_at > utcnow(), User.disabled_at.is_(None))
    )
    return {row.token_hash: Person(str(row.id), row.email, row.name) for row in await connection.execute(statement)}


async def end_session(connection: AsyncConnection, token_hash: str) -> None:
    """Sign out: from now on the cookie is worth nothing."""
    await connection.execute(delete(Session).where(Session.token_hash == token_hash))


async def end_sessions(connection: AsyncConnection, user: str) -> list[str]:
    """Sign a person out everywhere. Returns the keys of the sign-ins that ended."""
    statement = delete(Session).where(Session.user_id == uuid.UUID(user)).returning(Session.token_hash)
    return list((await connection.execute(statement)).scalars())

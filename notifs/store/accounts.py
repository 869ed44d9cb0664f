"""People with an account here. A host app with its own users never comes by."""

import re
import secrets
import uuid
from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, Select, and_, insert, literal, or_, select, union_all
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import BadRequest
from notifs.phrases import Phrase
from notifs.store.many import lists_given, one_of
from notifs.store.models import User, new_id, utcnow
from notifs.store.names import NAME_LIMIT, is_name

PASSWORD_MIN = 12
"""Characters of a password (OWASP ASVS 5.0, 6.2.1)."""
PASSWORD_MAX = 1024
"""Bytes of a password: hashing is paid for by the server."""
JUDGED = 20
"""Characters of a password that are looked at for how easily it is guessed.

zxcvbn tries out what each character may stand for, as 4 for A, all of them with each other. Of 23 such characters
72 take seconds; the worst that 16, 20 and 24 take is 30, 260 and 600 ms.
"""

GUESSED = 2
"""What zxcvbn has to make of it, of 0 to 4: fewer than a million guesses are fewer than an attacker has."""

hasher = PasswordHasher()


@cache
def _nobody(hasher: PasswordHasher) -> str:
    """A hash that takes as long to check as somebody's, and that no password has."""
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, hasher.hash_len))
    work = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${work}${salt}${digest}"


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a session belongs to.

    `id` is the recipient id of their mailbox: what the host calls them, if it does, else the account's own.
    """

    id: str
    email: str
    name: str
    admin: bool = False


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


def check_external_id(external_id: str) -> None:
    """Refuse an id that cannot be a recipient's, or that reads like an address: those name accounts by themselves.

    Raises:
        BadRequest: `invalid_external_id`.
    """
    if not is_name(external_id) or external_id != external_id.strip() or "@" in external_id:
        raise BadRequest(
            f"an external id is 1 to {NAME_LIMIT} printable characters, no @ among them, without spaces around them",
            code="invalid_external_id",
        )


def check_password(password: str, *known: str) -> None:
    """Refuse a new password that is too short or too long, or that is guessed early (OWASP ASVS 5.0, 6.2).

    Any characters will do. It takes up to a quarter of a second, at first more: not on the event loop.

    Args:
        known: what others know of its person, and so try first: their address, their name.

    Raises:
        BadRequest: `invalid_password` or `common_password`.
    """
    from zxcvbn import zxcvbn  # noqa: PLC0415  its lists take a while to load, and few processes need them

    if len(password) < PASSWORD_MIN or len(password.encode("utf-8", "replace")) > PASSWORD_MAX:
        raise BadRequest(
            Phrase(
                "a password has at least {least} characters and at most {most} bytes",
                least=PASSWORD_MIN,
                most=PASSWORD_MAX,
            ),
            code="invalid_password",
        )
    words = ["notifs", *known, *re.findall(r"\w{2,}", " ".join(known))]
    if zxcvbn(password[:JUDGED], user_inputs=words, max_length=JUDGED)["score"] < GUESSED:
        raise BadRequest(
            "that password is easy to guess; begin with some words that do not belong together",
            code="common_password",
        )


def hash_password(password: str) -> str:
    """An argon2id hash (RFC 9106). Takes about a tenth of a second: never call it on the event loop."""
    return hasher.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether `password` is the one; without a hash it takes as long and says no. Never on the event loop."""
    try:
        hasher.verify(password_hash or _nobody(hasher), password)
    except (VerificationError, InvalidHashError):
        return False
    return bool(password_hash)


async def add(
    connection: AsyncConnection,
    email: str,
    name: str,
    password_hash: str,
    external_id: str | None = None,
    *,
    admin: bool = False,
) -> Person:
    """Make an account.

    Raises:
        BadRequest: `email_taken`, `external_id_taken`, `invalid_email`, `invalid_name` or `invalid_external_id`.
    """
    check_name(name)
    if external_id is not None:
        check_external_id(external_id)
        await _refuse_account_id(connection, external_id)
    id, address = new_id(), normal_email(email)
    person = Person(external_id or str(id), address, name.strip()[:200] or email.partition("@")[0], admin)
    values = {"id": id, "email": person.email, "name": person.name, "external_id": external_id, "admin": admin}
    try:
        await connection.execute(insert(User), {**values, "password_hash": password_hash, "created_at": utcnow()})
    except IntegrityError as error:
        if "external_id" in str(error.orig):  # which names the constraint, and not the values
            told = f"there is an account with the external id {external_id} already"
            raise BadRequest(told, code="external_id_taken") from None
        raise BadRequest(f"there is an account with the address {person.email} already", code="email_taken") from None
    return person


async def _refuse_account_id(connection: AsyncConnection, external_id: str) -> None:
    """It could be mistaken for the recipient id of the account that it is the id of."""
    id = uuid_of(external_id)
    if id is not None and (await connection.execute(select(User.id).where(User.id == id))).first() is not None:
        raise BadRequest("this external id is the id of an account; take another one", code="invalid_external_id")


async def by_email(connection: AsyncConnection, email: str) -> tuple[Person, str] | None:
    """The person with this address, and their password's hash; None for nobody and for a disabled account."""
    statement = select(*PERSON, User.password_hash)
    row = (await connection.execute(statement.where(User.email == email, User.disabled_at.is_(None)))).one_or_none()
    return (person_of(row), row.password_hash) if row else None


async def by_name(connection: AsyncConnection, name: str) -> Person | None:
    """The person with this address or recipient id; None for nobody and for a disabled account.

    Raises:
        BadRequest: `invalid_email`, where there is an @ and yet no address.
    """
    if not is_name(name):
        return None
    theirs = User.email == normal_email(name) if "@" in name else is_theirs(name)
    row = (await connection.execute(select(*PERSON).where(theirs, User.disabled_at.is_(None)))).one_or_none()
    return person_of(row) if row else None


async def everybody(connection: AsyncConnection) -> list[Person]:
    """All accounts, by address."""
    return [person_of(row) for row in await connection.execute(select(*PERSON).order_by(User.email))]


async def known(connection: AsyncConnection, names: Collection[str]) -> dict[str, str]:
    """The recipient ids of those names that are an account's: its address or its recipient id.

    One query, however many. Disabled accounts keep their mailboxes, and are among them.
    """
    addresses = {name: name.strip().casefold() for name in names if "@" in name}
    others = [name for name in names if name not in addresses]
    ids = [id for id in map(uuid_of, others) if id is not None]
    if not names:
        return {}
    dialect = connection.dialect.name
    given = lists_given(dialect, emails=list(addresses.values()), names=others, ids=ids)
    found = {}
    for name, external_id, id in await connection.execute(_known(dialect), given):
        found[name or str(id)] = external_id or str(id)
    return {name: found[key] for name in names if (key := addresses.get(name, name)) in found}


@cache
def _known(dialect: str) -> Any:
    # Built once: that costs more than to run it.
    by_email = _recipients(User.email).where(one_of(dialect, User.email, "emails"))
    by_name = _recipients(User.external_id).where(one_of(dialect, User.external_id, "names"))
    by_id = _recipients(literal("")).where(one_of(dialect, User.id, "ids"), User.external_id.is_(None))
    return union_all(by_email, by_name, by_id)


PERSON = (User.id, User.external_id, User.email, User.name, User.admin)
"""The columns of a Person."""


def person_of(row: Any) -> Person:
    return Person(row.external_id or str(row.id), row.email, row.name, row.admin)


def is_theirs(recipient: str) -> ColumnElement[bool]:
    """Whether an account has this recipient id."""
    id = uuid_of(recipient)
    named = User.external_id == recipient
    return named if str(id) != recipient else or_(named, and_(User.id == id, User.external_id.is_(None)))


def _recipients(name: Any) -> Select[Any]:
    return select(name.label("name"), User.external_id, User.id)


def uuid_of(text: str) -> uuid.UUID | None:
    """The id that a text is; None if it is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None

"""Accounts as those see them who look after them.

Whatever is done to one is in the audit log, by the same transaction.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy import Row, Select, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import NotFound
from notifs.store import sessions
from notifs.store.accounts import PERSON, Person, is_theirs, normal_email, person_of, uuid_of
from notifs.store.audit import record
from notifs.store.database import Database
from notifs.store.many import among, among_ids
from notifs.store.models import Audit, User, utcnow
from notifs.store.names import is_name

PAGE = 50


class By(TypedDict, total=False):
    """Who does it, where it is not the person themselves, and from where: as the audit log has it."""

    actor: str
    address: str


@dataclass(frozen=True, slots=True)
class Account:
    """An account, whether its person may sign in or not. `signed_in_at` is as far back as the audit log goes."""

    person: Person
    created_at: datetime
    disabled_at: datetime | None
    has_password: bool
    signed_in_at: datetime | None = None


class Accounts:
    """The accounts of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> Account:
        """The account with this address or recipient id, a disabled one too.

        Raises:
            BadRequest: `invalid_email`, where there is an @ and yet no address.
            NotFound: `unknown_recipient`.
        """
        theirs = User.email == normal_email(name) if "@" in name else is_theirs(name)
        found = await self._read(select(*_ACCOUNT).where(theirs)) if is_name(name) else []
        if not found:
            what = "address" if "@" in name else "recipient id"
            raise NotFound(f"nobody has the {what} {name}; see: notifs user list", code="unknown_recipient")
        return found[0]

    async def page(self, search: str = "", *, after: str = "", limit: int | None = PAGE) -> list[Account]:
        """Accounts by address: those with `search` in theirs, above the address `after`; None for all of them."""
        statement = select(*_ACCOUNT).where(User.email > after).order_by(User.email).limit(limit)
        if search:
            statement = statement.where(User.email.contains(search.casefold(), autoescape=True))
        return await self._read(statement)

    async def named(self, recipients: Sequence[str]) -> dict[str, Person]:
        """Those of the recipients that have an account: one query, however many."""
        ids = [id for id in map(uuid_of, recipients) if id is not None]

        async def work(connection: AsyncConnection) -> dict[str, Person]:
            theirs = or_(
                among(connection, User.external_id, recipients),
                and_(among_ids(connection, User.id, ids), User.external_id.is_(None)),
            )
            found = map(person_of, await connection.execute(select(*PERSON).where(theirs)))
            return {person.id: person for person in found}

        return await self._database.read(work)

    async def password(self, recipient: str) -> tuple[Person, str] | None:
        """The person and their password's hash, which may be empty; None for nobody and for a disabled account."""
        statement = select(*PERSON, User.password_hash).where(is_theirs(recipient), User.disabled_at.is_(None))

        async def work(connection: AsyncConnection) -> tuple[Person, str] | None:
            row = (await connection.execute(statement)).one_or_none()
            return (person_of(row), row.password_hash) if row else None

        return await self._database.read(work)

    async def set_password(
        self, recipient: str, password_hash: str, *, was: str, event: str, but: str | None = None, **by: Unpack[By]
    ) -> list[str] | None:
        """Put another password's hash in the place of the one that `was`, and end all sign-ins but that with one key.

        Returns the keys of those that ended; None if the hash was another one, or the account is disabled: then nothing
        has changed. So of several who come with what only the old hash makes good, one succeeds.
        """
        values = {User.password_hash: password_hash}
        same = (is_theirs(recipient), User.password_hash == was, User.disabled_at.is_(None))

        async def work(connection: AsyncConnection) -> list[str] | None:
            if not await _change(connection, values, *same):
                return None
            await record(connection, event, recipient, **by)
            return await sessions.end_all(connection, recipient, but=but)

        return await self._database.write(work)

    async def disable(self, recipient: str, **by: Unpack[By]) -> list[str] | None:
        """End all sign-ins of an account, and let nobody sign in to it.

        Returns the keys of those that ended; None if it was disabled already.
        """

        async def work(connection: AsyncConnection) -> list[str] | None:
            enabled = (is_theirs(recipient), User.disabled_at.is_(None))
            if not await _change(connection, {User.disabled_at: utcnow()}, *enabled):
                return None
            await record(connection, "account_disabled", recipient, **by)
            return await sessions.end_all(connection, recipient)

        return await self._database.write(work)

    async def enable(self, recipient: str, **by: Unpack[By]) -> bool:
        """Let its person sign in again. Returns whether they could not."""

        async def work(connection: AsyncConnection) -> bool:
            disabled = (is_theirs(recipient), User.disabled_at.is_not(None))
            if not await _change(connection, {User.disabled_at: None}, *disabled):
                return False
            await sessions.end_all(connection, recipient)  # one that began while it was disabled stays worth nothing
            await record(connection, "account_enabled", recipient, **by)
            return True

        return await self._database.write(work)

    async def set_admin(self, recipient: str, admin: bool, **by: Unpack[By]) -> bool:
        """Make somebody an admin, or none any more. Returns whether that is new."""

        async def work(connection: AsyncConnection) -> bool:
            if not await _change(connection, {User.admin: admin}, is_theirs(recipient), User.admin.is_not(admin)):
                return False
            await record(connection, "admin_granted" if admin else "admin_revoked", recipient, **by)
            return True

        return await self._database.write(work)

    async def sign_ins(self, recipient: str) -> list[sessions.Line]:
        """A person's sign-ins that have not ended, the last used first."""
        return await self._database.read(lambda c: sessions.of(c, recipient))

    async def end_sign_in(self, recipient: str, id: uuid.UUID, **by: Unpack[By]) -> list[str]:
        """End one sign-in of a person. Returns its key; nothing for somebody else's, and for what is none."""

        async def work(connection: AsyncConnection) -> list[str]:
            keys = await sessions.end_one(connection, recipient, id)
            return await _ended(connection, recipient, keys, by)

        return await self._database.write(work)

    async def end_sign_ins(self, recipient: str, *, but: str | None = None, **by: Unpack[By]) -> list[str]:
        """End all sign-ins of a person except that with the key `but`. Returns the keys of those that ended."""

        async def work(connection: AsyncConnection) -> list[str]:
            keys = await sessions.end_all(connection, recipient, but=but)
            return await _ended(connection, recipient, keys, by)

        return await self._database.write(work)

    async def _read(self, statement: Select[*tuple[Any, ...]]) -> list[Account]:
        async def work(connection: AsyncConnection) -> list[Account]:
            rows = (await connection.execute(statement)).all()
            last = await _last_sign_ins(connection, [person_of(row).id for row in rows])
            return [_account(row, last) for row in rows]

        return await self._database.read(work)


_ACCOUNT = (*PERSON, User.created_at, User.disabled_at, (User.password_hash != "").label("has_password"))


def _account(row: Row[Any], last: dict[str, datetime]) -> Account:
    person = person_of(row)
    return Account(person, row.created_at, row.disabled_at, row.has_password, last.get(person.id))


async def _last_sign_ins(connection: AsyncConnection, recipients: Sequence[str]) -> dict[str, datetime]:
    statement = select(Audit.recipient, func.max(Audit.at)).where(Audit.event == "signed_in")
    statement = statement.where(among(connection, Audit.recipient, recipients)).group_by(Audit.recipient)
    return {recipient: at for recipient, at in await connection.execute(statement) if recipient is not None}


async def _change(connection: AsyncConnection, values: dict[Any, Any], *where: Any) -> bool:
    changed = await connection.execute(update(User).where(*where).values(values).returning(User.id))
    return changed.first() is not None


async def _ended(connection: AsyncConnection, recipient: str, keys: list[str], by: By) -> list[str]:
    if keys:
        await record(connection, "session_ended", recipient, **by, count=len(keys))
    return keys

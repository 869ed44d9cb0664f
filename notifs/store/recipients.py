"""Recipients: whom a name stands for, and the mailboxes that there are."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import literal, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import BadRequest
from notifs.store import accounts
from notifs.store.database import Database
from notifs.store.many import given_names, lists_given, names_given, one_of
from notifs.store.models import Mailbox
from notifs.store.names import check_after, check_recipients, is_name

NAMED = 5
"""Unknown names that a refusal repeats."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A mailbox and what it counts."""

    id: str
    revision: int
    unread: int
    unseen: int


async def known(connection: AsyncConnection, names: Collection[str]) -> dict[str, str]:
    """The recipient ids of those names that are known: an account's address or recipient id, or a mailbox.

    Two queries, however many names.
    """
    possible = [name for name in names if is_name(name)]  # others cannot even be asked for
    found = await accounts.known(connection, possible)
    rest = [name for name in possible if name not in found]
    if rest:
        dialect = connection.dialect.name
        mailboxes = await connection.execute(_mailboxes(dialect), lists_given(dialect, names=rest))
        found.update((recipient, recipient) for recipient in mailboxes.scalars())
    return found


@cache
def _mailboxes(dialect: str) -> Any:
    return select(Mailbox.recipient).where(one_of(dialect, Mailbox.recipient, "names"))


async def create_mailboxes(connection: AsyncConnection, names: Iterable[str]) -> int:
    """Make an empty mailbox for each of these recipients who has none yet. Returns for how many."""
    ordered = sorted(set(names))
    if not ordered:
        return 0
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    columns = ["recipient", "revision", "unread", "unseen"]
    nothing = (literal(0).label(name) for name in columns[1:])
    rows = select(given_names(connection.dialect.name), *nothing).where(true())  # else SQLite takes ON for a join's
    made = dialect.insert(Mailbox).from_select(columns, rows, include_defaults=False).on_conflict_do_nothing()
    given, counted = names_given(connection.dialect.name, ordered), {"preserve_rowcount": True}
    return int((await connection.execute(made, given, execution_options=counted)).rowcount)


class Recipients:
    """The recipients of a database.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def resolve(self, names: Iterable[str], create: bool) -> list[str]:
        """The recipient ids of some names, each once, in ascending order.

        Args:
            names: addresses or recipient ids of accounts, or recipients who have a mailbox.
            create: make a mailbox for each of the others, save for addresses: nobody could ever open that one.

        Raises:
            BadRequest: `unknown_recipient` or `invalid_recipient`; nothing was made.
        """
        asked = check_recipients(names)
        found = await self._database.read(lambda c: known(c, asked))
        unknown = [name for name in asked if name not in found]
        refused = [name for name in unknown if "@" in name or not create]
        if refused:
            raise BadRequest(_unknown(refused), code="unknown_recipient", status=422)
        if unknown:
            await self._database.write(lambda c: create_mailboxes(c, unknown))
        return sorted({found.get(name, name) for name in asked})

    async def create_mailboxes(self, names: Iterable[str]) -> int:
        """Make an empty mailbox for each of these recipients who has none yet. Returns for how many.

        Raises:
            BadRequest: `invalid_recipient`.
        """
        asked = check_recipients(names)
        return await self._database.write(lambda c: create_mailboxes(c, asked))

    async def put(self, id: str) -> bool:
        """See that this recipient has a mailbox. Returns whether it is new.

        Raises:
            BadRequest: `invalid_recipient`.
        """
        return await self.create_mailboxes([id]) > 0

    async def one(self, id: str) -> Recipient | None:
        """A recipient; None if there is neither a mailbox nor an account of this id."""

        async def work(connection: AsyncConnection) -> Recipient | None:
            row = (await connection.execute(select(*_COLUMNS).where(Mailbox.recipient == id))).one_or_none()
            if row is not None:
                return Recipient(*row)
            return Recipient(id, 0, 0, 0) if (await accounts.known(connection, [id])).get(id) == id else None

        return await self._database.read(work) if is_name(id) else None

    async def page(self, after: str = "", limit: int = 100) -> list[Recipient]:
        """The first `limit` mailboxes after the recipient `after`, in the database's order of text.

        Raises:
            InvalidCursor: `after` is none.
        """
        statement = select(*_COLUMNS).where(Mailbox.recipient > check_after(after)).order_by(Mailbox.recipient)

        async def work(connection: AsyncConnection) -> list[Recipient]:
            return [Recipient(*row) for row in await connection.execute(statement.limit(limit))]

        return await self._database.read(work)


_COLUMNS = (Mailbox.recipient, Mailbox.revision, Mailbox.unread, Mailbox.unseen)


def _unknown(names: Sequence[str]) -> str:
    named = ", ".join(names[:NAMED])
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"nobody is known as {named}{more}; a recipient has an account or a mailbox"

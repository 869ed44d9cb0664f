"""Links: what recipients are called in other systems, a login on GitHub, say, or a team there."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import BadRequest
from notifs.store.database import Database
from notifs.store.many import among
from notifs.store.models import Link
from notifs.store.names import NAME_LIMIT, check_recipients, is_name

_SYSTEM = re.compile(r"[a-z0-9][a-z0-9_.-]{0,49}")


class Links:
    """The links of a database. Neither systems nor names tell capitals from small letters.

    One name may be several recipients, a team; one recipient may have several names.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def link(self, system: str, name: str, recipient: str) -> bool:
        """Let `name` in `system` stand for a recipient. Returns whether it did not yet.

        Raises:
            BadRequest: `invalid_link` or `invalid_recipient`.
        """
        system, name = _check(system, name)
        check_recipients([recipient])

        async def work(connection: AsyncConnection) -> bool:
            dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
            row = dialect.insert(Link).values(system=system, name=name, recipient=recipient)
            made = row.on_conflict_do_nothing().returning(Link.name)
            return (await connection.execute(made)).first() is not None

        return await self._database.write(work)

    async def unlink(self, system: str, name: str, recipient: str) -> bool:
        """Let `name` in `system` stand for a recipient no more. Returns whether it did.

        Raises:
            BadRequest: `invalid_link` or `invalid_recipient`.
        """
        system, name = _check(system, name)
        check_recipients([recipient])
        gone = delete(Link).where(Link.system == system, Link.name == name, Link.recipient == recipient)

        async def work(connection: AsyncConnection) -> bool:
            return (await connection.execute(gone)).rowcount > 0

        return await self._database.write(work)

    async def recipients(self, system: str, names: Sequence[str]) -> dict[str, list[str]]:
        """Whom each of `names` in `system` stands for, in ascending order; names for nobody are left out."""
        lower = {name.lower() for name in names if is_name(name.lower())}

        async def work(connection: AsyncConnection) -> dict[str, list[str]]:
            theirs = (Link.system == system.lower(), among(connection, Link.name, sorted(lower)))
            found: dict[str, list[str]] = {}
            for row in await connection.execute(select(Link.name, Link.recipient).where(*theirs)):
                found.setdefault(row.name, []).append(row.recipient)
            return {name: sorted(found[name.lower()]) for name in names if name.lower() in found}

        return await self._database.read(work) if _SYSTEM.fullmatch(system.lower()) else {}

    async def of(self, recipient: str) -> list[tuple[str, str]]:
        """What a recipient is called: pairs of a system and a name."""
        statement = select(Link.system, Link.name).where(Link.recipient == recipient)

        async def work(connection: AsyncConnection) -> list[tuple[str, str]]:
            return sorted((row.system, row.name) for row in await connection.execute(statement))

        return await self._database.read(work) if is_name(recipient) else []


def _check(system: str, name: str) -> tuple[str, str]:
    """Both as they are stored."""
    system, name = system.lower(), name.lower()
    if not _SYSTEM.fullmatch(system):
        raise BadRequest(
            "a system is a word like github: 1 to 50 of the characters a-z 0-9 _ . -", code="invalid_link", status=422
        )
    if not is_name(name) or " " in name:
        raise BadRequest(
            f"a name in another system is 1 to {NAME_LIMIT} printable characters without spaces",
            code="invalid_link",
            status=422,
        )
    return system, name

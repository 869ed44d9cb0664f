"""Recounting: whether each mailbox says of itself what its receipts say, which a hand in the tables can undo."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, case, func, insert, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store import announcements
from notifs.store.models import Mailbox, Receipt

CHUNK = 200
"""Mailboxes that one query counts."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A mailbox that differs from its receipts, and in what."""

    recipient: str
    what: str


async def recount(connection: AsyncConnection, after: str) -> tuple[int, list[Wrong], str | None]:
    """Count the CHUNK mailboxes after the recipient `after`, "" for the first ones.

    Returns how many they are, those that are wrong, and the last of them, or None if there are no more. Receipts
    without a mailbox are found too.
    """
    statement = select(Mailbox.__table__).where(Mailbox.recipient > after).order_by(Mailbox.recipient).limit(CHUNK)
    mailboxes = {row.recipient: row._asdict() for row in await connection.execute(statement)}
    last = next(reversed(mailboxes)) if len(mailboxes) == CHUNK else None
    counted = _counted().where(Receipt.recipient > after)
    if last is not None:
        counted = counted.where(Receipt.recipient <= last)
    receipts = {row.recipient: row._asdict() for row in await connection.execute(counted)}
    wrong = [
        Wrong(recipient, "; ".join(what))
        for recipient in {**mailboxes, **receipts}
        if (what := [*_differences(mailboxes.get(recipient), receipts.get(recipient, _NONE))])
    ]
    return len(mailboxes), wrong, last


async def repair(connection: AsyncConnection, recipient: str) -> None:
    """Set a mailbox to what its receipts say, at a new revision: every client gets a snapshot."""
    where = Mailbox.recipient == recipient
    row = (await connection.execute(select(Mailbox.__table__).where(where).with_for_update())).one_or_none()
    if row is None:
        # It may have taken in everything that was announced, or nothing; what it has it must not get twice.
        through = await announcements.latest(connection)
        empty = {"recipient": recipient, "revision": 0, "unread": 0, "unseen": 0, "announced_through": through}
        await connection.execute(insert(Mailbox), empty)
    receipts = (await connection.execute(_counted().where(Receipt.recipient == recipient))).one_or_none()
    truth: Mapping[str, int] = receipts._asdict() if receipts else _NONE
    revision = max(row.revision if row else 0, truth["revision"]) + 1
    values = {"revision": revision, "pruned_through": revision, "unread": truth["unread"], "unseen": truth["unseen"]}
    await connection.execute(update(Mailbox).where(where).values(values))


_NONE = {"unread": 0, "unseen": 0, "revision": 0}


def _counted() -> Any:
    kept = Receipt.archived_at.is_(None)
    highest = case((Receipt.revision > Receipt.position, Receipt.revision), else_=Receipt.position)
    return select(
        Receipt.recipient,
        func.count(case((and_(kept, Receipt.read_at.is_(None)), 1), else_=null())).label("unread"),
        func.count(case((and_(kept, Receipt.seen_at.is_(None)), 1), else_=null())).label("unseen"),
        func.max(highest).label("revision"),
    ).group_by(Receipt.recipient)


def _differences(mailbox: Mapping[str, int] | None, receipts: Mapping[str, int]) -> Iterator[str]:
    if mailbox is None:
        yield "there are receipts, and no mailbox"
        return
    for name in ("unread", "unseen"):
        if mailbox[name] != receipts[name]:
            yield f"{name} is {mailbox[name]}, counted are {receipts[name]}"
    if mailbox["revision"] < (highest := max(receipts["revision"], mailbox["pruned_through"])):
        yield f"revision is {mailbox['revision']}, there was one of {highest}"

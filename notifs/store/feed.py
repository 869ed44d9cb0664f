"""Reading: heads, pages of the feed, and what changed since a revision; of many mailboxes at once where many ask.

Nothing here writes.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, Self

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, collate, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from notifs.store.many import first_lines, follow_indexes, line, lists_given, one_of, pairs_given
from notifs.store.models import KEPT, PUT_AWAY, PUT_OFF, UNREAD, Announcement, Epoch, Mailbox, Notification, Receipt
from notifs.wire import Filter, Search

FILTERS = {
    "unread": UNREAD,
    "all": KEPT,
    "archived": text(f"{PUT_AWAY} AND notifs_receipts.retracted_at IS NULL"),
    "snoozed": text(f"{PUT_OFF} AND notifs_receipts.retracted_at IS NULL"),
}
LINES_AT_ONCE = 2000
"""Lines that one query of many mailboxes is expected to bring, at most: what is in memory at a time."""
STRETCH = 20_000
"""Lines of a filter that are looked through for one page of what is searched for, at most."""


class Head(NamedTuple):
    """Where a mailbox stands: its revision, and the counts at that revision."""

    revision: int
    unread: int
    unseen: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A mailbox's head, and the revision up to which its changes cannot all be told any more."""

    head: Head
    pruned_through: int
    behind: bool
    """There is an announcement that it has not taken in."""


@dataclass(frozen=True, slots=True)
class Look:
    """The epoch, the revision of each mailbox that has one, and those that have not taken in the last announcement."""

    epoch: str
    revisions: dict[str, int]
    behind: list[str]


class Entry(NamedTuple):
    """One line of a feed: a receipt with its notification."""

    id: uuid.UUID
    kind: str
    title: str
    body: str
    url: str | None
    icon: str | None
    actor: dict[str, Any] | None
    actions: list[dict[str, Any]]
    priority: str
    group: str | None
    data: dict[str, Any]
    created_at: datetime
    expires_at: datetime | None
    position: int
    revision: int
    seen_at: datetime | None = None
    read_at: datetime | None = None
    archived_at: datetime | None = None
    snoozed_until: datetime | None = None
    retracted_at: datetime | None = None

    @classmethod
    def fresh(cls, content: Iterable[Any], position: int) -> Self:
        """The line that a new copy is in a feed, from the columns of its content in their order."""
        columns: list[Any] = [*content, position, position]
        return cls(*columns)


@dataclass(frozen=True, slots=True)
class Page:
    """Lines of one filter, newest first, with the head of the same moment; `more` says that older ones remain."""

    head: Head
    entries: tuple[Entry, ...]
    more: bool
    rest: int | None = None
    """Of a search that ended early: the position of the first line that it has not looked at."""

    @property
    def through(self) -> int | None:
        """The position that the next page is to be `before`; None if there is nothing here."""
        if self.rest is not None:
            return self.rest + 1
        return self.entries[-1].position if self.entries else None


Step = tuple[str, int]
"""A mailbox and a revision of it."""


def _entries(rows: Iterable[Iterable[Any]]) -> tuple[Entry, ...]:
    return tuple(Entry(*row) for row in rows)


async def epoch(connection: AsyncConnection) -> str:
    """The name of this database's life."""
    return (await connection.execute(_EPOCH)).scalar_one()


async def head(connection: AsyncConnection, recipient: str) -> Head:
    """Where the mailbox stands; one that has never had a notification stands at 0."""
    row = (await connection.execute(HEAD, {"whose": recipient})).one_or_none()
    return Head(*row) if row else Head(0, 0, 0)


async def look(connection: AsyncConnection, recipients: Sequence[str]) -> Look:
    """How mailboxes are: one query, however many."""
    dialect = connection.dialect.name
    rows = (await connection.execute(_look(dialect), lists_given(dialect, names=recipients))).all()
    epoch, latest = rows[0].value, rows[0].latest
    through = {row.recipient: row.announced_through for row in rows}
    behind = [recipient for recipient in recipients if through.get(recipient, 0) < latest]
    return Look(epoch, {row.recipient: row.revision for row in rows if row.recipient is not None}, behind)


async def standings(connection: AsyncConnection, recipients: Iterable[str]) -> dict[str, Standing]:
    """Where each mailbox stands: one query, however many."""
    asked = list(dict.fromkeys(recipients))
    dialect = connection.dialect.name
    rows = (await connection.execute(_standings(dialect), lists_given(dialect, names=asked))).all()
    found = dict.fromkeys(asked, Standing(Head(0, 0, 0), 0, rows[0].latest > 0))
    for latest, recipient, revision, unread, unseen, pruned_through, announced_through in rows:
        if recipient is not None:
            found[recipient] = Standing(Head(revision, unread, unseen), pruned_through, announced_through < latest)
    return found


# Statements that are run all the time are built once: to build one costs as much as to read ten mailboxes.


_EPOCH = select(Epoch.value)
THEIRS = Mailbox.recipient == bindparam("whose")
HEAD = select(Mailbox.revision, Mailbox.unread, Mailbox.unseen).where(THEIRS)
_LINES = (
    select(*line())
    .join_from(Receipt, Notification, Receipt.notification_id == Notification.id)
    .where(Receipt.recipient == bindparam("whose"))
)
_ONE = _LINES.where(Notification.id == bindparam("which"), Receipt.retracted_at.is_(None))
_SINCE = _LINES.where(Receipt.revision > bindparam("since")).order_by(Receipt.revision, Receipt.position)


@cache
def _newest(filter: Filter, *, older: bool) -> Select[Any]:
    """Lines of a filter, `most` at most, those with a position below `before` where it is about `older` ones."""
    return _of(_LINES, filter, older=older).limit(bindparam("most", type_=Integer))


@cache
def _stretch(filter: Filter, *, older: bool) -> Select[Any]:
    """The positions of the same lines, from the one on that is the number `passed`."""
    positions = select(Receipt.position).where(Receipt.recipient == bindparam("whose"))
    return _of(positions, filter, older=older).offset(bindparam("passed", type_=Integer)).limit(1)


def _of(lines: Select[Any], filter: Filter, *, older: bool) -> Select[Any]:
    lines = lines.where(FILTERS[filter]).order_by(Receipt.position.desc())
    return lines.where(Receipt.position < bindparam("before")) if older else lines


@cache
def _look(dialect: str) -> Any:
    return _mailboxes(dialect, Epoch.value, _latest(), Mailbox.recipient, Mailbox.revision, Mailbox.announced_through)


@cache
def _standings(dialect: str) -> Any:
    counted = (Mailbox.revision, Mailbox.unread, Mailbox.unseen)
    return _mailboxes(
        dialect, _latest(), Mailbox.recipient, *counted, Mailbox.pruned_through, Mailbox.announced_through
    )


def _mailboxes(dialect: str, *columns: Any) -> Any:
    """A row at least, also where none of these has a mailbox."""
    return select(*columns).outerjoin_from(Epoch, Mailbox, one_of(dialect, Mailbox.recipient, "names"))


@cache
def _changed(dialect: str, limit: int) -> Any:
    # One act may have changed a hundred thousand lines: that they are too many is known without sorting them.
    return first_lines(dialect, lambda since: Receipt.revision > since, (Receipt.revision,), limit + 1)


@cache
def _unread(dialect: str, limit: int) -> Any:
    return first_lines(dialect, lambda _: UNREAD, (Receipt.position.desc(),), limit + 1)


def _latest() -> Any:
    """The number of the last announcement."""
    return select(func.coalesce(func.max(Announcement.number), 0)).scalar_subquery().label("latest")


async def page(
    connection: AsyncConnection,
    at: Standing,
    recipient: str,
    filter: Filter,
    *,
    search: Search,
    before: int | None,
    limit: int,
) -> Page:
    """The `limit` newest lines of a filter below the position `before`. `at` says where the mailbox stands.

    With a search it costs what must be looked at until there are so many: at most a STRETCH of the filter.
    """
    older = before is not None
    given = {"whose": recipient, "most": limit + 1, "before": before}
    lines, rest = _newest(filter, older=older), None
    if search != Search():
        await follow_indexes(connection)
        rest = (await connection.execute(_stretch(filter, older=older), {**given, "passed": STRETCH})).scalar()
        lines = lines.where(await _matches(connection, search))
    if rest is not None:
        lines = lines.where(Receipt.position > rest)
    found = _entries(await connection.execute(lines, given))
    if len(found) > limit:
        return Page(at.head, found[:limit], True)
    return Page(at.head, found, rest is not None, rest)


async def _matches(connection: AsyncConnection, search: Search) -> ColumnElement[bool]:
    """Whether a receipt is of what is searched for.

    It is asked line by line, in a subquery: in a join, databases that guess it to be rare begin with everybody's.
    """
    one = aliased(Notification, name="one")
    conditions: list[ColumnElement[bool]] = []
    if search.kind is not None:
        conditions.append(one.kind == search.kind)
    if search.actor is not None:
        id, name = (one.actor[key].as_string() for key in ("id", "name"))
        conditions.append(func.coalesce(id, name) == search.actor)
    if search.text is not None:
        conditions.append(await _place(connection, one.title, search.text) > 0)
    asked = select(and_(*conditions)).where(one.id == Receipt.notification_id).correlate(Receipt)
    return asked.scalar_subquery()


async def _place(connection: AsyncConnection, title: Any, words: str) -> Any:
    """Where in a title the words are, from 1 on, in upper or lower case as Unicode has it; 0 if nowhere.

    Not LIKE or GLOB: what a pattern costs grows with the lengths of both, of the pattern and of the title.
    """
    if connection.dialect.name == "sqlite":
        words = words.lower()
        # Its own function knows A to Z alone: that will do for words of nothing else, and Python is not asked.
        lower = func.lower if words.isascii() else func.notifs_lower
        return func.instr(lower(title), words)
    if _COLLATION not in connection.info:  # of a connection, for as long as it lives
        connection.info[_COLLATION] = (await connection.execute(_LOWERS_UNICODE)).scalar()
    collation = connection.info[_COLLATION]
    both = (title, literal(words))
    return func.strpos(*(func.lower(each if collation is None else collate(each, collation)) for each in both))


_COLLATION = "notifs_collation"
_LOWERS_UNICODE = text(
    # Both only know UTF-8. The first is there if PostgreSQL was built with ICU, the second from PostgreSQL 17 on.
    "SELECT collname FROM pg_collation WHERE collname IN ('und-x-icu', 'pg_c_utf8') "
    "AND collnamespace = 'pg_catalog'::regnamespace AND getdatabaseencoding() = 'UTF8' "
    "ORDER BY collname = 'und-x-icu' DESC LIMIT 1"
)


async def changes(
    connection: AsyncConnection, at: Mapping[str, Standing], steps: Iterable[Step], limit: int
) -> dict[Step, tuple[Entry, ...] | None]:
    """Every line of each mailbox that changed after the revision in the step, oldest change first.

    `at` says where the mailboxes stand. None instead of the lines where a gap cannot be filled: more than `limit`
    changes or lines, copies that were deleted since, or a revision that the mailbox has not reached. Those that are
    there already cost nothing.
    """
    behind = {step: at[step[0]].head.revision - step[1] for step in steps}
    found: dict[Step, tuple[Entry, ...] | None] = {step: () if count == 0 else None for step, count in behind.items()}
    short = {
        step: count for step, count in behind.items() if 0 < count <= limit and step[1] >= at[step[0]].pruned_through
    }
    for chunk in _chunks(short):
        for step, lines in zip(chunk, await _grouped(connection, at, _changed, chunk, limit), strict=True):
            ordered = sorted(lines, key=attrgetter("revision", "position"))
            found[step] = tuple(ordered) if len(ordered) <= limit else None
    return found


async def newest(
    connection: AsyncConnection, at: Mapping[str, Standing], recipients: Iterable[str], limit: int
) -> dict[str, Page]:
    """The newest unread lines of each mailbox. Those without any cost nothing."""
    found = {recipient: Page(at[recipient].head, (), False) for recipient in recipients}
    full = {(r, 0): min(page.head.unread, limit + 1) for r, page in found.items() if page.head.unread}
    for chunk in _chunks(full):
        for (recipient, _), lines in zip(chunk, await _grouped(connection, at, _unread, chunk, limit), strict=True):
            ordered = sorted(lines, key=attrgetter("position"), reverse=True)
            found[recipient] = Page(at[recipient].head, tuple(ordered[:limit]), len(ordered) > limit)
    return found


def _chunks(expected: Mapping[Step, int]) -> Iterator[list[Step]]:
    """The steps in parts that are expected to bring at most LINES_AT_ONCE lines, or one step each."""
    chunk: list[Step] = []
    lines = 0
    for step, count in expected.items():
        if chunk and lines + count > LINES_AT_ONCE:
            yield chunk
            chunk, lines = [], 0
        chunk.append(step)
        lines += count
    if chunk:
        yield chunk


async def _grouped(
    connection: AsyncConnection,
    at: Mapping[str, Standing],
    query: Callable[[str, int], Any],
    steps: Sequence[Step],
    limit: int,
) -> list[list[Entry]]:
    dialect = connection.dialect.name
    if any(at[recipient].head.revision > LINES_AT_ONCE for recipient, _ in steps):  # it may have as many lines
        await follow_indexes(connection)
    groups: list[list[Entry]] = [[] for _ in steps]
    for row in (await connection.execute(query(dialect, limit), pairs_given(dialect, steps))).all():
        groups[row[-1]].append(Entry._make(row[:-1]))
    return groups


async def by_revision(connection: AsyncConnection, recipient: str, since: int) -> tuple[Entry, ...]:
    """Lines that changed after revision `since`, oldest change first."""
    return _entries(await connection.execute(_SINCE, {"whose": recipient, "since": since}))


async def one(connection: AsyncConnection, recipient: str, id: uuid.UUID) -> Entry | None:
    """The recipient's line of one notification, or None if it is not theirs or was taken back."""
    found = _entries(await connection.execute(_ONE, {"whose": recipient, "which": id}))
    return found[0] if found else None

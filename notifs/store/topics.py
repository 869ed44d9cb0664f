"""Topics: named sets of followers."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Select, delete, func, literal, not_, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import NotFound
from notifs.store.database import Database
from notifs.store.many import among, given_names, names_given
from notifs.store.models import Follower, Topic, utcnow
from notifs.store.names import check_after, check_recipients, check_topic, is_name, is_topic

CHUNK = 2_000
"""Followers that one transaction adds or removes: others who write shall not wait for all of them."""


async def followers(
    connection: AsyncConnection, topics: Sequence[str], after: str, limit: int, exclude: Sequence[str] = ()
) -> list[str]:
    """The first `limit` who follow one of `topics`, named once, after the recipient `after`, without `exclude`.

    They are in the ascending order of their characters' numbers, whatever the database's own order is.
    """
    statement = _of(connection, select(Follower.recipient), topics).where(Follower.recipient > after)
    if exclude:
        statement = statement.where(not_(among(connection, Follower.recipient, exclude)))
    if len(topics) > 1:
        statement = statement.distinct()
    return list((await connection.execute(statement.order_by(Follower.recipient).limit(limit))).scalars())


async def count(connection: AsyncConnection, topics: Sequence[str]) -> int:
    """How many follow at least one of `topics`."""
    counted: Any = func.count() if len(topics) == 1 else func.count(Follower.recipient.distinct())
    statement = _of(connection, select(counted).select_from(Follower), topics)
    return int((await connection.execute(statement)).scalar_one())


class Topics:
    """The topics of a database, and who follows them.

    A topic is there from its first follower on, until it is removed. Adding and removing many is done in several
    transactions; done again, it goes on where it broke off.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def follow(self, topic: str, recipients: Iterable[str]) -> int:
        """Let recipients follow a topic, which is made if it is new. Returns how many did not yet.

        Raises:
            BadRequest: `invalid_topic` or `invalid_recipient`; nobody was added.
        """
        check_topic(topic)
        new = 0
        for some in _chunks(check_recipients(recipients)):
            new += await self._database.write(partial(_follow, topic=topic, recipients=some))
        return new

    async def unfollow(self, topic: str, recipients: Iterable[str]) -> int:
        """Let recipients follow a topic no more. Returns how many did.

        Raises:
            BadRequest: `invalid_topic` or `invalid_recipient`.
        """
        check_topic(topic)
        gone = 0
        for some in _chunks(check_recipients(recipients)):
            gone += await self._database.write(partial(_unfollow, topic=topic, recipients=some))
        return gone

    async def followers(self, topic: str, after: str = "", limit: int = 100) -> list[str]:
        """Who follows a topic: the first `limit` after the recipient `after`, in ascending order.

        Raises:
            NotFound: `unknown_topic`.
            InvalidCursor: `after` is none.
        """
        check_after(after)

        async def work(connection: AsyncConnection) -> list[str]:
            await _known(connection, topic)
            return await followers(connection, [topic], after, limit)

        return await self._database.read(work)

    async def count(self, topic: str) -> int:
        """How many follow a topic.

        Raises:
            NotFound: `unknown_topic`.
        """

        async def work(connection: AsyncConnection) -> int:
            await _known(connection, topic)
            return await count(connection, [topic])

        return await self._database.read(work)

    async def page(self, after: str = "", limit: int = 100, only: Sequence[str] | None = None) -> list[str]:
        """The first `limit` topics after the topic `after`, in the database's order of text.

        Args:
            only: these, as far as there are such; None for all.

        Raises:
            InvalidCursor: `after` is none.
        """
        statement = select(Topic.name).where(Topic.name > check_after(after)).order_by(Topic.name).limit(limit)

        async def work(connection: AsyncConnection) -> list[str]:
            wanted = statement if only is None else statement.where(among(connection, Topic.name, only))
            return await _texts(connection, wanted)

        return await self._database.read(work)

    async def of(self, recipient: str) -> list[str]:
        """What a recipient follows."""
        if not is_name(recipient):
            return []
        statement = select(Follower.topic).where(Follower.recipient == recipient).order_by(Follower.topic)
        return await self._database.read(lambda c: _texts(c, statement))

    async def remove(self, topic: str) -> None:
        """Remove a topic. What was sent to its followers stays with them.

        Raises:
            NotFound: `unknown_topic`.
        """
        await self._database.read(lambda c: _known(c, topic))
        while some := await self._database.read(lambda c: followers(c, [topic], "", CHUNK)):
            await self.unfollow(topic, some)

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(Topic).where(Topic.name == topic))

        await self._database.write(work)


def _of(connection: AsyncConnection, statement: Select[Any], topics: Sequence[str]) -> Select[Any]:
    # One topic is told as one, so that its followers come out of the index in order.
    one = len(topics) == 1
    return statement.where(Follower.topic == topics[0] if one else among(connection, Follower.topic, topics))


async def _follow(connection: AsyncConnection, topic: str, recipients: Sequence[str]) -> int:
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    now = utcnow()
    made = dialect.insert(Topic).values(name=topic, created_at=now).on_conflict_do_nothing()
    # Held until the end, lest somebody removes it under its new followers' feet.
    held = select(Topic.name).where(Topic.name == topic).with_for_update(read=True, key_share=True)
    while (await connection.execute(held)).first() is None:
        await connection.execute(made)
    name = connection.dialect.name
    rows = select(literal(topic), given_names(name), literal(now)).where(true())  # else SQLite takes ON for a join's
    names = ["topic", "recipient", "created_at"]
    statement = dialect.insert(Follower).from_select(names, rows, include_defaults=False).on_conflict_do_nothing()
    counted = {"preserve_rowcount": True}
    result = await connection.execute(statement, names_given(name, recipients), execution_options=counted)
    return int(result.rowcount)


async def _unfollow(connection: AsyncConnection, topic: str, recipients: Sequence[str]) -> int:
    theirs = (Follower.topic == topic, among(connection, Follower.recipient, recipients))
    return int((await connection.execute(delete(Follower).where(*theirs))).rowcount)


async def _known(connection: AsyncConnection, topic: str) -> None:
    known = select(Topic.name).where(Topic.name == topic)
    if not is_topic(topic) or (await connection.execute(known)).first() is None:
        raise NotFound(f"there is no topic {topic}", code="unknown_topic")


async def _texts(connection: AsyncConnection, statement: Select[Any]) -> list[str]:
    return list((await connection.execute(statement)).scalars())


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), CHUNK):
        yield names[start : start + CHUNK]

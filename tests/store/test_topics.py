"""Topics: who follows them, in pages that neither miss nor repeat anybody."""

import asyncio
from collections.abc import AsyncIterator
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import BadRequest, InvalidCursor, NotFound
from notifs.store import Store, schema, topics
from notifs.store.database import Database
from notifs.store.models import Topic
from notifs.store.names import is_topic
from notifs.store.topics import CHUNK
from tests.servers import Postgres

ODD = ["Z", "a", "B", "é", "É", "ß", "-a", "_a", "a-b", "a b", "ab", "10", "9", "日本", "😀"]
"""Recipients whom databases like to put in different orders."""


@pytest.fixture
async def english(postgres: Postgres) -> AsyncIterator[Store]:
    """A store in a database that sorts as people who speak English do."""
    async with postgres.database("template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'") as url:
        database = Database(url)
        await schema.upgrade(database)
        yield await Store(database).open()
        await database.close()


async def all_of(store: Store, topic: str, limit: int) -> list[str]:
    found: list[str] = []
    while page := await store.topics.followers(topic, found[-1] if found else "", limit):
        assert len(page) <= limit
        found += page
    return found


async def test_following_is_told_once_and_begins_the_topic(store: Store) -> None:
    assert await store.topics.follow("releases", ["b", "a", "b"]) == 2
    assert await store.topics.follow("releases", ["a", "c"]) == 1
    assert await store.topics.follow("repo/7", ["a"]) == 1
    assert await store.topics.followers("releases", "", 10) == ["a", "b", "c"]
    assert await store.topics.count("releases") == 3
    assert await store.topics.of("a") == ["releases", "repo/7"]
    assert await store.topics.of("nobody") == []
    assert await store.topics.page("", 10) == ["releases", "repo/7"]


async def test_who_follows_no_more_is_not_there(store: Store) -> None:
    await store.topics.follow("releases", ["a", "b"])
    await store.topics.follow("other", ["a"])
    assert await store.topics.unfollow("releases", ["a", "nobody"]) == 1
    assert await store.topics.unfollow("releases", ["a"]) == 0
    assert await store.topics.unfollow("unknown", ["a"]) == 0
    assert await store.topics.followers("releases", "", 10) == ["b"]
    await store.topics.unfollow("releases", ["b"])
    assert await store.topics.followers("releases", "", 10) == []  # and the topic is still one
    assert await store.topics.of("a") == ["other"]


async def test_pages_of_followers_have_everybody_once_in_one_order(store: Store) -> None:
    await store.topics.follow("odd", ODD)
    for limit in (1, 2, 7, 100):
        assert await all_of(store, "odd", limit) == sorted(ODD)


async def test_the_order_is_the_same_where_the_database_sorts_as_people_do(english: Store) -> None:
    await english.topics.follow("odd", ODD)
    await english.topics.follow("more", [*ODD, "x"])
    assert await all_of(english, "odd", 2) == sorted(ODD)
    both = await english.database.read(lambda c: topics.followers(c, ["odd", "more"], "", 100))
    assert both == sorted([*ODD, "x"])


async def test_several_topics_name_each_follower_once(store: Store) -> None:
    await store.topics.follow("x", ["a", "b", "c"])
    await store.topics.follow("y", ["b", "c", "d"])
    await store.topics.follow("z", ["e"])

    async def asked(names: list[str], after: str = "", limit: int = 9, exclude: tuple[str, ...] = ()) -> list[str]:
        return await store.database.read(lambda c: topics.followers(c, names, after, limit, exclude))

    assert await asked(["x", "y", "unknown"]) == ["a", "b", "c", "d"]
    assert await asked(["x", "y"], limit=2) == ["a", "b"]
    assert await asked(["x", "y"], after="b", limit=2) == ["c", "d"]
    assert await asked(["x", "y"], exclude=("b", "nobody"), limit=2) == ["a", "c"]
    assert await asked(["x"], exclude=("a",)) == ["b", "c"]
    assert await asked([]) == []
    counts = [["x", "y"], ["x"], ["unknown"], ["x", "x"], []]
    assert [await store.database.read(lambda c, n=n: topics.count(c, n)) for n in counts] == [4, 3, 0, 3, 0]  # type: ignore[misc]


async def test_thousands_follow_at_once_and_leave_at_once(store: Store) -> None:
    many = [f"user-{n:05}" for n in range(2 * CHUNK + 1)]
    assert await store.topics.follow("all", many) == len(many)
    assert await store.topics.follow("all", [*many, "one more"]) == 1
    assert await store.topics.count("all") == len(many) + 1
    assert await store.topics.unfollow("all", many) == len(many)
    assert await store.topics.followers("all", "", 10) == ["one more"]


async def test_a_removed_topic_is_gone_with_its_followers_and_no_other_is(store: Store) -> None:
    await store.topics.follow("gone", [f"{n}" for n in range(CHUNK + 1)])
    await store.topics.follow("kept", ["1"])
    await store.topics.remove("gone")
    assert await store.topics.page("", 10) == ["kept"]
    assert await store.topics.of("1") == ["kept"]
    await store.topics.follow("gone", ["2"])
    assert await store.topics.followers("gone", "", 10) == ["2"]


async def test_topics_come_in_pages(store: Store) -> None:
    names = sorted(["a", "B", "a/b", "a-b", "ab", "Z/z"])
    for name in names:
        await store.topics.follow(name, ["x"])
    found: list[str] = []
    while page := await store.topics.page(found[-1] if found else "", 2):
        found += page
    assert sorted(found) == names
    assert len(found) == len(names)


async def test_who_follows_while_a_topic_is_being_removed_makes_it_anew(store: Store, kind: str) -> None:
    await store.topics.follow("busy", ["a"])
    await store.topics.unfollow("busy", ["a"])
    async with store.database.session() as session:
        await session.execute(delete(Topic))
        following = asyncio.create_task(store.topics.follow("busy", ["b"]))
        while kind == "postgres" and not await store.database.read(_waiting):
            assert not following.done()
    assert await following == 1
    assert await store.topics.followers("busy") == ["b"]


async def _waiting(connection: AsyncConnection) -> int:
    """How many wait for a lock of another's."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return int((await connection.execute(text(waiting))).scalar_one())


async def test_a_topic_that_is_none_is_not_found(store: Store) -> None:
    for topic in ("unknown", "", "\0", "a b", "..", "x" * 201):
        with pytest.raises(NotFound) as refused:
            await store.topics.followers(topic)
        assert refused.value.code == "unknown_topic"
        for ask in (store.topics.count, store.topics.remove):
            with pytest.raises(NotFound) as refused:
                await ask(topic)
            assert refused.value.code == "unknown_topic"


NONE = (
    "",
    " ",
    "a b",
    "a\n",
    "x" * 201,
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "a/../b",
    "./a",
    "a/.",
    "é",
    "a?b",
    "a#b",
    "a%2fb",
)


async def test_what_cannot_be_a_topic_is_refused(store: Store) -> None:
    for act, topic in product((store.topics.follow, store.topics.unfollow), NONE):
        with pytest.raises(BadRequest) as refused:
            await act(topic, ["a"])
        assert (refused.value.code, refused.value.status) == ("invalid_topic", 422)
    assert await store.topics.page("", 10) == []


@pytest.mark.parametrize("topic", ["a", "x" * 200, "org/repo:7", "a/b/c", ".a", "a..b", "@ada", "v1.0"])
def test_what_can_be_a_topic_is_one(topic: str) -> None:
    assert is_topic(topic)


@given(st.text(max_size=300))
def test_any_text_is_a_topic_or_not_and_quickly(name: str) -> None:
    if is_topic(name) or is_topic("a/" * 90 + name):
        assert name.isprintable()
        assert " " not in name


async def test_who_cannot_be_a_recipient_follows_nothing(store: Store) -> None:
    acts = (store.topics.follow, store.topics.unfollow)
    for act, recipient in product(acts, ("", "a\n", "x" * 201, "\0", "\ud800")):
        with pytest.raises(BadRequest) as refused:
            await act("releases", ["a", recipient])
        assert (refused.value.code, refused.value.status) == ("invalid_recipient", 422)
        assert await store.topics.of(recipient) == []
    assert await store.topics.page("", 10) == []


async def test_a_cursor_that_is_none_is_refused(store: Store) -> None:
    await store.topics.follow("releases", ["a"])
    for after in ("\0", "\ud800", "x" * 300):
        with pytest.raises(InvalidCursor):
            await store.topics.followers("releases", after, 10)
        with pytest.raises(InvalidCursor):
            await store.topics.page(after, 10)

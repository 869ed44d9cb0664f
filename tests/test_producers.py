"""What a Python producer may say beside title and recipient: topics, terms, updates, taking back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from notifs import Announced, Created, Kind, Notifs, Retracted, Settings, Signal, Updated
from notifs.errors import BadRequest, IdempotencyConflict, InvalidNotification, NotFound
from tests.waiting import until
from tests.wire import by_header, hosted

CROWD = [f"user-{n:04}" for n in range(1200)]
"""More than one call serves: a job does it."""


@dataclass(frozen=True)
class CommentPosted(Kind):
    key: ClassVar = "comment.posted"
    comment: int

    def title(self) -> str:
        return f"Comment {self.comment}"

    def subject(self) -> tuple[str, str]:
        return "comment", str(self.comment)


@pytest.fixture
async def notifs(database_url: str) -> AsyncIterator[Notifs]:
    settings = Settings(database_url=database_url)
    async with Notifs(settings, kinds=[CommentPosted], identify=by_header).open() as notifs:
        yield notifs


async def titles(notifs: Notifs, recipient: str = "ada") -> list[str]:
    return [each["title"] for each in await notifs.get_unread_notifs(recipient)]


def soon(seconds: float = 0.3) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def reached(moment: datetime) -> None:
    """Wait until the clock says so."""
    while datetime.now(UTC) < moment:
        await asyncio.sleep(0.02)


async def test_followers_get_what_is_sent_to_their_topic_and_nobody_gets_two(notifs: Notifs) -> None:
    await notifs.follow("ada", "posts/7")
    await notifs.follow("eve", "posts/7")
    await notifs.follow("eve", "news")
    await notifs.notify(to="ada", topics=["posts/7", "news"], exclude="bob", title="one")
    await notifs.unfollow("ada", "posts/7")
    await notifs.unfollow("ada", "posts/7")
    await notifs.notify(topics="posts/7", title="two")
    await notifs.notify(topics="posts/7", exclude=["eve"], title="three")
    assert await titles(notifs) == ["one"]
    assert await titles(notifs, "eve") == ["two", "one"]


async def test_followers_are_told_of_as_recipients(notifs: Notifs) -> None:
    heard: list[Created] = []
    notifs.signals.on(Created)(heard.append)
    await notifs.follow("eve", "news")
    id = await notifs.notify(to="ada", topics="news", title="one")
    await notifs.drain()
    assert heard == [Created(id, "message", ("ada", "eve"))]


async def test_an_unread_one_is_updated_by_the_next_under_its_dedupe_key(notifs: Notifs) -> None:
    first = await notifs.notify(to="ada", title="1 build failed", dedupe_key="builds")
    assert await notifs.notify(to="ada", title="2 builds failed", body="again", dedupe_key="builds") == first
    (only,) = await notifs.get_unread_notifs("ada")
    assert (only["id"], only["title"], only["body"], only["position"]) == (first, "2 builds failed", "again", 1)
    await notifs.acts.do("ada", "read", ids=[(await notifs.store.unread("ada"))[0].id])
    third = await notifs.notify(to="ada", title="3 builds failed", dedupe_key="builds")
    assert third != first
    assert await titles(notifs) == ["3 builds failed"]
    await notifs.notify(to="ada", title="of another", dedupe_key="deploys")
    assert len(await titles(notifs)) == 2


async def test_fifty_at_once_under_one_dedupe_key_leave_one(notifs: Notifs) -> None:
    sends = [notifs.notify(to=["ada", "eve"], title=f"{n}", dedupe_key="builds") for n in range(50)]
    assert len(set(await asyncio.gather(*sends))) == 1
    head = await notifs.store.head("ada")
    assert (head.revision, head.unread) == (50, 1)
    assert await titles(notifs) == await titles(notifs, "eve")


async def test_one_that_is_taken_back_just_then_is_not_updated_but_another_is_made(notifs: Notifs) -> None:
    for _ in range(30):
        first = await notifs.notify(to=["ada", "bob"], title="one", dedupe_key="k")
        second, count = await asyncio.gather(
            notifs.notify(to=["ada", "eve"], title="two", dedupe_key="k"), notifs.retract(first)
        )
        assert count == 1
        assert await titles(notifs) == ([] if second == first else ["two"])
        await notifs.retract(second)
    async for _, wrong in notifs.store.recount():
        assert wrong == []


async def test_who_is_late_to_end_one_does_not_end_what_it_was_renewed_or_prolonged_to(notifs: Notifs) -> None:
    await notifs.notify(to="ada", title="one", dedupe_key="k", expires_at=soon(0.05))
    two = await notifs.notify(to="eve", title="two", expires_at=(end := soon(0.05)))
    await reached(end)
    await notifs.notify(to="ada", title="renewed", dedupe_key="k")
    await notifs.update(two, expires_at=soon(900))
    async with notifs.lifespan():
        await notifs.notify(to="bob", title="brief", send_at=soon(0.01))
        while await titles(notifs, "bob") != ["brief"]:
            await asyncio.sleep(0.02)
    assert (await titles(notifs), await titles(notifs, "eve")) == (["renewed"], ["two"])


@pytest.mark.parametrize("kind", ["postgres"])
async def test_who_takes_back_several_locks_nobody_while_waiting_for_somebody_before_them(notifs: Notifs) -> None:
    for person in ("bob", "ada"):
        await notifs.notify(to=person, title="wrong", subject=("post", "1"))
    async with notifs.session() as session:
        await notifs.notify(to="ada", title="one", session=session)
        going = asyncio.create_task(notifs.retract(subject=("post", "1")))
        while not await notifs.store.database.read(locks_waited_for):
            assert not going.done()
        await session.execute(text("SET LOCAL lock_timeout = 1"))
        await notifs.notify(to="bob", title="two", session=session)
    assert await going == 2
    assert (await titles(notifs, "ada"), await titles(notifs, "bob")) == (["one"], ["two"])


async def locks_waited_for(connection: AsyncConnection) -> int:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return int((await connection.execute(text(waiting))).scalar_one())


async def test_it_is_sent_at_its_time_and_disappears_at_its_end(notifs: Notifs) -> None:
    async with notifs.lifespan():
        id = await notifs.notify(to="ada", title="later", send_at=soon(2), expires_at=soon(3))
        assert await titles(notifs) == []
        progress = await notifs.progress(id)
        assert progress is not None
        assert (progress.total, progress.done) == (1, 0)
        while not await titles(notifs):
            await asyncio.sleep(0.02)
        while await titles(notifs):
            await asyncio.sleep(0.02)
    assert (await notifs.store.head("ada")).unread == 0


async def test_what_was_to_be_sent_later_is_sent_by_who_comes_after_a_restart(database_url: str) -> None:
    settings = Settings(database_url=database_url)
    async with Notifs(settings, identify=by_header).open() as notifs:
        await notifs.notify(to="ada", title="later", send_at=(due := soon(0.2)))
    await reached(due)  # and nobody is there
    async with hosted(another := Notifs(settings, identify=by_header)):
        while not await titles(another):
            await asyncio.sleep(0.02)


async def test_what_is_taken_back_before_its_time_is_never_sent(notifs: Notifs) -> None:
    async with notifs.lifespan():
        id = await notifs.notify(to="ada", title="later", send_at=soon(0.3))
        assert await notifs.retract(id) == 1
        await notifs.notify(to="ada", title="after it", send_at=soon(0.3))
        while not await titles(notifs):
            await asyncio.sleep(0.02)
    assert await titles(notifs) == ["after it"]


async def test_updating_changes_the_fields_named_and_no_others(notifs: Notifs) -> None:
    id = await notifs.notify(to=["ada", "eve"], title="one", body="body", url="/one", priority="high")
    await notifs.update(id, title="two", url=None)
    for person in ("ada", "eve"):
        (changed,) = await notifs.get_unread_notifs(person)
        assert (changed["title"], changed["body"], changed["url"], changed["priority"]) == ("two", "body", None, "high")
        assert (changed["position"], changed["revision"]) == (1, 2)


async def test_updates_at_once_all_happen(notifs: Notifs) -> None:
    id = await notifs.notify(to="ada", title="one")
    await asyncio.gather(notifs.update(id, title="two"), notifs.update(id, body="b"), notifs.update(id, priority="low"))
    (changed,) = await notifs.get_unread_notifs("ada")
    assert (changed["title"], changed["body"], changed["priority"], changed["revision"]) == ("two", "b", "low", 4)


@pytest.mark.parametrize("change", [{"title": ""}, {"url": "javascript:x"}, {"body": "x" * 5000}, {"titel": "x"}])
async def test_a_wrong_update_changes_nothing(notifs: Notifs, change: Any) -> None:
    id = await notifs.notify(to="ada", title="one")
    with pytest.raises(InvalidNotification):
        await notifs.update(id, **change)
    assert (await notifs.store.head("ada")).revision == 1


@pytest.mark.parametrize("id", ["01890000-0000-7000-8000-000000000000", "nothing", ""])
async def test_what_is_not_there_cannot_be_updated_and_need_not_be_taken_back(notifs: Notifs, id: str) -> None:
    with pytest.raises(NotFound):
        await notifs.update(id, title="two")
    if id.startswith("0"):
        assert await notifs.retract(id) == 0


async def test_all_about_a_subject_is_taken_back_from_everyone(notifs: Notifs) -> None:
    await notifs.notify(CommentPosted(7), to=["ada", "eve"])
    await notifs.notify(to="ada", title="about 7 too", subject=("comment", "7"))
    await notifs.notify(CommentPosted(8), to=["ada", "eve"])
    assert await notifs.retract(subject=("comment", "7")) == 2
    assert await notifs.retract(subject=("comment", "7")) == 0
    assert (await titles(notifs), await titles(notifs, "eve")) == (["Comment 8"], ["Comment 8"])
    assert (await notifs.store.head("ada")).unseen == 1


async def test_what_was_sent_to_many_is_taken_back_from_many(notifs: Notifs) -> None:
    async with notifs.lifespan():
        id = await notifs.notify(to=CROWD, title="wrong", subject=("post", "1"))
        while (await notifs.store.head(CROWD[-1])).unread == 0 or (await notifs.progress(id)).finished_at is None:  # type: ignore[union-attr]
            await asyncio.sleep(0.02)
        await notifs.update(id, title="still wrong")
        while await titles(notifs, CROWD[-1]) != ["still wrong"]:
            await asyncio.sleep(0.02)
        await notifs.retract(subject=("post", "1"))
        while await notifs.store.jobs.next_due() is not None:
            await asyncio.sleep(0.02)
    assert {(await notifs.store.head(person)).unread for person in CROWD[::100]} == {0}
    async for _, wrong in notifs.store.recount():
        assert wrong == []


async def test_a_large_send_that_is_taken_back_reaches_nobody_from_then_on(notifs: Notifs) -> None:
    id = await notifs.notify(to=CROWD, title="wrong")
    assert await notifs.retract(id) == 1
    assert await notifs.store.jobs.next_due() is None
    async with notifs.lifespan():
        await notifs.notify(to=CROWD, title="right")
        while await titles(notifs, CROWD[-1]) != ["right"]:
            await asyncio.sleep(0.02)
    assert await titles(notifs, CROWD[0]) == ["right"]


async def test_everything_goes_with_the_callers_transaction(notifs: Notifs) -> None:
    kept = await notifs.notify(to="ada", title="kept", subject=("post", "1"))

    async def work(session: AsyncSession) -> None:
        await notifs.notify(to="ada", title="new", session=session)
        await notifs.notify(to=CROWD, title="to many", session=session)
        await notifs.update(kept, title="changed", session=session)
        await notifs.announce(title="to all", session=session)
        await notifs.retract(subject=("post", "2"), session=session)
        await notifs.retract(kept, session=session)

    with pytest.raises(LookupError):
        async with notifs.session() as session:
            await work(session)
            raise LookupError
    assert await titles(notifs) == ["kept"]
    assert await notifs.store.jobs.next_due() is None
    async with notifs.session() as session:
        await work(session)
    assert await titles(notifs) == ["to all", "new"]
    assert await notifs.store.jobs.next_due() is not None


async def test_what_happened_is_signalled_after_it_happened(notifs: Notifs) -> None:
    heard: list[Signal] = []
    notifs.signals.on(Signal)(heard.append)
    one = await notifs.notify(to="ada", title="one")
    await notifs.update(one, title="two")
    await notifs.retract(one)
    all_ = await notifs.announce(title="to all")
    await notifs.drain()
    assert heard == [Created(one, "message", ("ada",)), Updated(one), Retracted((one,)), Announced(all_, "message")]
    heard.clear()
    async with notifs.lifespan():
        many = await notifs.notify(to=CROWD, title="to many")
        await until(lambda: sum(len(each.recipients) for each in heard if isinstance(each, Created)) == len(CROWD))
        created = [each for each in heard if isinstance(each, Created)]
        await notifs.retract(many)
        while await notifs.store.jobs.next_due() is not None:
            await asyncio.sleep(0.02)
    await notifs.drain()
    assert [each for each in heard if isinstance(each, Retracted)] == [Retracted((many,))]
    assert {each.id for each in created} == {many}
    assert sorted(recipient for each in created for recipient in each.recipients) == CROWD


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"send_at": datetime(2030, 1, 1)}, "send_at: must be a moment with its time zone"),  # noqa: DTZ001
    ({"expires_at": soon(-5)}, "expires_at: is over before it begins"),
    ({"send_at": soon(90), "expires_at": soon(80)}, "expires_at: is over before it begins"),
    ({"send_at": datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))}, "send_at: lies outside of the years"),
    ({"subject": ("post",)}, "subject: a type and an id"),
    ({"subject": ("post", "")}, "subject: 1 to 200 printable characters"),
    ({"dedupe_key": "x" * 201}, "dedupe_key: 1 to 200 printable characters"),
    ({"dedupe_key": "x", "send_at": soon(90)}, "dedupe_key: does not go with send_at"),
    ({"topics": "no topic"}, "a topic is"),
    ({"topics": [f"t{n}" for n in range(11)]}, "topics: names at most 10"),
    ({"exclude": [f"t{n}" for n in range(1001)]}, "exclude: names at most 1000"),
    ({"to": [f"t{n}" for n in range(100_001)]}, "to: names at most 100000"),
    ({"idempotency_key": ""}, "idempotency_key: 1 to 200 printable characters"),
]


async def test_wrong_terms_are_refused_and_nothing_is_written(notifs: Notifs) -> None:
    for wrong, said in WRONG:
        terms: dict[str, Any] = {"to": "ada", "title": "one", **wrong}
        with pytest.raises(BadRequest, match=said) as refused:
            await notifs.notify(**terms)
        assert refused.value.status == 422
    assert await titles(notifs) == []


@pytest.mark.parametrize("other", [{"topics": "t"}, {"dedupe_key": "d"}, {"expires_at": soon(900)}, {"to": "eve"}])
async def test_other_terms_are_another_call_under_the_same_key(notifs: Notifs, other: Any) -> None:
    await notifs.notify(to="ada", title="one", idempotency_key="k")
    with pytest.raises(IdempotencyConflict):
        await notifs.notify(**{"to": "ada", "title": "one", "idempotency_key": "k", **other})
    assert await titles(notifs) == ["one"]


async def test_topics_are_the_same_terms_however_they_are_given(notifs: Notifs) -> None:
    first = await notifs.notify(topics="t", title="one", idempotency_key="k")
    assert await notifs.notify(topics=iter(["t"]), title="one", idempotency_key="k") == first
    with pytest.raises(IdempotencyConflict):
        await notifs.notify(topics=iter(["u"]), title="one", idempotency_key="k")


async def test_the_same_announcement_under_one_key_is_one(notifs: Notifs) -> None:
    ids = {await notifs.announce(title="to all", idempotency_key="k") for _ in range(3)}
    assert len(ids) == 1
    assert await titles(notifs) == ["to all"]
    assert await notifs.retract(ids.pop()) == 1
    assert await titles(notifs) == []
    assert await titles(notifs, "who comes later") == []

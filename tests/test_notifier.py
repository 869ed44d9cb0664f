"""`notify`: checked, written, then pushed; alone, or in the caller's own transaction."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from notifs import Created, Notifs, Settings
from notifs.errors import IdempotencyConflict, InvalidNotification, StoreUnavailable
from tests.test_kinds import CommentPosted
from tests.wire import Client, by_header, hosted

ADA = {"x-user": "ada"}


@pytest.fixture
async def notifs(database_url: str) -> AsyncIterator[Notifs]:
    async with Notifs(Settings(database_url=database_url), identify=by_header).open() as notifs:
        yield notifs


async def titles(notifs: Notifs, recipient: str = "ada", *, reverse: bool = False) -> list[str]:
    return [n["title"] for n in await notifs.get_unread_notifs(recipient, reverse)]


async def test_each_recipient_named_gets_one_copy(notifs: Notifs) -> None:
    id = await notifs.notify(to=["ada", "grace", "ada"], title="one")
    assert [n["id"] for n in await notifs.get_unread_notifs("ada")] == [id]
    assert [n["id"] for n in await notifs.get_unread_notifs("grace")] == [id]
    assert await titles(notifs, "somebody else") == []


async def test_unread_ones_come_newest_first_or_oldest_first(notifs: Notifs) -> None:
    for title in ("one", "two", "three"):
        await notifs.notify(to="ada", title=title)
    assert await titles(notifs) == ["three", "two", "one"]
    assert await titles(notifs, reverse=True) == ["one", "two", "three"]


@pytest.mark.parametrize("to", [[], "", ["ada", ""], "x" * 201, "a\0b", "a\nb"])
async def test_nobody_or_a_strange_recipient_is_refused_and_nothing_is_written(notifs: Notifs, to: Any) -> None:
    with pytest.raises(InvalidNotification, match="to:"):
        await notifs.notify(to=to, title="one")
    assert await titles(notifs) == []


async def test_a_kind_cannot_be_given_fields_besides(notifs: Notifs) -> None:
    with pytest.raises(InvalidNotification, match="title"):
        await notifs.notify(CommentPosted(7, "Grace"), to="ada", title="mine")


async def test_it_commits_with_the_callers_transaction(notifs: Notifs) -> None:
    heard: list[str] = []
    notifs.signals.on(Created)(lambda created: heard.append(created.id))
    async with notifs.session() as session:
        await session.execute(text("CREATE TABLE orders (id INTEGER)"))
        id = await notifs.notify(to="ada", title="with an order", session=session)
        assert heard == []
    await notifs.drain()
    assert await titles(notifs) == ["with an order"]
    assert heard == [id]


async def test_it_is_rolled_back_with_the_callers_transaction(notifs: Notifs) -> None:
    heard: list[str] = []
    notifs.signals.on(Created)(lambda created: heard.append(created.id))
    with pytest.raises(RuntimeError):
        async with notifs.session() as session:
            await notifs.notify(to="ada", title="never", session=session)
            raise RuntimeError
    await notifs.notify(to="ada", title="next")
    await notifs.drain()
    assert await titles(notifs) == ["next"]
    assert len(heard) == 1


async def test_under_one_key_it_is_sent_and_told_once(notifs: Notifs) -> None:
    heard: list[Created] = []
    notifs.signals.on(Created)(heard.append)
    again = [await notifs.notify(to=["bob", "ada"], title="one", idempotency_key="7") for _ in range(3)]
    again += [await notifs.notify(to=["ada", "bob"], title="one", idempotency_key="7")]
    await notifs.drain()
    assert [n["id"] for n in await notifs.get_unread_notifs("ada")] == [again[0]]
    assert {*again} == {again[0]}
    assert [created.id for created in heard] == [again[0]]


@pytest.mark.parametrize("change", [{"title": "two"}, {"to": "grace"}, {"to": ["ada", "grace"]}, {"data": {"a": 2}}])
async def test_another_call_under_the_key_is_refused(notifs: Notifs, change: dict[str, Any]) -> None:
    call: dict[str, Any] = {"to": "ada", "title": "one", "data": {"a": 1, "b": 2}, "idempotency_key": "7"}
    await notifs.notify(**call)
    with pytest.raises(IdempotencyConflict):
        await notifs.notify(**{**call, **change})
    await notifs.notify(**{**call, "data": {"b": 2, "a": 1}, "body": ""})  # what is not told apart is the same
    assert await titles(notifs) == ["one"]
    assert await titles(notifs, "grace") == []


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "a\0"])
async def test_a_strange_key_is_refused(notifs: Notifs, key: str) -> None:
    with pytest.raises(InvalidNotification, match="idempotency_key: 1 to 200 printable characters"):
        await notifs.notify(to="ada", title="one", idempotency_key=key)
    assert await titles(notifs) == []


async def test_a_key_is_kept_with_the_callers_transaction_and_free_again_after_a_rollback(notifs: Notifs) -> None:
    heard: list[str] = []
    notifs.signals.on(Created)(lambda created: heard.append(created.id))
    with pytest.raises(RuntimeError):
        async with notifs.session() as session:
            await notifs.notify(to="ada", title="one", session=session, idempotency_key="7")
            raise RuntimeError
    ids = []
    for _ in range(2):
        async with notifs.session() as session:
            ids += [await notifs.notify(to="ada", title="one", session=session, idempotency_key="7") for _ in range(2)]
    await notifs.drain()
    assert await titles(notifs) == ["one"]
    assert {*ids} == {*heard}
    assert len(heard) == 1


async def test_what_a_savepoint_takes_back_is_not_told(notifs: Notifs) -> None:
    heard: list[str] = []
    notifs.signals.on(Created)(lambda created: heard.append(created.id))
    async with notifs.session() as session:
        kept = await notifs.notify(to="ada", title="kept", session=session)
        with pytest.raises(RuntimeError):
            async with session.begin_nested():
                await notifs.notify(to="ada", title="taken back", session=session)
                async with session.begin_nested():
                    await notifs.notify(to="ada", title="inner", session=session)
                raise RuntimeError
        async with session.begin_nested():
            also = await notifs.notify(to="ada", title="also kept", session=session)
    await notifs.drain()
    assert await titles(notifs) == ["also kept", "kept"]
    assert heard == [kept, also]


async def test_a_hosts_own_engine_works_too_and_is_pushed_after_its_commit(postgres_url: str) -> None:
    engine = create_async_engine(postgres_url)
    notifs = Notifs(Settings(database_url=postgres_url), identify=by_header)
    async with hosted(notifs) as url, Client.open(url, headers=ADA) as client, AsyncSession(engine) as session:
        await client.message("snapshot")
        await notifs.notify(to="ada", title="later", session=session)
        await client.ask("sync")
        assert not client.of("created")
        await session.commit()
        created = await client.message("created")
        assert (created["prev"], [n["title"] for n in created["notifs"]]) == (0, ["later"])
        await notifs.notify(to="ada", title="never", session=session)
        await session.rollback()
        await notifs.notify(to="ada", title="after")
        assert [n["title"] for n in (await client.message("created", 2))["notifs"]] == ["after"]
    await engine.dispose()


async def test_nothing_is_acknowledged_while_the_store_is_away() -> None:
    notifs = Notifs(Settings(database_url="postgresql://nobody@127.0.0.1:1/none"), identify=by_header)
    notifs.store._epoch = "0123456789abcdef"
    with pytest.raises(StoreUnavailable) as refused:
        await notifs.notify(to="ada", title="one")
    assert (refused.value.status, refused.value.retry_after) == (503, 1)
    await notifs.store.database.close()


async def test_two_hundred_at_once_are_each_there_once(notifs: Notifs) -> None:
    ids = await asyncio.gather(*(notifs.notify(to=["ada", "grace"], title=f"n{n}") for n in range(200)))
    for recipient in ("ada", "grace"):
        found = await notifs.get_unread_notifs(recipient)
        assert sorted(n["id"] for n in found) == sorted(ids)
        assert [n["position"] for n in found] == list(range(200, 0, -1))


async def test_two_in_one_process_do_not_hear_each_other(sqlite_url: str, postgres_url: str) -> None:
    one, two = (Notifs(Settings(database_url=url), identify=by_header) for url in (sqlite_url, postgres_url))
    heard: list[str] = []
    two.signals.on(Created)(lambda created: heard.append(created.id))
    async with hosted(one) as url, hosted(two) as other, Client.open(url, headers=ADA) as ada:
        async with Client.open(other, headers=ADA) as stranger:
            await one.notify(to="ada", title="one")
            await ada.message("created")
            assert (await stranger.ask("sync"))["notif_count"] == 0
    assert heard == []


async def test_forgetting_the_session_inside_a_transaction_is_told_and_not_waited_for_for_ever(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifs.store.engines.BUSY_SECONDS", 0.05)
    async with Notifs(Settings(database_url=sqlite_url)).open() as notifs:
        async with notifs.session():
            with pytest.raises(StoreUnavailable, match="session=session"):
                await notifs.notify(to="ada", title="forgot")
        await notifs.notify(to="ada", title="afterwards")
        assert await titles(notifs) == ["afterwards"]

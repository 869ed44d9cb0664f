"""An announcement reaches everyone: at once who is there, on whichever worker; and who is away, when they come."""

from contextlib import AsyncExitStack
from typing import Any

import pytest
from redis.asyncio import Redis

from notifs import Notifs, Settings
from notifs.store import Head
from tests import servers
from tests.samples import notification
from tests.waiting import until
from tests.wire import Client, by_header, hosted

SECRET = "a secret that all workers have, and nobody else"


def headers(name: str) -> dict[str, str]:
    return {"x-user": name}


@pytest.fixture
def notifs(database_url: str) -> Notifs:
    """One worker, whose head check comes so seldom that it finds nothing in a test."""
    settings = Settings(database_url=database_url, secret_key=SECRET, head_check_seconds=60)
    return Notifs(settings, identify=by_header)


def titles(message: dict[str, Any]) -> list[str]:
    return [row["title"] for row in message["notifs"]]


async def test_who_is_there_gets_it_at_once_as_a_step_of_their_own_mailbox(notifs: Notifs) -> None:
    async with hosted(notifs) as url, Client.open(url, headers=headers("ada")) as ada:
        async with Client.open(url, headers=headers("eve")) as eve, Client.open(url, headers=headers("eve")) as again:
            await notifs.notify(to="ada", title="hers")
            for client in (ada, eve, again):
                await client.message("snapshot")
            await ada.message("created")
            id = await notifs.announce(title="to all", url="/news")
            for client, at, count in ((ada, 1, 2), (eve, 0, 1), (again, 0, 1)):
                told = await client.message("announcement")
                assert (told["meta"], [row["id"] for row in told["notifs"]]) == ("Announcement", [id])
                assert (told["prev"], told["notif_count"], told["unseen_count"]) == (at, count, count)
                assert told["cursor"] == f"{notifs.store.epoch}:{at + 1}"
            await notifs.notify(to="ada", title="later")
            assert (await ada.message("created", 2))["prev"] == 2


async def test_who_was_away_gets_it_when_they_come_back_and_who_never_came_when_they_first_come(notifs: Notifs) -> None:
    async with hosted(notifs) as url:
        async with Client.open(url, headers=headers("ada")) as client:
            cursor = (await client.message("snapshot"))["cursor"]
        await notifs.announce(title="first")
        await notifs.announce(title="second")
        async with Client.open(url, headers=headers("ada"), auth={"cursor": cursor}) as client:
            delta = await client.message("delta")
            assert (titles(delta), delta["notif_count"]) == (["second", "first"], 2)
            assert (await client.message("connected"))["notif_count"] == 2
        async with Client.open(url, headers=headers("new")) as client:
            snapshot = await client.message("snapshot")
            assert (titles(snapshot), snapshot["notif_count"]) == (["second", "first"], 2)
        async with Client.open(url, headers=headers("new")) as client:
            assert (await client.message("snapshot"))["cursor"] == snapshot["cursor"]


async def test_marks_hold_for_what_was_announced_as_for_all_else(notifs: Notifs) -> None:
    async with hosted(notifs) as url, Client.open(url, headers=headers("ada")) as client:
        await client.message("snapshot")
        await notifs.announce(title="one")
        told = await client.message("announcement")
        await notifs.announce(title="two")
        await client.message("announcement", 2)
        ack = await client.ask("mark_all_read", {"up_to": told["cursor"]})
        assert (ack["ok"], ack["notif_count"]) == (True, 1)
        ids = [row["id"] for row in told["notifs"]]
        assert (await client.ask("mark_unread", {"ids": ids}))["notif_count"] == 2
        assert (await client.ask("archive", {"ids": ids}))["notif_count"] == 1
        page = await client.ask("fetch", {"filter": "archived"})
        assert titles(page) == ["one"]


async def test_one_that_is_taken_back_disappears_from_every_screen(notifs: Notifs) -> None:
    async with hosted(notifs) as url, Client.open(url, headers=headers("ada")) as client:
        await client.message("snapshot")
        id = await notifs.announce(title="not so")
        await client.message("announcement")
        await notifs.retract(id)
        changed = await client.message("changed")
        assert changed["notifs"] == [{"id": id, "revision": 2, "retracted": True}]
        assert (changed["notif_count"], changed["unseen_count"]) == (0, 0)
        async with Client.open(url, headers=headers("new")) as late:
            assert (await late.message("snapshot"))["notifs"] == []


async def test_in_a_transaction_of_the_callers_it_is_told_after_the_commit(notifs: Notifs) -> None:
    async with hosted(notifs) as url, Client.open(url, headers=headers("ada")) as client:
        await client.message("snapshot")
        async with notifs.session() as session:
            await notifs.announce(title="theirs", session=session)
            assert client.of("announcement") == []
        assert titles(await client.message("announcement")) == ["theirs"]


@pytest.fixture(params=["redis", "no redis"])
def pair(request: pytest.FixtureRequest, postgres_url: str, redis: servers.Redis) -> list[Notifs]:
    """Two workers who tell each other, or have nothing but the head check."""
    by_hint = request.param == "redis"
    settings = Settings(
        database_url=postgres_url,
        redis_url=redis.url if by_hint else "",
        secret_key=SECRET,
        head_check_seconds=60 if by_hint else 0.3,
    )
    return [Notifs(settings, identify=by_header) for _ in range(2)]


async def test_it_reaches_those_on_other_workers_once(pair: list[Notifs]) -> None:
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(hosted(worker)) for worker in pair]
        await until(lambda: all(worker.realtime.hints.state != "cut off" for worker in pair))
        people = [(url, name) for url in urls for name in ("ada", "eve")] + [(urls[0], "here"), (urls[1], "there")]
        clients = [await stack.enter_async_context(Client.open(url, headers=headers(name))) for url, name in people]
        for client in clients:
            await client.message("snapshot")
        for n in range(3):
            await pair[0].announce(title=f"n{n}")
        for client in clients:
            await client.until(lambda c=client: len(told(c)) == 3)  # type: ignore[misc]
            assert told(client) == ["n0", "n1", "n2"]
        for name in ("ada", "eve", "here", "there"):
            assert await pair[0].store.head(name) == Head(3, 3, 3)


@pytest.fixture
def linked_settings(postgres_url: str, redis: servers.Redis) -> Settings:
    return Settings(database_url=postgres_url, redis_url=redis.url, secret_key=SECRET, head_check_seconds=60)


async def test_a_process_without_sockets_announces_to_those_of_others(linked_settings: Settings) -> None:
    notifs = Notifs(linked_settings, identify=by_header)
    async with hosted(notifs) as url, Client.open(url, headers=headers("ada")) as client:
        await client.message("snapshot")
        await until(lambda: notifs.realtime.hints.state == "up")
        async with Notifs(linked_settings).open() as elsewhere:
            await elsewhere.announce(title="from a script")
        assert titles(await client.message("announcement")) == ["from a script"]


async def test_however_often_workers_are_told_to_look_they_do_it_in_turns(linked_settings: Settings) -> None:
    here, there = (Notifs(linked_settings, identify=by_header) for _ in range(2))
    async with hosted(here), hosted(there) as url, Client.open(url, headers=headers("ada")) as client:
        await client.message("snapshot")
        await until(lambda: all(worker.realtime.hints.state == "up" for worker in (here, there)))
        async with Redis.from_url(linked_settings.redis_url) as raw, raw.pubsub() as pubsub:
            (channel,) = [c for c in await raw.execute_command("PUBSUB", "SHARDCHANNELS") if c.endswith(b":ends")]  # type: ignore[no-untyped-call]
            await pubsub.ssubscribe(channel)
            await here.store.create(notification("unheard"), ["ada"])  # and nobody is told
            for _ in range(100):
                here.realtime.push.look_soon()
            await here.drain()
            assert titles(await client.message("created")) == ["unheard"]
            here.realtime.hints._send("ends", {"session": "the last", "recipient": None})
            heard: list[bytes] = []
            while not heard or b"the last" not in heard[-1]:
                message: Any = await pubsub.get_message(ignore_subscribe_messages=True, timeout=5)
                heard += [message["data"]] if message else []
        assert [b'"look"' in data for data in heard] == [True, True, False]


def told(client: Client) -> list[str]:
    """The titles that came live, the oldest first. What was made up for by a read is `created`, or several in one."""
    return [title for m in client.messages if "prev" in m and m["type"] != "delta" for title in titles(m)[::-1]]

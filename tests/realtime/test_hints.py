"""Two workers, one database, one Redis: what one commits, the other pushes at once; and nobody else is believed."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from notifs import Notifs, Settings
from notifs.realtime.hints import Hints, Moved, Seal
from tests import servers
from tests.waiting import becomes, until
from tests.wire import Client, by_header, hosted

ADA, EVE = {"x-user": "ada"}, {"x-user": "eve"}
SECRET = "a secret that all workers have, and nobody else"


class Pair:
    """Two workers. Their head checks come so seldom that what arrives has come by a hint."""

    def __init__(self, here: Notifs, there: Notifs, here_url: str, there_url: str) -> None:
        self.here, self.there, self.here_url, self.there_url = here, there, here_url, there_url


async def linked(*workers: Notifs) -> None:
    await until(lambda: all(worker.realtime.hints.state == "up" for worker in workers))


@pytest.fixture
def settings(postgres_url: str, redis: servers.Redis) -> Settings:
    return Settings(database_url=postgres_url, redis_url=redis.url, secret_key=SECRET, head_check_seconds=60)


@pytest.fixture
async def pair(settings: Settings) -> AsyncIterator[Pair]:
    workers = [Notifs(settings, identify=by_header) for _ in range(2)]
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(hosted(worker)) for worker in workers]
        await linked(*workers)
        yield Pair(workers[0], workers[1], urls[0], urls[1])


@pytest.fixture
async def raw(redis: servers.Redis) -> AsyncIterator[Redis]:
    """Somebody who can reach Redis, and does not know the secret."""
    async with Redis(port=redis.port) as client:
        yield client


async def channels(raw: Redis) -> list[str]:
    found: list[bytes] = await raw.execute_command("PUBSUB", "SHARDCHANNELS")  # type: ignore[no-untyped-call]
    return sorted(name.decode() for name in found)


async def channel_of(raw: Redis, room: str) -> str:
    async with asyncio.timeout(10):
        while True:
            for name in await channels(raw):
                if name.endswith(f":{room}"):
                    return name
            await asyncio.sleep(0.01)


async def test_what_one_worker_commits_the_other_pushes(pair: Pair) -> None:
    async with Client.open(pair.there_url, headers=ADA) as client:
        await client.message("snapshot")
        id = await pair.here.notify(to="ada", title="from afar")
        created = await client.message("created")
        assert ([n["id"] for n in created["notifs"]], created["prev"], created["notif_count"]) == ([id], 0, 1)
        await pair.here.acts.do("ada", "archive", ids=[uuid.UUID(id)])
        assert (await client.message("changed"))["notif_count"] == 0


async def test_a_large_change_is_told_by_its_numbers_and_read_from_the_store(pair: Pair) -> None:
    async with Client.open(pair.there_url, headers=ADA) as client:
        await client.message("snapshot")
        await pair.here.notify(to="ada", title="large", body="x" * 4096)
        assert (await client.message("created"))["notifs"][0]["body"] == "x" * 4096


async def test_a_callers_transaction_is_told_after_its_commit(pair: Pair) -> None:
    async with Client.open(pair.there_url, headers=ADA) as client:
        await client.message("snapshot")
        async with pair.here.session() as session:
            await pair.here.notify(to="ada", title="theirs", session=session)
            assert client.of("created") == []
        assert (await client.message("created"))["notifs"][0]["title"] == "theirs"


async def test_a_process_without_sockets_tells_too(pair: Pair, settings: Settings) -> None:
    async with Client.open(pair.there_url, headers=ADA) as client:
        await client.message("snapshot")
        async with Notifs(settings).open() as elsewhere:
            await elsewhere.notify(to="ada", title="from a script")
        assert (await client.message("created"))["notifs"][0]["title"] == "from a script"


async def test_a_room_is_heard_only_while_somebody_is_in_it(pair: Pair, raw: Redis) -> None:
    before = await channels(raw)
    async with Client.open(pair.there_url, headers=ADA) as one, Client.open(pair.there_url, headers=ADA):
        await one.message("snapshot")
        name = await channel_of(raw, "user_ada")
        numbers = await raw.execute_command("PUBSUB", "SHARDNUMSUB", name)  # type: ignore[no-untyped-call]
        assert numbers[1] == 1
    await becomes(lambda: channels(raw), before)


async def test_hints_that_are_doubled_or_swapped_change_nothing(pair: Pair, raw: Redis) -> None:
    async with Client.open(pair.there_url, headers=ADA) as client:
        await client.message("snapshot")
        name = await channel_of(raw, "user_ada")
        heard: list[bytes] = []
        pubsub = raw.pubsub()
        await pubsub.ssubscribe(name)
        for n in range(3):
            await pair.here.notify(to="ada", title=f"n{n}")
        while len(heard) < 3:
            message: Any = await pubsub.get_message(ignore_subscribe_messages=True, timeout=5)
            heard += [message["data"]] if message else []
        await client.message("created", 3)
        for data in [*reversed(heard), *heard]:
            await raw.execute_command("SPUBLISH", name, data)  # type: ignore[no-untyped-call]
        await pair.here.notify(to="ada", title="last")
        created = [await client.message("created", n) for n in range(1, 5)]
        assert [m["prev"] for m in created] == [0, 1, 2, 3]
        await pubsub.aclose()  # type: ignore[no-untyped-call]
        assert len(client.of("created")) == 4


async def test_a_forged_hint_is_dropped(pair: Pair, raw: Redis) -> None:
    other = Seal("another secret, of somebody who can write to Redis")
    body = {"recipient": "ada", "epoch": pair.there.store.epoch, "prev": 0, "revision": 1, "type": "created"}
    text = orjson.dumps(body) + b'\n{"type":"created","notifs":[{"title":"forged"}]}'
    async with Client.open(pair.there_url, headers=ADA) as client:
        await client.message("snapshot")
        name = await channel_of(raw, "user_ada")
        room = name.rpartition(":")[2]
        for data in (text, b"", b"x" * 16 + text, other.of(room, text) + text, b"\x80\x04K\x01."):
            assert await raw.execute_command("SPUBLISH", name, data) == 1  # type: ignore[no-untyped-call]
        ends = name.replace("user_ada", "ends")
        await raw.execute_command("SPUBLISH", ends, b"x" * 16 + b'{"session":null,"recipient":"ada"}\n')  # type: ignore[no-untyped-call]
        await pair.here.notify(to="ada", title="true")
        assert (await client.message("created"))["notifs"][0]["title"] == "true"
        assert "forged" not in "".join(client.frames)


async def test_a_hint_of_one_room_is_not_believed_in_another(pair: Pair, raw: Redis) -> None:
    async with Client.open(pair.there_url, headers=ADA) as ada, Client.open(pair.there_url, headers=EVE) as eve:
        await ada.message("snapshot")
        await eve.message("snapshot")
        adas, eves = await channel_of(raw, "user_ada"), await channel_of(raw, "user_eve")
        pubsub = raw.pubsub()
        await pubsub.ssubscribe(adas)
        await pair.here.notify(to="ada", title="hers")
        message: Any = None
        while message is None:
            message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=5)
        await raw.execute_command("SPUBLISH", eves, message["data"])  # type: ignore[no-untyped-call]
        await pair.here.notify(to="eve", title="his")
        assert (await eve.message("created"))["notifs"][0]["title"] == "his"
        assert "hers" not in "".join(eve.frames)
        await pubsub.aclose()  # type: ignore[no-untyped-call]


async def test_deployments_with_other_secrets_do_not_hear_each_other(pair: Pair, settings: Settings) -> None:
    stranger = Notifs(
        settings.model_copy(update={"secret_key": type(settings.secret_key)("s" * 40)}), identify=by_header
    )
    async with hosted(stranger) as url, Client.open(url, headers=ADA) as client:
        await linked(stranger)
        await client.message("snapshot")
        async with Client.open(pair.there_url, headers=ADA) as theirs:
            await theirs.message("snapshot")
            await pair.here.notify(to="ada", title="one")
            await theirs.message("created")
        assert client.of("created") == []


async def test_disconnect_ends_a_recipients_sockets_on_every_worker(pair: Pair) -> None:
    async with Client.open(pair.there_url, headers=ADA) as ada, Client.open(pair.there_url, headers=EVE) as eve:
        await ada.message("snapshot")
        await eve.message("snapshot")
        await pair.here.disconnect("ada")
        await ada.end()
        assert "41/notifs," in ada.frames
        await pair.here.notify(to="eve", title="still here")
        await eve.message("created")


async def test_a_change_between_reading_and_hearing_is_not_missed(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket reads its mailbox only once its worker hears of changes to it."""
    read = pair.there.store.catch_up

    async def read_and_then_something_happens(*args: Any) -> Any:
        found = await read(*args)
        await pair.here.notify(to="ada", title="in between")
        return found

    monkeypatch.setattr(pair.there.store, "catch_up", read_and_then_something_happens)
    async with Client.open(pair.there_url, headers=ADA) as client:
        await client.message("snapshot")
        await client.until(lambda: "in between" in "".join(client.frames))


def test_without_redis_nothing_is_sent() -> None:
    hints = Hints("", [SECRET], None)  # type: ignore[arg-type]
    hints.moved(Moved("ada", "epoch"))
    assert hints.state == "none"

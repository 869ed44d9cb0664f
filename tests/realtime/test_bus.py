"""The link to Redis: sharded where that is had, with few rights, and never anybody's trouble."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from notifs.realtime.bus import RedisBus
from tests import servers
from tests.programs import Child, find, free_port
from tests.waiting import becomes, until

Heard = list[tuple[str, bytes]]


@asynccontextmanager
async def bus(url: str, heard: Heard | None = None, *channels: str) -> AsyncIterator[RedisBus]:
    notes = heard if heard is not None else []
    made = RedisBus(url, "notifs:test:", heard=lambda *message: notes.append(message), restored=lambda: None)
    for channel in channels:
        made.join(channel)
    made.start()
    yield made
    await made.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts a Redis server with these options, and returns its URL."""
    children: list[Child] = []

    def start(*options: str) -> str:
        port = free_port()
        program = find("redis-server", package="redis-server")
        command = [program, "--port", str(port), "--save", "", "--dir", str(tmp_path), *options]
        children.append(Child(command, ready="Ready to accept connections"))
        children[-1].wait_ready()
        return f"redis://127.0.0.1:{port}"

    yield start
    for child in children:
        child.__exit__()


async def test_channels_are_sharded_where_the_server_has_that(redis: servers.Redis) -> None:
    async with bus(redis.url, None, "room") as made, Redis(port=redis.port) as raw:
        await until(lambda: made.state == "up")
        found = await raw.execute_command("PUBSUB", "SHARDCHANNELS", "notifs:test:room")  # type: ignore[no-untyped-call]
        assert found == [b"notifs:test:room"]


async def test_in_a_cluster_every_worker_is_reached_by_any_node(other: Callable[..., str]) -> None:
    url = other("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    async with Redis.from_url(url) as raw:
        await raw.execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")  # type: ignore[no-untyped-call]
    heard: Heard = []
    async with bus(url, heard, "room") as made:
        await until(lambda: made.state == "up")
        made.publish("room", b"hello")
        await until(lambda: heard)
    assert heard == [("room", b"hello")]


async def test_a_user_with_few_rights_is_enough(other: Callable[..., str]) -> None:
    rights = "+subscribe +unsubscribe +publish +ssubscribe +sunsubscribe +spublish +command|info +info"
    url = other()
    async with Redis.from_url(url) as raw:
        limits = ("resetkeys", "resetchannels", "&notifs:*", "-@all", *rights.split())
        await raw.execute_command("ACL", "SETUSER", "notifs", "on", ">secret", *limits)  # type: ignore[no-untyped-call]
        await raw.execute_command("ACL", "SETUSER", "default", "-@all")  # type: ignore[no-untyped-call]
    heard: Heard = []
    async with bus(url.replace("//", "//notifs:secret@"), heard, "room") as made:
        await until(lambda: made.state == "up")
        made.publish("room", b"hello")
        await until(lambda: heard)
    async with bus(url, None, "room") as refused:
        refused.publish("room", b"hello")
        await refused.flush()
        assert refused.state == "cut off"


async def test_a_thousand_channels_come_and_go(redis: servers.Redis) -> None:
    heard: Heard = []
    async with bus(redis.url, heard) as made:
        await until(lambda: made.state == "up")
        names = [f"room {n}" for n in range(1200)]
        for name in names:
            made.join(name)
        await made.joined(names)
        for name in names[::2]:
            made.leave(name)
            made.join(name)
        for name in names[1::2]:
            made.leave(name)
        await made.joined(names[::2])
        await until(lambda: not made._stirred)
        for name in names:
            made.publish(name, name.encode())
        await until(lambda: len(heard) >= 600)
        await made.flush()
        assert sorted(name for name, _ in heard) == sorted(names[::2])
        assert all(data == name.encode() for name, data in heard)


async def test_nobody_waits_for_a_server_that_is_not_there() -> None:
    url = f"redis://127.0.0.1:{free_port()}"
    async with bus(url, None, "room") as made:
        began = time.monotonic()
        for _ in range(5000):
            made.publish("room", b"x" * 1000)
        await made.joined(["room"])
        await made.flush()
        assert time.monotonic() - began < 5
        assert (made.state, len(made._outgoing) <= 2000) == ("cut off", True)


async def test_a_silent_process_begins_to_speak_by_itself(redis: servers.Redis) -> None:
    heard: Heard = []
    async with bus(redis.url, heard, "room") as made:
        await until(lambda: made.state == "up")
        speaker = RedisBus(redis.url, "notifs:test:", heard=lambda *_: None, restored=lambda: None)
        speaker.publish("room", b"hello")
        await speaker.flush()
        await speaker.close()
        await until(lambda: heard)


async def test_links_leave_nothing_behind(other: Callable[..., str]) -> None:
    url = other()
    async with Redis.from_url(url) as raw:

        async def clients() -> int:
            found: bytes = await raw.execute_command("CLIENT", "LIST")  # type: ignore[no-untyped-call]
            return len(found.splitlines())

        before = await clients()
        async with bus(url, None, "room") as made:
            for _ in range(5):
                await until(lambda: made.state == "up")
                await raw.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]
                await until(lambda: made.state == "cut off")
            await until(lambda: made.state == "up")
            assert await clients() == before + 2
        await becomes(clients, before)


async def test_who_joins_does_not_wait_for_those_who_speak(redis: servers.Redis) -> None:
    async with bus(redis.url) as made:
        await until(lambda: made.state == "up")

        async def speak() -> None:
            while True:
                made.publish("nobody", b"x")
                time.sleep(0.002)  # noqa: ASYNC251  the event loop is busy, so that an answer takes its time
                await asyncio.sleep(0)

        speaking = asyncio.create_task(speak())
        made.join("room")
        await until(lambda: "room" in made._active)
        speaking.cancel()

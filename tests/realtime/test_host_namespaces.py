"""What a client may cost in a namespace of the host's: binary data, and what is emitted before it has been let in."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from notifs import Notifs, Settings
from notifs.realtime import server as server_module
from notifs.realtime.connections import SPARE, WINDOW
from notifs.wire import FRAME_LIMIT
from tests.realtime.by_hand import BINARY, ByHand, frame, text
from tests.waiting import until
from tests.wire import hosted

HOST = "/host"
ONE = f'451-{HOST},["x",{{"_placeholder":true,"num":0}}]'
"""An event with an attachment."""


@pytest.fixture
def settings(sqlite_url: str) -> Settings:
    return Settings(database_url=sqlite_url, head_check_seconds=60, events_per_second=5)


@pytest.fixture
def calls(notifs: Notifs) -> list[tuple[Any, ...]]:
    """What the events of the host's handler had with them."""
    calls: list[tuple[Any, ...]] = []
    server = notifs.realtime.server
    server.on("connect", lambda sid, environ: None, namespace=HOST)
    server.on("x", lambda sid, *data: calls.append(data), namespace=HOST)
    return calls


@pytest.fixture
async def client(notifs: Notifs, calls: list[Any]) -> AsyncIterator[ByHand]:
    """One in the host's namespace."""
    async with hosted(notifs) as url, ByHand.joined(url, HOST) as client:
        yield client


async def test_an_event_comes_with_its_attachment(client: ByHand, calls: list[Any]) -> None:
    client.say(text(ONE), frame(BINARY, b"abc"))
    await until(lambda: calls == [(b"abc",)])


async def test_events_with_attachments_count_like_any_other(client: ByHand, calls: list[Any]) -> None:
    client.say((text(ONE) + frame(BINARY, b"abc")) * 500)
    assert await client.ended() == (1008, "too_many_events")
    assert len(calls) < 50


@pytest.mark.parametrize("parts", ["459999999", "453"])
async def test_attachments_are_bounded(notifs: Notifs, client: ByHand, calls: list[Any], parts: str) -> None:
    client.say(text(ONE.replace("451", parts)), frame(BINARY, bytes(FRAME_LIMIT - 10_000)) * 3)
    closed = await client.ended()
    assert closed is not None
    assert closed[0] in (1002, 1009)
    assert (notifs.realtime.server._binary_packet, calls) == ({}, [])


@pytest.mark.parametrize(
    "event",
    [
        ONE.replace('"num":0', '"num":7'),
        ONE.replace('"num":0', '"num":"a"'),
        f'450-{HOST},["x"]',
    ],
)
async def test_attachments_that_fit_nothing_end_the_socket_quietly(
    client: ByHand, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    client.say(text(event), frame(BINARY, b"abc"))
    assert (await client.ended() or (0,))[0] == 1002
    assert not [record for record in caplog.records if record.exc_info]


# What is emitted while the connect handler waits


async def test_what_is_emitted_meanwhile_is_bounded(notifs: Notifs) -> None:
    server, waiting, go_on = notifs.realtime.server, asyncio.Event(), asyncio.Event()

    async def slow(sid: str, environ: Any) -> None:
        waiting.set()
        await go_on.wait()

    server.on("connect", slow, namespace=HOST)
    async with hosted(notifs) as url, ByHand.open(url) as client:
        client.say(text(f"40{HOST},"))
        await waiting.wait()
        try:
            for _ in range(100):
                await server.emit("y", "x" * 10_000, namespace=HOST)
                assert sum(each.size for held in server._held.values() for each in held) <= WINDOW + SPARE
        finally:
            go_on.set()
        assert await client.ended() == (1013, "behind")


async def test_nothing_is_kept_for_who_has_gone_while_the_connect_handler_waits(
    notifs: Notifs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "JOIN_SECONDS", 0.2)  # nothing is read meanwhile, so that it is given up by then
    server, waiting, go_on, told = notifs.realtime.server, asyncio.Event(), asyncio.Event(), list[str]()

    async def slow(sid: str, environ: Any) -> None:
        waiting.set()
        await go_on.wait()

    server.on("connect", slow, namespace=HOST)
    server.on("disconnect", lambda sid, reason: told.append(reason), namespace=HOST)
    async with hosted(notifs) as url, ByHand.open(url) as client:
        client.say(text(f"40{HOST},"))
        await waiting.wait()
        client.drop()
        try:
            await until(lambda: not len(notifs.realtime.connections))
            await server.emit("y", "x", namespace=HOST)
            assert server._held == {}
            assert list(server.manager.get_namespaces()) == []
        finally:
            go_on.set()
        await until(lambda: len(told) == 1)

"""What a server of Socket.IO, protocol version 5, must do: each case of the protocol's own suite, and some more.

The cases of the Engine.IO below it are in test_engineio_v4.py, for this server as well.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import orjson
import pytest
import socketio

from notifs.realtime.server import Server
from tests.realtime.suite import (
    CALM,
    RAW,
    Options,
    Site,
    Socket,
    Way,
    by_websocket,
    by_websocket_quickly,
    serving,
)

PAYLOADS = pytest.mark.parametrize("payload", ["", '{"token":"123"}'], ids=["bare", "payload"])
NAMESPACES = pytest.mark.parametrize("namespace", ["", "/custom,"], ids=["main", "custom"])
PLACEHOLDERS = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'
FORGED = {"forged": True}


def talkative(options: Options) -> Server:
    """A server that says what it was told: who joins, its payload; who sends a message, the same."""
    server = Server(wait=lambda recipient: 0, **asdict(options))

    def greet(namespace: str) -> None:
        async def connect(sid: str, environ: dict[str, Any], auth: Any = None) -> None:
            await server.emit("auth", auth or {}, to=sid, namespace=namespace)

        server.on("connect", connect, namespace=namespace)

    async def message(sid: str, *data: Any) -> None:
        await server.emit("message-back", data, to=sid, namespace="/")

    async def message_with_ack(sid: str, *data: Any) -> Any:
        return data

    greet("/")
    greet("/custom")
    server.on("message", message, namespace="/")
    server.on("message-with-ack", message_with_ack, namespace="/")
    return server


@pytest.fixture(scope="module")
async def site(way: Way) -> AsyncIterator[Site]:
    options, ws = way
    async with serving(talkative(options), ws) as site:
        yield site


@asynccontextmanager
async def joined(site: Site) -> AsyncIterator[Socket]:
    """A socket in the main namespace."""
    async with site.session() as socket:
        await socket.send("40")
        await socket.packets(2)
        yield socket


# To join a namespace


@by_websocket
@NAMESPACES
@PAYLOADS
async def test_a_client_joins_a_namespace(site: Site, namespace: str, payload: str) -> None:
    async with site.session() as socket:
        await socket.send(f"40{namespace}{payload}")
        answer, greeting = await socket.packets(2)
        assert isinstance(answer, str)
        assert answer.startswith(f"40{namespace}{{")
        assert [type(value) for value in orjson.loads(answer.removeprefix(f"40{namespace}")).items()] == [tuple]
        assert greeting == f'42{namespace}["auth",{payload or "{}"}]'


@by_websocket
async def test_a_namespace_that_is_unknown_is_refused(site: Site) -> None:
    async with site.session() as socket:
        await socket.send("40/random")
        assert await socket.packet() == '44/random,{"message":"Invalid namespace"}'


@by_websocket
async def test_what_is_no_packet_in_the_place_of_connect_ends_the_socket(site: Site) -> None:
    async with site.session() as socket:
        await socket.send("4abc")
        assert await socket.ended() == []


@by_websocket_quickly
async def test_who_joins_nothing_is_given_up(site: Site) -> None:
    async with site.session() as socket:
        assert await socket.ended() == ["2"]


# To leave one


@by_websocket_quickly
async def test_who_leaves_the_main_namespace_stays_connected(site: Site) -> None:
    async with joined(site) as socket:
        await socket.send("41")
        for _ in range(2):
            assert await socket.packet() == "2"
            await socket.send("3")


@by_websocket
async def test_who_leaves_one_namespace_stays_in_the_other(site: Site) -> None:
    async with joined(site) as socket:
        await socket.send("40/custom")
        await socket.packets(2)
        await socket.send("41/custom", '42["message","here"]')
        assert await socket.packet() == '42["message-back","here"]'


# Events


@by_websocket
async def test_an_event_goes_both_ways(site: Site) -> None:
    async with joined(site) as socket:
        await socket.send('42["message",1,"2",{"3":[true]}]')
        assert await socket.packet() == '42["message-back",1,"2",{"3":[true]}]'


@by_websocket
async def test_an_event_with_binary_data_goes_both_ways(site: Site) -> None:
    async with joined(site) as socket:
        await socket.send(f'452-["message",{PLACEHOLDERS}]', b"\1\2\3", b"\4\5\6")
        assert await socket.packets(3) == [f'452-["message-back",{PLACEHOLDERS}]', b"\1\2\3", b"\4\5\6"]


@by_websocket
async def test_an_event_is_acknowledged(site: Site) -> None:
    async with joined(site) as socket:
        await socket.send('42456["message-with-ack",1,"2",{"3":[false]}]')
        assert await socket.packet() == '43456[1,"2",{"3":[false]}]'


@by_websocket
async def test_an_event_with_binary_data_is_acknowledged_with_it(site: Site) -> None:
    async with joined(site) as socket:
        await socket.send(f'452-789["message-with-ack",{PLACEHOLDERS}]', b"\1\2\3", b"\4\5\6")
        assert await socket.packets(3) == [f"462-789[{PLACEHOLDERS}]", b"\1\2\3", b"\4\5\6"]


@by_websocket
@pytest.mark.parametrize(
    "packet",
    ["4abc", "42{}", "42[]", '42abc["message-with-ack",1]', "4", "49"],
)
async def test_what_is_no_packet_ends_the_socket(site: Site, packet: str) -> None:
    async with joined(site) as socket:
        await socket.send(packet)
        assert await socket.ended() == []


# The names of a client's events


class Watched(socketio.AsyncNamespace):  # type: ignore[misc]
    """Keeps what its lifecycle handlers are called with."""

    def __init__(self, namespace: str, calls: list[tuple[Any, ...]]) -> None:
        super().__init__(namespace)
        self.calls = calls

    async def on_connect(self, *args: Any) -> None:
        self.calls.append(("connect", *args))

    async def on_disconnect(self, *args: Any) -> None:
        self.calls.append(("disconnect", *args))

    async def on_message(self, sid: str, text: str) -> None:
        await self.emit("message-back", text, to=sid)


def watched(as_class: bool, namespace: str, calls: list[tuple[Any, ...]]) -> Server:
    """A server with one namespace whose handlers keep what they are called with."""
    server = Server(wait=lambda recipient: 0, **asdict(CALM))
    handlers = Watched(namespace, calls)
    if as_class:
        server.register_namespace(handlers)
    else:
        handlers._set_server(server)
        for event in ("connect", "disconnect", "message"):
            server.on(event, getattr(handlers, f"on_{event}"), namespace=namespace)
    return server


@pytest.mark.parametrize("event", ["connect", "disconnect"])
@pytest.mark.parametrize("namespace", ["/", "/custom"])
@pytest.mark.parametrize("as_class", [True, False], ids=["class", "functions"])
async def test_a_client_event_never_reaches_a_lifecycle_handler(as_class: bool, namespace: str, event: str) -> None:
    calls: list[tuple[Any, ...]] = []
    where = "" if namespace == "/" else f"{namespace},"
    forged = orjson.dumps([event, FORGED]).decode()
    async with serving(watched(as_class, namespace, calls), RAW) as site, site.session() as socket:
        await socket.send(f"40{where}", f"42{where}{forged}", f"42{where}1{forged}", f'42{where}["message","last"]')
        await socket.ended(last=f'42{where}["message-back","last"]')
        assert calls.pop(0)[0] == "connect"
        assert not any(FORGED in call for call in calls)
        assert "connect" not in [call[0] for call in calls]

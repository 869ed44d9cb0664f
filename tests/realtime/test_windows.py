"""What a client may cost that does not read: a window's worth, and after a while its connection."""

import asyncio
import gc
import struct
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette

from notifs import Notifs
from notifs.realtime import connections, namespace
from notifs.realtime.connections import WINDOW, Connection
from notifs.realtime.messages import Encoded
from notifs.realtime.transport import WebSocket
from tests.mute import Mute
from tests.waiting import until
from tests.wire import Client, listening

ADA = {"x-user": "ada"}
BODY = "x" * 4000


@pytest.fixture(params=["notifs.realtime.transport:WebSocket", "websockets-sansio"])
async def url(request: pytest.FixtureRequest, notifs: Notifs) -> AsyncIterator[str]:
    """With the transport at hand, and under a server that does not hand it out."""
    app = Starlette(lifespan=notifs.lifespan)
    notifs.mount(app)
    async with listening(app, ws=request.param, send_buffer=65_536) as url:
        yield url


def only(notifs: Notifs) -> Connection:
    (connection,) = notifs.realtime.connections
    return connection


async def fill(notifs: Notifs, count: int = 200) -> None:
    """More than a window takes, in messages of their own."""
    await asyncio.gather(*(notifs.notify(to="ada", title=f"n{n}", body=BODY) for n in range(count)))
    await notifs.drain()


async def fill_up(notifs: Notifs) -> None:
    """So much that somebody falls behind."""
    async with asyncio.timeout(30):
        while not any(member.behind for member in notifs.realtime.rooms.of_recipient("ada")):
            await fill(notifs, 50)


async def test_a_client_that_does_not_read_is_told_so_and_nothing_more(notifs: Notifs, url: str) -> None:
    async with Mute.open(url, ADA):
        await until(lambda: notifs.realtime.rooms.recipients() == ["ada"])
        await fill_up(notifs)
        connection = only(notifs)
        assert connection.unsent <= WINDOW + 1024
        before = connection.unsent
        await fill(notifs, 50)
        assert connection.unsent <= before


async def test_as_soon_as_it_reads_again_it_is_sent_what_it_missed(notifs: Notifs, url: str) -> None:
    await notifs.notify(to="ada", title="there before")
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        client.pause()
        await fill_up(notifs)
        stands = (await notifs.store.head("ada")).revision
        client.resume()
        await client.until(lambda: any(m["type"] == "degraded" for m in client.messages))
        await client.until(lambda: client.messages[-1]["cursor"] == f"{notifs.store.epoch}:{stands}")
        (told,) = [m for m in client.messages if m["type"] == "degraded"]
        assert (told["error"]["code"], told["notifs"], told["notif_count"], told["cursor"]) == (
            "behind",
            [],
            None,
            None,
        )
        revision = 1
        for message in client.messages:
            if message["type"] in ("created", "delta"):
                assert message["prev"] == revision
                revision = int(message["cursor"].partition(":")[2])
            elif message["type"] == "snapshot":
                revision = int(message["cursor"].partition(":")[2])
        assert revision == stands
        await notifs.notify(to="ada", title="after")
        await client.until(lambda: client.messages[-1]["notif_count"] == stands + 1)


async def test_who_does_not_come_back_is_ended_with_a_reason(
    notifs: Notifs, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespace, "BEHIND_SECONDS", 0.3)
    monkeypatch.setattr(connections, "LINGER_SECONDS", 0.3)
    async with Mute.open(url, ADA), Client.open(url, headers=ADA) as other:
        await other.message("snapshot")
        await until(lambda: len(notifs.realtime.rooms) == 2)
        await fill_up(notifs)
        await until(lambda: len(notifs.realtime.connections) == 1)
        assert len(notifs.realtime.rooms) == 1
        assert b'notifs_ended_total{reason="behind"} 1.0' in notifs.metrics.text()
        await notifs.notify(to="ada", title="the other one does not notice")
        await other.until(lambda: other.messages[-1]["notifs"][0]["title"].startswith("the other one"))
        assert not any(m["type"] == "degraded" for m in other.messages)


async def test_acks_are_bounded_as_well(notifs: Notifs, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LINGER_SECONDS", 0.3)
    await fill(notifs, 60)
    async with Mute.open(url, ADA) as mute:
        await until(lambda: notifs.realtime.rooms.recipients() == ["ada"])
        connection = only(notifs)
        peak = 0
        for n in range(4000):
            if connection.closing:
                break
            monkeypatch.setattr(connection, "rate", 10_000, raising=False)
            mute.say(f'42/notifs,{n}["fetch",{{"limit":20}}]')
            await asyncio.sleep(0.001)
            peak = max(peak, connection.unsent)
        assert peak <= WINDOW + connections.SPARE
        await until(lambda: len(notifs.realtime.connections) == 0)


async def test_of_a_large_mailbox_as_much_is_sent_as_a_window_takes_and_the_rest_is_fetched(
    notifs: Notifs, url: str
) -> None:
    await fill(notifs, 200)
    async with Mute.open(url, ADA):
        await until(lambda: notifs.realtime.rooms.recipients() == ["ada"])
        await until(lambda: only(notifs).unsent > 0)
        assert only(notifs).unsent <= WINDOW
        assert not notifs.realtime.rooms.of_recipient("ada")[0].behind
    async with Client.open(url, headers=ADA) as client:
        first = await client.message("snapshot")
        assert len(first["notifs"]) <= 50
        got = [n for page in client.of("snapshot") for n in page["notifs"]]
        more = True
        while more:
            page = await client.ask("fetch", {"before": got[-1]["position"], "limit": 200})
            got, more = [*got, *page["notifs"]], page["has_more"]
        assert [n["position"] for n in got] == list(range(200, 0, -1))


async def test_what_the_libraries_answer_by_themselves_is_bounded_as_well(
    notifs: Notifs, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Mute.open(url, ADA) as mute:
        await until(lambda: notifs.realtime.rooms.recipients() == ["ada"])
        connection = only(notifs)
        connection.rate = 10_000
        for _ in range(60):
            mute.say("40/" + "A" * 60_000 + ",")  # the refusal repeats the name
            await mute.writer.drain()
            assert connection.unsent <= WINDOW + 4 * connections.SPARE
        await until(lambda: connection.closing == (1013, "behind"))


async def test_a_flood_of_pings_is_not_answered_beyond_what_is_read(notifs: Notifs, url: str) -> None:
    async with Mute.open(url, ADA) as mute:
        await until(lambda: notifs.realtime.rooms.recipients() == ["ada"])
        connection = only(notifs)
        if not isinstance(connection.line, WebSocket):
            return  # uvicorn's own protocol; its pings are ours to bound only where it is ours
        ping = struct.pack("!BB", 0x89, 0x80 | 125) + bytes(4) + b"p" * 125
        for _ in range(200):
            mute.writer.write(ping * 100)
            await mute.writer.drain()
            assert connection.unsent <= WINDOW


async def test_nothing_is_left_of_a_connection_that_was_cut(notifs: Notifs, url: str) -> None:
    async with Mute.open(url, ADA):
        await until(lambda: notifs.realtime.rooms.recipients() == ["ada"])
        await fill(notifs, 100)
        only(notifs).cut()
        await until(lambda: len(notifs.realtime.connections) == 0)
    server = notifs.realtime.server
    await until(lambda: not server.eio.sockets)
    assert (server.manager.rooms, server.environ, len(notifs.realtime.rooms)) == ({}, {}, 0)
    await until(lambda: not [each for each in gc.get_objects() if type(each) is Encoded])

"""What a server of Engine.IO, protocol version 4, must do: each case of the protocol's own suite, and some more.

All of it holds for the engine, which echoes messages here, and for the Socket.IO server above it.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict

import pytest
from websockets.frames import CloseCode

from notifs.realtime.engine import Engine
from notifs.realtime.server import Server
from tests.realtime.suite import (
    CALM,
    POLLING,
    RAW,
    WEBSOCKET,
    Options,
    Site,
    Socket,
    Way,
    by_polling,
    by_polling_quickly,
    by_websocket,
    by_websocket_alone,
    by_websocket_quickly,
    handshake,
    serving,
)
from tests.waiting import until
from tests.wire import PATIENCE

NOT_VERSION_4 = ["transport={}", "EIO=abc&transport={}", "EIO=3&transport={}"]
NO_TRANSPORT = ["EIO=4", "EIO=4&transport=abc", "EIO=4&transport="]


def echoing(options: Options) -> Engine:
    engine = Engine(**asdict(options))

    async def echo(sid: str, data: str | bytes) -> None:
        await engine.send(sid, data)

    engine.on("message", echo)
    return engine


def bare(options: Options) -> Server:
    return Server(wait=lambda recipient: 0, **asdict(options))


@pytest.fixture(scope="module", params=[echoing, bare], ids=["engineio", "socketio"])
async def site(request: pytest.FixtureRequest, way: Way) -> AsyncIterator[Site]:
    options, ws = way
    async with serving(request.param(options), ws) as site:
        yield site


# Only the engine echoes.
echoes = pytest.mark.parametrize("site", [echoing], ids=["engineio"], indirect=True, scope="module")


async def talks(site: Site, socket: Socket) -> None:
    """See that the server answers, and that nothing came before."""
    if isinstance(site.server, Engine):
        question = answer = "4hello"
    else:
        question, answer = "40/random", '44/random,{"message":"Invalid namespace"}'
    await socket.send(question)
    assert await socket.packet() == answer


async def is_over(site: Site, sid: str) -> None:
    """See that a session can neither be polled nor be pushed to, and that nothing is left of it."""
    assert (await site.poll(sid)).status_code == 400
    assert (await site.push(sid, "4hello")).status_code == 400
    assert sid not in site.sessions


async def two_heartbeats(site: Site) -> None:
    """Longer than a heartbeat may stay without its answer, as the server itself counts."""
    async with site.session() as socket:
        for _ in range(2):
            assert await socket.packet() == "2"
            await socket.send("3")


# How a session begins


@by_polling_quickly
async def test_a_session_opens_by_polling(site: Site) -> None:
    response = await site.ask("GET", POLLING)
    assert response.status_code == 200
    opened = handshake(response.text)
    assert opened.pop("sid") in site.sessions
    assert opened == {"upgrades": ["websocket"], "pingInterval": 300, "pingTimeout": 200, "maxPayload": 1_000_000}


@by_websocket_quickly
async def test_a_session_opens_by_websocket(site: Site) -> None:
    async with site.socket() as socket:
        opened = handshake(await socket.packet())
        assert opened.pop("sid") in site.sessions
        assert opened == {"upgrades": [], "pingInterval": 300, "pingTimeout": 200, "maxPayload": 1_000_000}


@by_polling
@pytest.mark.parametrize("query", [*(query.format("polling") for query in NOT_VERSION_4), *NO_TRANSPORT])
async def test_polling_of_another_version_or_transport_is_refused(site: Site, query: str) -> None:
    assert (await site.ask("GET", query)).status_code == 400


@by_websocket
@pytest.mark.parametrize("query", [*(query.format("websocket") for query in NOT_VERSION_4), *NO_TRANSPORT])
async def test_a_websocket_of_another_version_or_transport_is_refused(site: Site, query: str) -> None:
    assert await site.is_refused(query)


@by_polling
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_session_is_not_opened_by_another_method_than_get(site: Site, method: str) -> None:
    assert (await site.ask(method, POLLING)).status_code == 400


@by_websocket_alone
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_polling_is_refused_where_it_is_off(site: Site, method: str) -> None:
    assert (await site.ask(method, POLLING)).status_code == 400
    async with site.session():
        (sid,) = site.sessions
        assert (
            await site.ask(method, f"{POLLING}&sid={sid}", None if method == "GET" else "4hello")
        ).status_code == 400


@by_polling
async def test_jsonp_is_refused(site: Site) -> None:
    assert (await site.ask("GET", f"{POLLING}&j=0")).status_code == 400
    sid = await site.opened()
    assert (await site.ask("GET", f"{POLLING}&sid={sid}&j=0")).status_code == 400
    assert (await site.ask("POST", f"{POLLING}&sid={sid}&j=0", "d=4hello")).status_code == 400
    async with site.upgraded(sid) as socket:
        await talks(site, socket)


# Messages


@echoes
@by_polling
@pytest.mark.parametrize(
    "payload", ["4hello", "4one\x1e4two\x1e4three", "4hello\x1ebAQIDBA=="], ids=["one", "several", "binary"]
)
async def test_messages_go_both_ways_by_polling(site: Site, payload: str) -> None:
    sid = await site.opened()
    pushed = await site.push(sid, payload)
    assert (pushed.status_code, pushed.text) == (200, "ok")
    polled = await site.poll(sid)
    assert (polled.status_code, polled.text) == (200, payload)


@echoes
@by_websocket
@pytest.mark.parametrize(("packet"), ["4hello", b"\1\2\3\4"], ids=["text", "binary"])
async def test_messages_go_both_ways_by_websocket(site: Site, packet: str | bytes) -> None:
    async with site.session() as socket:
        await socket.send(packet)
        assert await socket.packet() == packet


@by_polling
@pytest.mark.parametrize("payload", ["abc", "", "4hello\x1eabc", "9"])
async def test_a_payload_that_cannot_be_read_ends_the_session(site: Site, payload: str) -> None:
    sid = await site.opened()
    assert (await site.push(sid, payload)).status_code == 400
    await is_over(site, sid)


@by_websocket
@pytest.mark.parametrize("packet", ["abc", "9", ""])
async def test_a_packet_that_cannot_be_read_ends_the_websocket(site: Site, packet: str) -> None:
    async with site.session() as socket:
        await socket.send(packet)
        assert await socket.ended() == []


@by_polling
async def test_two_polls_at_once_end_the_session(site: Site) -> None:
    sid = await site.opened()
    first = await site.polling(sid)
    assert (await site.poll(sid)).status_code == 400
    assert ((await first).status_code, (await first).text) == (200, "1")
    await is_over(site, sid)


@by_polling
async def test_a_poll_that_is_broken_off_ends_the_session(site: Site) -> None:
    sid = await site.opened()
    (await site.polling(sid)).cancel()
    assert (await site.poll(sid)).status_code == 400
    await is_over(site, sid)


async def test_the_server_hears_of_a_poll_that_is_broken_off() -> None:
    # Else what is sent from then on would be taken for delivered.
    ended: asyncio.Queue[str] = asyncio.Queue()
    engine = Engine(**asdict(CALM))
    engine.on("disconnect", lambda sid, reason: ended.put_nowait(sid))
    async with serving(engine, RAW) as site:
        sid = await site.opened()
        (await site.polling(sid)).cancel()
        assert await asyncio.wait_for(ended.get(), PATIENCE) == sid
        assert (await site.poll(sid)).status_code == 400


@by_polling
@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Content-Length: 2000000", b"4" + 1_000_000 * b"a"),
        ("Transfer-Encoding: chunked", b"f4241\r\n4" + 1_000_000 * b"a" + b"\r\n"),
    ],
    ids=["length", "chunks"],
)
async def test_a_push_that_is_too_long_is_refused_before_all_of_it_has_come(site: Site, head: str, body: bytes) -> None:
    sid = await site.opened()
    reader, writer = await asyncio.open_connection(*site.address.split(":"))
    writer.write(f"POST /?{POLLING}&sid={sid} HTTP/1.1\r\nHost: {site.address}\r\n{head}\r\n\r\n".encode() + body)
    status = await asyncio.wait_for(reader.readline(), PATIENCE)
    assert status.split()[1] == b"413"
    writer.transport.abort()
    await writer.wait_closed()


# Heartbeats


@by_polling_quickly
async def test_heartbeats_go_on_by_polling(site: Site) -> None:
    sid = await site.opened()
    for _ in range(3):
        polled = await site.poll(sid)
        assert (polled.status_code, polled.text) == (200, "2")
        assert (await site.push(sid, "3")).status_code == 200


@by_websocket_quickly
async def test_heartbeats_go_on_by_websocket(site: Site) -> None:
    async with site.session() as socket:
        for _ in range(3):
            assert await socket.packet() == "2"
            await socket.send("3")


@by_polling_quickly
async def test_who_answers_no_heartbeat_by_polling_is_given_up(site: Site) -> None:
    sid = await site.opened()
    await two_heartbeats(site)
    await is_over(site, sid)


@by_websocket_quickly
async def test_who_answers_no_heartbeat_by_websocket_is_given_up(site: Site) -> None:
    async with site.socket() as socket:
        sid = handshake(await socket.packet())["sid"]
        await two_heartbeats(site)
        assert sid not in site.sessions
        assert await socket.ended() == ["2"]


# How a session ends


@by_polling
async def test_a_client_closes_its_session_by_polling(site: Site) -> None:
    sid = await site.opened()
    poll = await site.polling(sid)
    assert (await site.push(sid, "1")).status_code == 200
    assert ((await poll).status_code, (await poll).text) == (200, "6")
    await is_over(site, sid)


@by_websocket
async def test_a_client_closes_its_session_by_websocket(site: Site) -> None:
    async with site.socket() as socket:
        sid = handshake(await socket.packet())["sid"]
        await socket.send("1")
        assert await socket.ended() == []
        await until(lambda: sid not in site.sessions)


@by_websocket
async def test_nothing_is_left_of_a_websocket_that_is_gone(site: Site) -> None:
    async with site.socket() as socket:
        sid = handshake(await socket.packet())["sid"]
        assert sid in site.sessions
    await until(lambda: sid not in site.sessions)


# From polling to WebSocket


@by_polling
async def test_a_websocket_takes_the_place_of_polling(site: Site) -> None:
    sid = await site.opened()
    async with site.socket(f"{WEBSOCKET}&sid={sid}") as socket:
        await socket.send("2probe")
        assert await socket.packet() == "3probe"
        polled = await site.poll(sid)
        assert (polled.status_code, polled.text) == (200, "6")
        await socket.send("5")
        await talks(site, socket)


@by_polling
async def test_a_poll_that_waits_is_let_go_by_the_probe(site: Site) -> None:
    sid = await site.opened()
    poll = await site.polling(sid)
    async with site.upgraded(sid) as socket:
        assert ((await poll).status_code, (await poll).text) == (200, "6")
        await talks(site, socket)


@echoes
@by_polling
async def test_what_waits_while_a_websocket_takes_over_comes_by_it(site: Site) -> None:
    sid = await site.opened()
    async with site.socket(f"{WEBSOCKET}&sid={sid}") as socket:
        await socket.send("2probe")
        assert await socket.packet() == "3probe"
        assert (await site.push(sid, "4one\x1e4two")).status_code == 200
        await socket.send("5", "4three")
        assert await socket.packets(3) == ["4one", "4two", "4three"]


@echoes
@by_polling
@pytest.mark.parametrize("packets", [[], ["4hello"], ["2probe"], ["2probe", "4hello"]])
async def test_polling_goes_on_where_a_websocket_does_not_take_over(site: Site, packets: list[str]) -> None:
    sid = await site.opened()
    async with site.socket(f"{WEBSOCKET}&sid={sid}") as socket:
        await socket.send(*packets)
        if "2probe" in packets:
            assert await socket.packet() == "3probe"
        if packets[-1:] == ["4hello"]:
            assert await socket.ended() == []
    assert (await site.push(sid, "4still here")).status_code == 200
    assert (await site.poll(sid)).text == "4still here"


@by_polling
async def test_polling_is_over_once_there_is_a_websocket(site: Site) -> None:
    sid = await site.opened()
    async with site.upgraded(sid) as socket:
        assert (await site.poll(sid)).status_code == 400
        assert (await site.push(sid, "4hello")).status_code == 400
        await talks(site, socket)


@by_polling
async def test_a_second_websocket_in_the_place_of_polling_is_closed(site: Site) -> None:
    sid = await site.opened()
    async with site.upgraded(sid) as socket:
        async with site.socket(f"{WEBSOCKET}&sid={sid}") as second:
            assert (await second.ended(), second.code) == ([], CloseCode.POLICY_VIOLATION)
        await talks(site, socket)


@by_websocket
async def test_a_second_websocket_for_a_session_is_closed_or_where_there_is_no_upgrade_refused(site: Site) -> None:
    async with site.socket() as socket:
        sid = handshake(await socket.packet())["sid"]
        if "polling" in site.transports:
            async with site.socket(f"{WEBSOCKET}&sid={sid}") as second:
                assert (await second.ended(), second.code) == ([], CloseCode.POLICY_VIOLATION)
        else:
            assert await site.is_refused(f"{WEBSOCKET}&sid={sid}")
        await talks(site, socket)

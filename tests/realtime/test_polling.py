"""What can go wrong on the way from polling to a WebSocket, and with requests of a session that ends meanwhile."""

import asyncio

import pytest
from starlette.applications import Starlette

from notifs import Notifs, Settings
from notifs.realtime import connections, polling
from notifs.realtime.engine import Engine
from tests.realtime.by_hand import GOODBYE, TEXT, ByHand, text
from tests.realtime.suite import ORDINARY, RAW, WEBSOCKET, Site, handshake, serving
from tests.waiting import until
from tests.wire import PATIENCE, by_header, http_client, listening

by_each = pytest.mark.parametrize("ws", [RAW, ORDINARY], ids=["raw", "ordinary"])
SPELLED = "/socket.io/?EIO=4&transport=polling"
BESIDE = "\x1e"
"""Between the packets of one body."""


def pinging() -> Engine:
    """A server whose first ping comes soon: a poll that waits has an end. The answer has time."""
    return Engine(polling=True, ping_interval=0.4, ping_timeout=20)


def place(site: Site, sid: str) -> tuple[str, str]:
    """Where the WebSocket of a session is opened."""
    return f"http://{site.address}", f"/?{WEBSOCKET}&sid={sid}"


async def waits_again(site: Site, sid: str) -> None:
    """See that polling goes on once nothing is upgraded any more: a poll waits for the next packet, and gets it."""
    async with asyncio.timeout(PATIENCE):
        while (answer := await site.poll(sid)).text == "6":
            pass
    assert (answer.status_code, answer.text) == (200, "2")


async def is_over(site: Site, sid: str) -> None:
    assert (await site.poll(sid)).status_code == 400
    assert sid not in site.sessions


# Upgrades that fail


@by_each
async def test_polling_goes_on_when_the_websocket_is_dropped_after_its_probe(ws: str) -> None:
    async with serving(pinging(), ws) as site:
        sid = await site.opened()
        async with ByHand.open(*place(site, sid)) as client:
            client.say(text("2probe"))
            assert await client.frame() == (TEXT, b"3probe")
            client.drop()
        await waits_again(site, sid)


@by_each
async def test_polling_goes_on_when_the_probe_and_the_close_come_in_one_segment(ws: str) -> None:
    async with serving(pinging(), ws) as site:
        sid = await site.opened()
        async with ByHand.open(*place(site, sid)) as client:
            client.say(text("2probe"), GOODBYE)
            await client.ended()
        await waits_again(site, sid)


@by_each
@pytest.mark.parametrize("said", [[], ["2probe"]], ids=["nothing", "probe"])
async def test_polling_goes_on_when_the_upgrade_takes_too_long(
    ws: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "UPGRADE_SECONDS", 0.2)
    async with serving(pinging(), ws) as site:
        sid = await site.opened()
        async with ByHand.open(*place(site, sid)) as client:
            client.say(*map(text, said))
            await client.ended()
            await waits_again(site, sid)


# Upgrades that are one too many, or too late


@by_each
@pytest.mark.parametrize("said", [[], ["2probe"]], ids=["nothing", "probe"])
async def test_one_websocket_at_a_time_upgrades_a_session(ws: str, said: list[str]) -> None:
    async with serving(Engine(polling=True), ws) as site:
        sid = await site.opened()
        async with ByHand.open(*place(site, sid)) as first:
            first.say(*map(text, said))
            for _ in said:
                assert await first.frame() == (TEXT, b"3probe")
            assert await site.is_refused(f"{WEBSOCKET}&sid={sid}")
            first.say(*map(text, ["2probe", "5"][len(said) :]))
            await until(lambda: site.server.transport(sid) == "websocket")


@by_each
@pytest.mark.parametrize("said", [[], ["2probe"]], ids=["nothing", "probe"])
async def test_a_websocket_that_upgrades_ends_with_its_session(
    ws: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "UPGRADE_SECONDS", 60.0)
    async with serving(Engine(polling=True), ws) as site:
        sid = await site.opened()
        async with ByHand.open(*place(site, sid)) as client:
            client.say(*map(text, said))
            for _ in said:
                assert await client.frame() == (TEXT, b"3probe")
            assert (await site.push(sid, "1")).status_code == 200
            await client.ended()
        await is_over(site, sid)


@by_each
async def test_a_session_that_has_ended_meanwhile_is_not_upgraded(ws: str) -> None:
    async with serving(Engine(polling=True), ws) as site:
        sid = await site.opened()
        waiting = await site.polling(sid)
        async with ByHand.open(*place(site, sid)) as client:
            waiting.cancel()  # who leaves a request ends the session
            await until(lambda: not site.sessions)
            client.say(text("2probe"), text("5"))
            await client.ended()
        await is_over(site, sid)


# What was said before


def slow(began: asyncio.Event, go_on: asyncio.Event) -> Engine:
    """A server that echoes messages, once it may."""
    engine = Engine(polling=True)

    async def echo(sid: str, data: str) -> None:
        began.set()
        await go_on.wait()
        await engine.send(sid, data)

    engine.on("message", echo)
    return engine


async def test_a_request_that_waits_for_a_handler_is_answered_when_the_session_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "LINGER_SECONDS", 60.0)
    began, go_on = asyncio.Event(), asyncio.Event()
    server = slow(began, go_on)
    async with serving(server, RAW) as site:
        sid = await site.opened()
        post = asyncio.create_task(site.push(sid, f"4one{BESIDE}4two"))
        await asyncio.wait_for(began.wait(), PATIENCE)
        await server.disconnect(sid)
        try:
            assert (await post).status_code
        finally:
            go_on.set()


@by_each
async def test_what_a_request_has_said_is_done_in_its_order_when_the_session_is_upgraded_meanwhile(ws: str) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()
    server = slow(began, go_on)
    async with serving(server, ws) as site:
        sid = await site.opened()
        post = asyncio.create_task(site.push(sid, f"4one{BESIDE}4two{BESIDE}4three"))
        await asyncio.wait_for(began.wait(), PATIENCE)
        async with site.upgraded(sid) as socket:
            await until(lambda: server.transport(sid) == "websocket")
            await socket.send("4four")
            go_on.set()
            assert await socket.packets(4) == ["4one", "4two", "4three", "4four"]
            assert (await post).status_code == 200


@pytest.mark.parametrize("body", ["bé", "b@@@", f"4one{BESIDE}b@@@"])
async def test_what_is_no_base64_ends_the_session_quietly(body: str, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Engine(polling=True), RAW) as site:
        sid = await site.opened()
        assert (await site.push(sid, body)).status_code == 400
        await is_over(site, sid)
    assert not [record for record in caplog.records if record.exc_info]


# The end of a sign-in


async def test_who_is_signed_out_between_two_polls_is_told(settings: Settings) -> None:
    notifs = Notifs(settings.model_copy(update={"polling": True}), identify=by_header)
    app = Starlette(lifespan=notifs.lifespan)
    notifs.mount(app)
    async with listening(app) as url, http_client(url, headers={"x-user": "ada"}, timeout=PATIENCE) as visitor:
        sid = handshake((await visitor.get(SPELLED)).text)["sid"]
        session = f"{SPELLED}&sid={sid}"
        await visitor.post(session, content="40/notifs,")
        told = ""
        while "snapshot" not in told:
            told = (await visitor.get(session)).text
        await notifs.realtime.end_recipient("ada")
        last = await visitor.get(session)
        assert (last.status_code, last.text.split(BESIDE)[0]) == (200, "41/notifs,")
        assert (await visitor.get(session)).status_code == 400

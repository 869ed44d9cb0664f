"""What one client can do to its WebSocket, and what becomes of it and of others: under our protocol, and the stock one.

The clients here are written by hand, because no library would say these things.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.types import Scope

from notifs import Notifs, Settings
from notifs.realtime import connections, engine
from notifs.realtime.engine import Engine
from notifs.realtime.handlers import Context, Handlers
from tests.realtime.by_hand import CLOSE, CONTINUATION, GOODBYE, PING, PONG, SOCKETIO, TEXT, ByHand, frame, text
from tests.realtime.suite import ORDINARY, RAW, WEBSOCKET, serving
from tests.waiting import until
from tests.wire import PATIENCE, by_header, listening

by_each = pytest.mark.parametrize("ws", [RAW, ORDINARY], ids=["raw", "ordinary"])


@asynccontextmanager
async def served(notifs: Notifs, ws: str, **options: Any) -> AsyncIterator[str]:
    """`notifs` in a bare host application, by this WebSocket protocol."""
    app = Starlette(lifespan=notifs.lifespan)
    notifs.mount(app)
    async with listening(app, ws=ws, **options) as url:
        yield url


async def nobody(notifs: Notifs) -> None:
    """Wait until no client is counted, known or told anything."""
    realtime = notifs.realtime
    await until(lambda: not realtime.server.eio.sockets and not len(realtime.connections))
    assert (dict(realtime.connections._users), dict(realtime.connections._networks)) == ({}, {})
    assert not len(realtime.rooms)


def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """See that no trouble of a client's making was logged as one of ours."""
    assert [record.getMessage() for record in caplog.records if record.exc_info or "Fatal" in record.getMessage()] == []


@asynccontextmanager
async def choked(notifs: Notifs, url: str) -> AsyncIterator[ByHand]:
    """A client that does not read, and that so much waits for that the server cannot write to it."""
    async with ByHand.open(url, kept=4096) as client:
        client.say(text("40/notifs,"))
        await client.hear('42/notifs,["response",{"meta"')
        client.pause()
        (connection,) = notifs.realtime.connections
        while not connection.unsent:
            await notifs.notify(to="ada", title="much", body="x" * 4000)
        yield client


# Its last words


@by_each
@pytest.mark.parametrize("last", ["41/notifs,", "1", "xx"])
async def test_last_words_and_the_close_in_one_segment_end_it_quietly(
    notifs: Notifs, ws: str, last: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(notifs, ws) as url, ByHand.joined(url) as client:
        client.say(text(last), GOODBYE)
        await client.ended()
        await nobody(notifs)
    quiet(caplog)


async def test_who_says_nothing_more_and_does_not_read_is_gone(notifs: Notifs) -> None:
    async with served(notifs, RAW, send_buffer=4096) as url, choked(notifs, url) as client:
        client.finish()
        await nobody(notifs)


@pytest.mark.parametrize("last", [GOODBYE, b"\xff\xff\xff", frame(TEXT, b"\xff\xfe")], ids=["close", "broken", "utf8"])
async def test_who_says_its_last_and_does_not_read_is_counted_until_it_is_cut(
    notifs: Notifs, monkeypatch: pytest.MonkeyPatch, last: bytes
) -> None:
    monkeypatch.setattr(connections, "LINGER_SECONDS", 0.2)
    async with served(notifs, RAW, send_buffer=4096) as url, choked(notifs, url) as client:
        (connection,) = notifs.realtime.connections
        line: Any = connection.line
        client.say(last)
        await nobody(notifs)
        assert line.disconnected
        client.resume()
        await client.ended()


async def test_who_says_its_last_and_does_not_read_does_not_hold_up_a_stop(notifs: Notifs) -> None:
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(PATIENCE), served(notifs, RAW, send_buffer=4096) as url:
            client = await stack.enter_async_context(choked(notifs, url))
            (connection,) = notifs.realtime.connections
            line: Any = connection.line
            client.say(GOODBYE)
            await until(line.transport.is_closing)


# Its events


@by_each
async def test_a_handler_that_never_ends_does_not_hold_up_a_stop(
    settings: Settings, ws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "WORK_SECONDS", 0.2)
    began, never = asyncio.Event(), asyncio.Event()
    handlers = Handlers()

    @handlers.on("hang")
    async def hang(ctx: Context, data: dict[str, Any]) -> None:
        began.set()
        await never.wait()

    async def visit() -> None:
        notifs = Notifs(settings, identify=by_header, handlers=[handlers])
        async with served(notifs, ws, timeout_graceful_shutdown=1) as url, ByHand.joined(url) as client:
            while "snapshot" not in await client.hear("42/notifs,"):
                pass
            client.say(text('42/notifs,["hang",{}]'))
            await asyncio.wait_for(began.wait(), PATIENCE)

    visiting = asyncio.create_task(visit())
    done, _ = await asyncio.wait([visiting], timeout=PATIENCE)
    never.set()
    await visiting
    assert done


@by_each
async def test_an_answer_that_json_cannot_say_is_an_error_and_what_was_said_next_is_answered(
    settings: Settings, ws: str
) -> None:
    handlers = Handlers()

    @handlers.on("count")
    async def count(ctx: Context, data: dict[str, Any]) -> dict[str, int]:
        return {"n": 2**70}

    async with served(Notifs(settings, identify=by_header, handlers=[handlers]), ws) as url:
        async with ByHand.joined(url) as client:
            client.say(text('42/notifs,1["count",{}]'), text('42/notifs,2["fetch",{}]'))
            assert '"internal"' in await client.hear("43/notifs,1")
            assert '"ok":true' in await client.hear("43/notifs,2")


async def test_who_speaks_before_it_is_let_in_is_not_read_either_while_a_handler_is_under_way(
    settings: Settings,
) -> None:
    asked, began, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
    handlers, done = Handlers(), []

    @handlers.on("slow")
    async def slow(ctx: Context, data: dict[str, Any]) -> None:
        began.set()
        await go_on.wait()
        done.append(0)

    @handlers.on("next")
    async def then(ctx: Context, data: dict[str, int]) -> None:
        done.append(data["n"])

    async def identify(scope: Scope) -> str | None:
        asked.set()
        await asyncio.sleep(0.1)  # as long as a host's own database may take
        return Headers(scope=scope).get("x-user")

    notifs = Notifs(settings, identify=identify, handlers=[handlers])
    async with served(notifs, RAW) as url, ByHand.asked(url) as client:
        await asked.wait()
        client.say(text("40/notifs,"), text('42/notifs,["slow",{}]'), text('42/notifs,["next",{"n":1}]'))
        await asyncio.wait_for(began.wait(), PATIENCE)
        (connection,) = notifs.realtime.connections
        for n in (2, 3, 4):
            client.say(text(f'42/notifs,["next",{{"n":{n}}}]'))
            await client.taken()
        line: Any = connection.line
        await until(lambda: line.read_paused)
        go_on.set()
        await until(lambda: done == [0, 1, 2, 3, 4])


# What it asks for, and how it says it


@by_each
@pytest.mark.parametrize("polling", [False, True], ids=["websocket", "both"])
async def test_who_names_a_session_that_cannot_be_upgraded_is_not_accepted(
    settings: Settings, ws: str, polling: bool
) -> None:
    notifs = Notifs(settings.model_copy(update={"polling": polling}), identify=by_header)
    async with served(notifs, ws) as url, ByHand.joined(url):
        sids = ["unknown"] if polling else ["unknown", *notifs.realtime.server.eio.sockets]
        for sid in sids:
            async with ByHand.asked(url, f"{SOCKETIO}&sid={sid}") as client:
                assert await client.status() == 400


@pytest.mark.parametrize("part", ["", "a"], ids=["empty", "small"])
async def test_the_parts_of_a_message_are_not_kept_by_the_thousand(part: str) -> None:
    server = Engine()
    async with serving(server, RAW) as site, ByHand.open(f"http://{site.address}", f"/?{WEBSOCKET}") as client:
        (connection,) = server.sockets.values()
        line: Any = connection.line
        client.say(frame(TEXT, "4a", last=False), frame(CONTINUATION, part, last=False) * 20_000, frame(PING))
        opcode = TEXT
        while opcode not in (PONG, CLOSE):
            opcode, _ = await client.frame()
        assert len(line.frames) < 1000

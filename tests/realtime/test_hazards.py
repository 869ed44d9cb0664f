"""Hazards of the stack below us that are closed in our server: each test fails without its cure."""

import asyncio
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from notifs import Notifs, Settings
from tests.waiting import until
from tests.wire import Client, by_header, hosted, http_client

ADA, EVE = {"x-user": "ada"}, {"x-user": "eve"}


@pytest.mark.parametrize("event", ["connect", "disconnect"])
async def test_a_client_event_never_reaches_a_lifecycle_handler(notifs: Notifs, url: str, event: str) -> None:
    async with Client.open(url, headers=EVE) as eve:
        await eve.message("snapshot")
        forged = {"asgi.scope": {"notifs.identity": ["ada", None]}}
        assert (await eve.ask(event, forged))["error"]["code"] == "unknown_event"
        assert notifs.realtime.rooms.recipients() == ["eve"]
        await notifs.notify(to="ada", title="secret")
        await notifs.notify(to="eve", title="own")
        await eve.message("created")
        assert "secret" not in "".join(eve.frames)


async def test_a_cookieless_client_gets_401_and_no_frame(notifs: Notifs, url: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with Client.open(url):
            pass
    assert refused.value.response.status_code == 401
    assert b"not_signed_in" in refused.value.response.body
    assert not notifs.realtime.server.eio.sockets


async def test_who_has_not_joined_hears_nothing(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA, join=False) as outside, Client.open(url, headers=ADA) as inside:
        await inside.message("snapshot")
        await notifs.notify(to="ada", title="one")
        await inside.message("created")
        await outside.send("40/other,")
        await outside.until(lambda: len(outside.frames) > 1)
        assert [f[:2] for f in outside.frames] == ["0{", "44"]


async def test_200_drops_leave_nobody_in_a_room(sqlite_url: str) -> None:
    notifs = Notifs(Settings(database_url=sqlite_url, connects_per_minute=1000), identify=by_header)

    async def come_and_go(url: str, patience: int) -> None:
        async with Client.open(url, headers=ADA, join=False) as client:
            await client.send("40/notifs,")
            for _ in range(patience):
                await asyncio.sleep(0)
            client.drop()
            await client.end()

    async with hosted(notifs) as url:
        for batch in range(10):
            await asyncio.gather(*(come_and_go(url, n + batch) for n in range(20)))
        server = notifs.realtime.server
        await until(lambda: not (server.eio.sockets or server.manager.rooms or len(notifs.realtime.rooms)))
        assert server.environ == {}


async def test_a_socket_that_is_closed_while_its_connect_handler_waits_leaves_no_ghost(
    notifs: Notifs, url: str
) -> None:
    server = notifs.realtime.server
    waiting, go_on, told = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(sid: str, environ: dict[str, Any], auth: Any) -> None:
        await server.enter_room(sid, "some", namespace="/host")
        waiting.set()
        await go_on.wait()

    server.on("connect", slow, namespace="/host")
    server.on("disconnect", lambda sid, reason: told.set(), namespace="/host")
    async with Client.open(url, headers=ADA, join=False) as client:
        await client.send("40/host,")
        await waiting.wait()
        (eio_sid,) = server.eio.sockets
        await server.eio.disconnect(eio_sid)
        go_on.set()
        await asyncio.wait_for(told.wait(), 10)
        await until(lambda: not (server.manager.rooms or server.environ or list(server.manager.get_namespaces())))


async def test_a_namespace_of_the_host_is_for_those_alone_who_are_known(sqlite_url: str) -> None:
    notifs = Notifs(Settings(database_url=sqlite_url, token_secret="s" * 32, token_issuer="host"), identify=by_header)
    came: list[str] = []
    notifs.realtime.server.on("connect", lambda sid, environ: came.append(environ["HTTP_X_USER"]), namespace="/host")
    async with hosted(notifs) as url:
        async with Client.open(url, join=False) as nobody:
            await nobody.send("40/host,")
            await nobody.until(lambda: nobody.frames[-1].startswith("44/host,"))
        async with Client.open(url, headers=ADA, join=False) as ada:
            await ada.send("40/host,")
            await ada.until(lambda: ada.frames[-1].startswith("40/host,"))
    assert came == ["ada"]


async def test_each_room_hears_its_own_and_nothing_else(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA) as ada, Client.open(url, headers=EVE) as eve:
        await ada.message("snapshot")
        await eve.message("snapshot")
        id = await notifs.notify(to="ada", title="hers alone")
        await ada.message("created")
        await ada.ask("mark_read", {"ids": [id]})
        await notifs.notify(to="eve", title="his")
        await eve.message("created")
        assert [m["type"] for m in eve.messages] == ["connected", "snapshot", "created"]


async def test_a_handler_that_raises_still_acks(notifs: Notifs, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("canary-secret")

    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        monkeypatch.setattr(notifs.store, "page", broken)
        ack = await client.ask("fetch", {})
        assert (ack["ok"], ack["error"]["code"]) == (False, "internal")
        assert "canary" not in "".join(client.frames)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ('["nothing_like_it"]', "unknown_event"),
        ('["mark_read"]', "bad_request"),
        ('["mark_read",{"ids":"all"}]', "bad_request"),
        ('["mark_read",{"ids":[1]}]', "bad_request"),
        ('["mark_read",{"ids":[],"recipient":"grace"}]', "bad_request"),
        ('["mark_read",{"ids":[' + ",".join(['"x"'] * 201) + "]}]", "bad_request"),
        ('["mark_all_read",{"up_to":"garbage"}]', "invalid_cursor"),
        ('["mark_all_read",{"up_to":"0123456789abcdef:1"}]', "invalid_cursor"),
        ('["mark_seen",{}]', "bad_request"),
        ('["fetch",{"filter":"everything"}]', "bad_request"),
        ('["fetch",{"limit":100000}]', "bad_request"),
        ('["fetch",{"limit":true}]', "bad_request"),
        ('["sync",{},{}]', "bad_request"),
        ('["sync",' + "[" * 9 + "]" * 9 + "]", "too_deep"),
        ('["sync",' + "[" * 30_000 + "]" * 30_000 + "]", "bad_json"),
        ("[]", "bad_request"),
        ("[7]", "bad_request"),
        ('{"event":"sync"}', "bad_request"),
        ('["sync",{]', "bad_json"),
    ],
)
async def test_bad_input_gets_an_ack_with_a_code_and_the_socket_stays(url: str, sent: str, code: str) -> None:
    async with Client.open(url, headers=ADA) as client:
        ack = await client.ask_raw(sent)
        assert (ack["ok"], ack["error"]["code"]) == (False, code)
        assert ack["error"]["message"]
        assert (await client.ask("sync"))["ok"] is True


async def test_binary_is_refused_and_the_socket_stays(url: str) -> None:
    async with Client.open(url, headers=ADA) as client:
        await client.send('451-/notifs,77["mark_read",{"_placeholder":true,"num":0}]')
        await client.send(b"\x00\x01")
        await client.until(lambda: any(f.startswith("43/notifs,77") for f in client.frames))
        assert "binary_refused" in next(f for f in client.frames if f.startswith("43/notifs,77"))
        assert (await client.ask("sync"))["ok"] is True


@pytest.mark.parametrize(
    "frame", ["x", "b4AAA", "4[[[[", '4{"a":1}', "48", "٤0", "42/notifs," + "9" * 101 + "[]", "0{}"]
)
async def test_what_is_no_frame_of_the_protocol_ends_the_socket_quietly(
    notifs: Notifs, url: str, frame: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        await client.send(frame)
        await client.end()
    await until(lambda: not notifs.realtime.server.eio.sockets)
    assert not [r for r in caplog.records if r.exc_info]


async def test_a_frame_over_its_bound_ends_the_socket(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA) as client:
        await client.send('42/notifs,1["sync",{"cursor":"' + "x" * 66_000 + '"}]')
        await client.end()
        assert not any(f.startswith("43") for f in client.frames)


async def test_other_peoples_ids_are_unknown_ids(notifs: Notifs, url: str) -> None:
    id = await notifs.notify(to="ada", title="hers")
    async with Client.open(url, headers=EVE) as eve:
        await eve.message("snapshot")
        for event in ("mark_read", "archive", "mark_seen"):
            assert await eve.ask(event, {"ids": [id]}) == await eve.ask(event, {"ids": ["unknown"]})
    (hers,) = await notifs.get_unread_notifs("ada")
    assert hers["revision"] == 1


async def test_polling_is_off(url: str) -> None:
    async with http_client() as http:
        for query in ("EIO=4&transport=polling", "EIO=4&transport=polling&j=0"):
            answer = await http.get(f"{url}/socket.io/?{query}", headers=ADA)
            assert (answer.status_code, answer.json()["code"]) == (400, "websocket_only")

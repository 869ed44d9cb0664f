"""Sockets that come with a token of the host's instead of a session: who they are, and for how long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from websockets.exceptions import InvalidStatus

from notifs import Notifs, Settings
from notifs.realtime import server
from tests.tokens import HOST, token
from tests.wire import Client, by_header, hosted, http_client

Refusal = dict[str, Any]


@pytest.fixture
def settings(sqlite_url: str) -> Settings:
    return Settings(database_url=sqlite_url, head_check_seconds=60, sockets_per_user=2, sockets_per_address=4, **HOST)


async def refused(client: Client, auth: Any) -> Refusal:
    """Join, and return the data of the CONNECT_ERROR packet."""
    await client.join(auth)
    (frame,) = [frame for frame in client.frames if frame.startswith("44/notifs,")]
    error = orjson.loads(frame.removeprefix("44/notifs,"))
    assert error["message"] == error["data"]["message"]
    data: Refusal = error["data"]
    return data


@asynccontextmanager
async def unknown(url: str, **headers: str) -> AsyncIterator[Client]:
    """A socket of nobody yet."""
    async with Client.open(url, headers=headers, join=False) as client:
        yield client


async def until_nobody_is_left(notifs: Notifs) -> None:
    async with asyncio.timeout(5):
        await notifs.realtime.connections.empty()


async def test_who_has_a_token_is_its_subject(notifs: Notifs, url: str) -> None:
    async with unknown(url) as client:
        await client.join({"token": token("ada")})
        await client.message("snapshot")
        await notifs.notify(to="ada", title="hers")
        await notifs.notify(to="eve", title="another's")
        await client.message("created")
        assert [each["title"] for message in client.messages for each in message["notifs"]] == ["hers"]


async def test_a_token_goes_with_a_cursor(notifs: Notifs, url: str) -> None:
    await notifs.notify(to="ada", title="old")
    async with Client.open(url, auth={"token": token("ada")}) as client:
        cursor = (await client.message("snapshot"))["cursor"]
    async with Client.open(url, auth={"token": token("ada"), "cursor": cursor}) as client:
        assert (await client.message("delta"))["recovered"] is True


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        (None, "not_signed_in"),
        ({"cursor": "a:1"}, "not_signed_in"),
        ("a token", "not_signed_in"),
        ({"token": None}, "not_signed_in"),
        ({"token": ""}, "invalid_token"),
        ({"token": {"sub": "ada"}}, "invalid_token"),
        ({"token": token("ada", secret="a secret that is not the one that they share")}, "invalid_token"),
        ({"token": token("ada", seconds=-5)}, "token_expired"),
    ],
)
async def test_who_has_no_good_token_is_refused_with_the_reason_and_then_cut_off(
    notifs: Notifs, url: str, auth: Any, code: str
) -> None:
    async with unknown(url) as client:
        assert (await refused(client, auth))["code"] == code
        await client.end()
        assert client.ending == (1008, "refused")
    await until_nobody_is_left(notifs)
    assert len(notifs.realtime.rooms) == 0


async def test_nobody_yet_is_told_nothing_and_is_cut_off_in_time(
    notifs: Notifs, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "JOIN_SECONDS", 0.3)
    async with unknown(url) as nobody, Client.open(url, auth={"token": token("ada")}) as ada:
        await nobody.send('42/notifs,1["fetch",{}]')
        await notifs.notify(to="ada", title="hers")
        await notifs.announce(title="everybody's")
        await ada.message("announcement")
        await nobody.end()
        assert nobody.ending == (1008, "not_joined")
        assert [frame[0] for frame in nobody.frames] == ["0"]
        assert not ada.closed


async def test_a_socket_ends_when_its_token_does(notifs: Notifs, url: str) -> None:
    async with Client.open(url, auth={"token": token("ada", seconds=2)}) as client:
        await client.message("snapshot")
        await client.end()
        assert client.ending == (1008, "token_expired")
        assert not any(frame.startswith("41") for frame in client.frames), "a client would not come back by itself"
    assert len(notifs.realtime.rooms) == 0


async def test_a_fresh_token_lets_it_go_on(url: str) -> None:
    async with Client.open(url, auth={"token": token("ada", seconds=2)}) as client:
        ack = await client.ask("refresh", {"token": token("ada", seconds=300)})
        assert ack["ok"] is True
        assert 298 <= ack["expires_in"] <= 300
        await asyncio.sleep(2.1)  # the first one has expired by now
        assert (await client.ask("sync"))["ok"] is True
        assert (await client.ask("refresh", {"token": token("ada", seconds=1)}))["ok"] is True
        await client.end()
        assert client.ending == (1008, "token_expired")


async def test_a_token_that_is_no_good_refreshes_nothing(url: str) -> None:
    async with Client.open(url, auth={"token": token("ada", seconds=2)}) as client:
        for data, code in (
            ({"token": token("eve", seconds=300)}, "wrong_subject"),
            ({"token": token("ada", seconds=-1)}, "token_expired"),
            ({"token": "x"}, "invalid_token"),
            ({"token": 7}, "bad_request"),
            ({}, "bad_request"),
        ):
            ack = await client.ask("refresh", data)
            assert (ack["ok"], ack["error"]["code"]) == (False, code)
        assert (await client.ask("sync"))["ok"] is True, "the first one is good still"
        await client.end()
        assert client.ending == (1008, "token_expired")


async def test_a_session_decides_and_a_token_beside_it_may_only_say_the_same(url: str) -> None:
    async with Client.open(url, headers={"x-user": "ada"}, auth={"token": token("ada", seconds=1)}) as client:
        await client.message("snapshot")
        await asyncio.sleep(1.1)
        ack = await client.ask("refresh", {"token": token("ada")})
        assert ack["error"]["code"] == "not_by_token"
    async with unknown(url, **{"x-user": "ada"}) as client:
        assert (await refused(client, {"token": token("eve")}))["code"] == "wrong_subject"
    async with unknown(url, **{"x-user": "ada"}) as client:
        assert (await refused(client, {"token": "x"}))["code"] == "invalid_token"


async def test_a_client_of_another_site_that_is_named_brings_a_token(sqlite_url: str) -> None:
    origins = ("https://notify.example", "https://shop.example")
    notifs = Notifs(Settings(database_url=sqlite_url, origins=origins, **HOST), identify=by_header)
    ada: dict[str, Any] = {"auth": {"token": token("ada")}, "name": "notify.example"}
    async with hosted(notifs) as url:
        async with Client.open(url, headers={"origin": "https://shop.example"}, **ada) as client:
            assert (await client.message("snapshot"))["type"] == "snapshot"
        with pytest.raises(InvalidStatus) as over:
            await Client.open(url, headers={"origin": "https://evil.example"}, **ada).__aenter__()
        assert over.value.response.status_code == 403


async def test_a_socket_stays_whose_it_is(notifs: Notifs, url: str) -> None:
    async with Client.open(url, auth={"token": token("ada")}) as client:
        await client.message("snapshot")
        await client.send("40/notifs," + orjson.dumps({"token": token("eve")}).decode())
        await client.until(lambda: any(frame.startswith("44/notifs") for frame in client.frames))
        assert notifs.realtime.rooms.recipients() == ["ada"]
        assert (await client.ask("sync"))["ok"] is True


async def test_sockets_by_token_are_counted_as_their_persons(notifs: Notifs, url: str) -> None:
    async with Client.open(url, auth={"token": token("ada")}), Client.open(url, auth={"token": token("ada")}):
        async with unknown(url) as third:
            assert (await refused(third, {"token": token("ada")}))["code"] == "too_many_sockets"
        with pytest.raises(InvalidStatus) as over:
            await Client.open(url, headers={"x-user": "ada"}).__aenter__()
        assert over.value.response.status_code == 429
        async with Client.open(url, auth={"token": token("eve")}):
            pass
    await until_nobody_is_left(notifs)
    async with Client.open(url, auth={"token": token("ada")}):
        pass


async def test_those_of_nobody_yet_are_counted_by_where_they_come_from(url: str) -> None:
    async with unknown(url), unknown(url), unknown(url), unknown(url):
        with pytest.raises(InvalidStatus) as over:
            await Client.open(url, join=False).__aenter__()
        assert over.value.response.status_code == 429


async def test_to_disconnect_a_person_ends_those_by_token_too_and_the_token_is_good_still(
    notifs: Notifs, url: str
) -> None:
    auth = {"token": token("ada")}
    async with unknown(url) as late, Client.open(url, auth=auth) as client:
        await client.message("snapshot")
        await notifs.disconnect("ada")
        await client.end()
        assert client.ending == (1008, "signed_out")
        await late.join(auth)
        await late.message("snapshot")


async def test_a_bearer_token_is_who_one_is(notifs: Notifs, url: str) -> None:
    await notifs.notify(to="ada", title="hers")
    bearer = {"authorization": f"Bearer {token('ada', seconds=2)}"}
    async with Client.open(url, headers=bearer) as client:
        assert (await client.message("snapshot"))["notifs"][0]["title"] == "hers"
        async with http_client(url, headers=bearer) as http:
            (row,) = (await http.get("/api/v1/inbox")).json()["notifs"]
            assert (await http.post("/api/v1/inbox/read", json={"ids": [row["id"]]})).json()["notif_count"] == 0
        await client.end()
        assert client.ending == (1008, "token_expired")


@pytest.mark.parametrize(("seconds", "code"), [(-1, "token_expired"), (10**6, "invalid_token")])
async def test_a_bearer_token_that_is_no_good_is_refused_before_there_is_a_socket(
    url: str, seconds: int, code: str
) -> None:
    bearer = {"authorization": f"bearer {token('ada', seconds=seconds)}"}
    with pytest.raises(InvalidStatus) as over:
        await Client.open(url, headers=bearer).__aenter__()
    assert (over.value.response.status_code, orjson.loads(over.value.response.body or b"{}")["code"]) == (401, code)
    async with http_client(url, headers=bearer) as http:
        answer = await http.get("/api/v1/inbox")
        assert (answer.status_code, answer.json()["code"]) == (401, code)
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_where_tokens_are_not_taken_nothing_is_different(sqlite_url: str) -> None:
    bearer = {"authorization": f"Bearer {token('ada')}"}
    async with hosted(Notifs(Settings(database_url=sqlite_url), identify=by_header)) as url:
        for headers in ({}, bearer):
            with pytest.raises(InvalidStatus) as over:
                await Client.open(url, headers=headers, auth={"token": token("ada")}).__aenter__()
            assert over.value.response.status_code == 401
        async with Client.open(url, headers={"x-user": "ada"}, auth={"token": token("eve")}) as client:
            await client.message("snapshot")
            assert (await client.ask("refresh", {"token": token("ada")}))["error"]["code"] == "not_by_token"

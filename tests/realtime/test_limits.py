"""How many sockets, how many events, how long without joining: bounds that a client meets, and what it is told."""

import asyncio
import contextlib
import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from notifs import Notifs, Settings, limits
from notifs.realtime import connections, server
from tests.waiting import until
from tests.wire import Client, by_header, hosted

ADA, EVE = {"x-user": "ada"}, {"x-user": "eve"}


@pytest.fixture
def settings(sqlite_url: str) -> Settings:
    return Settings(
        database_url=sqlite_url, head_check_seconds=60, sockets_per_user=2, sockets_per_address=3, events_per_second=5
    )


async def refused(url: str, headers: dict[str, str]) -> tuple[int, bytes]:
    with pytest.raises(InvalidStatus) as error:
        async with Client.open(url, headers=headers):
            pass
    return error.value.response.status_code, bytes(error.value.response.body)


async def test_a_person_has_so_many_sockets_and_no_more(url: str) -> None:
    async with Client.open(url, headers=ADA), Client.open(url, headers=ADA) as second:
        status, body = await refused(url, ADA)
        assert (status, b"too_many_sockets" in body) == (429, True)
        async with Client.open(url, headers=EVE) as eve:
            await eve.message("snapshot")
        second.drop()
        await second.end()
    async with asyncio.timeout(10):
        while True:
            try:
                async with Client.open(url, headers=ADA) as again:
                    await again.message("snapshot")
                break
            except InvalidStatus:
                await asyncio.sleep(0.05)


async def test_an_address_has_so_many_sockets_and_no_more(url: str) -> None:
    async with Client.open(url, headers=ADA), Client.open(url, headers=ADA), Client.open(url, headers=EVE):
        status, body = await refused(url, {"x-user": "grace"})
        assert (status, b"from your network" in body) == (429, True)


async def test_a_person_opens_so_many_in_a_minute_and_is_told_how_long_to_wait(sqlite_url: str) -> None:
    settings = Settings(database_url=sqlite_url, connects_per_minute=5)
    async with hosted(Notifs(settings, identify=by_header)) as url:
        answers = []
        for _ in range(12):
            try:
                async with Client.open(url, headers=ADA) as client:
                    await client.message("snapshot")
            except InvalidStatus as error:
                answers.append(error.response)
        assert 6 <= len(answers) <= 7  # of two minutes, perhaps
        assert {answer.status_code for answer in answers} == {429}
        assert all(b"too_many_connects" in bytes(answer.body) for answer in answers)
        assert all(0 < int(answer.headers["retry-after"]) <= 60 for answer in answers)
        async with Client.open(url, headers=EVE) as eve:
            await eve.message("snapshot")


async def test_the_sockets_of_a_person_say_so_much_together(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PER_PERSON", 1)
    # A person has 50 in ten seconds: beyond that they are with two from each socket, which has 5 in each second.
    settings = Settings(database_url=sqlite_url, events_per_second=5, sockets_per_user=40, connects_per_minute=100)
    async with hosted(Notifs(settings, identify=by_header)) as url, contextlib.AsyncExitStack() as stack:
        adas = [await stack.enter_async_context(Client.open(url, headers=ADA)) for _ in range(40)]
        eve = await stack.enter_async_context(Client.open(url, headers=EVE))
        told: list[str] = []
        async with asyncio.timeout(20):
            while not any("all your sockets" in each for each in told):
                asked = await asyncio.gather(*(each.ask("fetch", {"limit": 1}) for each in adas))
                told += [ack["error"]["message"] for ack in asked if not ack["ok"]]
        assert (await eve.ask("fetch", {"limit": 1}))["ok"]
        assert not any(each.closed for each in adas)


async def test_zero_means_any_number_from_an_address(sqlite_url: str) -> None:
    settings = Settings(database_url=sqlite_url, sockets_per_address=0, sockets_per_user=200)
    async with hosted(Notifs(settings, identify=by_header)) as url:
        async with asyncio.TaskGroup() as tasks:

            async def one(n: int) -> None:
                async with Client.open(url, headers={"x-user": f"user-{n % 3}"}) as client:
                    await client.message("snapshot")

            for n in range(120):
                tasks.create_task(one(n))


async def test_sockets_are_counted_until_they_are_gone(notifs: Notifs, url: str) -> None:
    for _ in range(6):
        async with Client.open(url, headers=ADA) as client:
            await client.message("snapshot")
        async with asyncio.timeout(10):
            await notifs.realtime.connections.empty()
    assert (dict(notifs.realtime.connections._users), dict(notifs.realtime.connections._networks)) == ({}, {})


async def until_gone(notifs: Notifs) -> None:
    await until(lambda: not notifs.realtime.server.eio.sockets)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch, url: str) -> str:
    monkeypatch.setattr(server, "JOIN_SECONDS", 0.3)
    return url


async def test_a_socket_that_does_not_join_is_closed(hurried: str) -> None:
    async with Client.open(hurried, headers=ADA, join=False) as client, Client.open(hurried, headers=ADA) as joined:
        await client.end()
        assert client.ending == (1008, "not_joined")
        assert (await joined.ask("sync"))["ok"] is True


async def test_a_socket_that_leaves_the_namespace_is_closed_and_cannot_come_again(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        await client.send("41/notifs,")
        await client.send("40/notifs,")
        await client.end()
        assert client.ending == (1000, "left")
        assert len(client.of("snapshot")) == 1
    assert len(notifs.realtime.rooms) == 0


async def test_to_leave_where_one_is_not_wins_no_time(hurried: str) -> None:
    async with Client.open(hurried, headers=ADA, join=False) as client:
        while not client.closed:
            with contextlib.suppress(ConnectionClosed):
                await client.send("41/elsewhere,")
            await asyncio.sleep(0.1)
        assert client.ending == (1008, "not_joined")


async def test_to_connect_counts_as_an_event(notifs: Notifs, url: str) -> None:
    start = time.monotonic()
    async with Client.open(url, headers=ADA, join=False) as client:
        for _ in range(60):
            await client.send("40/elsewhere,")
        await client.end()
        seconds = time.monotonic() - start
        assert client.ending == (1008, "too_many_events")
        assert sum(frame.startswith("44/elsewhere") for frame in client.frames) <= 5 * (seconds + 1) + 1


async def test_who_comes_too_late_is_not_let_in_any_more(
    notifs: Notifs, hurried: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Client.open(hurried, headers=ADA, join=False) as client:
        (connection,) = notifs.realtime.connections
        connection.closing = (1008, "not_joined")  # it is being closed, and its CONNECT is on the way
        await client.send("40/notifs,")
        await client.heard()
        assert [frame[:1] for frame in client.frames] == ["0"]
        assert len(notifs.realtime.rooms) == 0


async def test_who_leaves_engineio_and_keeps_the_websocket_is_closed(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        await client.send("1")
        await client.end()
        assert client.ending == (1013, "left")
    await asyncio.wait_for(notifs.realtime.connections.empty(), 10)


async def test_who_goes_by_themselves_is_not_counted_as_ended(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
    await asyncio.wait_for(notifs.realtime.connections.empty(), 10)
    assert b"notifs_ended_total{" not in notifs.metrics.text()


async def test_events_over_the_rate_are_refused_and_the_socket_stays(url: str) -> None:
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        began = asyncio.get_running_loop().time()
        acks = await asyncio.gather(*(client.ask("sync") for _ in range(12)))
        seconds = asyncio.get_running_loop().time() - began
        # Joining was one as well; and a slow machine gives time for more.
        assert 4 <= [ack["ok"] for ack in acks].count(True) <= 5 * (1 + seconds)
        assert {ack["error"]["code"] for ack in acks if not ack["ok"]} == {"too_many_events"}
        async with asyncio.timeout(10):
            while not (await client.ask("fetch"))["ok"]:
                await asyncio.sleep(0.3)


async def test_who_never_stops_is_ended(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        for _ in range(60):
            await client.send('42/notifs,["sync",{}]')
        await client.end()
        assert client.ending == (1008, "too_many_events")
    await asyncio.wait_for(notifs.realtime.connections.empty(), 10)
    assert b'notifs_ended_total{reason="too_many_events"} 1.0' in notifs.metrics.text()


async def test_what_is_no_socketio_is_ended_with_a_reason(url: str) -> None:
    async with Client.open(url, headers=ADA) as client:
        await client.send('4{"a":1}')
        await client.end()
        assert client.ending == (1002, "not_socketio")


def test_a_slow_burst_is_within_the_rate() -> None:
    connection = connections.Connection("ada", None, "::1", rate=10)
    assert [connection.allows(100.0) for _ in range(12)].count(True) == 10
    assert connection.allows(100.15)
    assert not connection.allows(100.15)
    assert [connection.allows(200.0) for _ in range(12)].count(True) == 10

"""What the client tries again: under the same key, and not sooner than it was asked to."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from notifs import Notifs
from notifs.client import AsyncClient
from notifs.errors import BadRequest, NotifsError, StoreUnavailable, TooManyRequests, Unreachable
from tests.client.flaky import Fault, Flaky, answers, does_and_answers, does_and_hangs_up, times
from tests.programs import free_port

BUSY = b'{"code": "store_unavailable", "detail": "busy"}'


async def hangs(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer nothing, until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def count(notifs: Notifs) -> int:
    return len(await notifs.get_unread_notifs("ada"))


@pytest.mark.parametrize(
    "faults",
    [
        times(3, answers(503, BUSY)),
        [answers(429, b'{"code": "too_many_requests", "detail": "wait"}'), answers(502), answers(504)],
        [does_and_answers(502)],
        times(2, does_and_answers(504)),
        [does_and_hangs_up()],
        [does_and_hangs_up(), answers(503), does_and_answers(502)],
    ],
)
async def test_it_is_done_once_however_often_it_is_tried(
    faults: Sequence[Fault], client: AsyncClient, flaky: Flaky, notifs: Notifs
) -> None:
    flaky.faults = list(faults)
    id = await client.notify(to="ada", title="Hello")
    assert [notif["id"] for notif in await notifs.get_unread_notifs("ada")] == [id]
    assert len(flaky.keys) == len(faults) + 1
    assert len(set(flaky.keys)) == 1
    assert flaky.keys[0]


async def test_two_calls_have_two_keys(client: AsyncClient, flaky: Flaky, notifs: Notifs) -> None:
    await asyncio.gather(*(client.notify(to="ada", title="Hello") for _ in range(2)))
    assert len(set(flaky.keys)) == 2
    assert await count(notifs) == 2


async def test_an_answer_that_does_not_come_is_asked_for_again(
    url: str, key: str, flaky: Flaky, notifs: Notifs, http: httpx2.AsyncClient
) -> None:
    flaky.faults = [hangs]
    await AsyncClient(url, key, timeout=1.0, http=http).notify(to="ada", title="Hello")
    assert len(flaky.keys) == 2
    assert await count(notifs) == 1


@pytest.mark.parametrize("kind", ["seconds", "date"])
async def test_it_waits_as_long_as_it_is_asked_to(kind: str, client: AsyncClient, flaky: Flaky, notifs: Notifs) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=3)
    value = "2" if kind == "seconds" else format_datetime(moment, usegmt=True)
    flaky.faults = [answers(503, BUSY, {"retry-after": value})]
    begun = asyncio.get_running_loop().time()
    await client.notify(to="ada", title="Hello")
    assert asyncio.get_running_loop().time() - begun >= (2 if kind == "seconds" else 1)
    assert await count(notifs) == 1


@pytest.mark.parametrize("value", ["soon", "-1", "", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov", "1e3"])
async def test_what_cannot_be_understood_is_no_reason_to_wait(value: str, client: AsyncClient, flaky: Flaky) -> None:
    flaky.faults = [answers(503, BUSY, {"retry-after": value})]
    assert await client.notify(to="ada", title="Hello")


async def test_it_does_not_wait_beyond_its_deadline(client: AsyncClient, flaky: Flaky) -> None:
    flaky.faults = [
        answers(429, b'{"code": "too_many_requests", "detail": "wait"}', {"retry-after": "3600"}),
        answers(503, BUSY, {"retry-after": "9" * 400}),
    ]
    with pytest.raises(TooManyRequests) as caught:
        await client.notify(to="ada", title="Hello")
    assert caught.value.retry_after == 3600
    with pytest.raises(StoreUnavailable):
        await client.notify(to="ada", title="Hello")
    assert len(flaky.keys) == 2


async def test_an_answer_that_cannot_be_unpacked_is_none(client: AsyncClient, flaky: Flaky, notifs: Notifs) -> None:
    flaky.faults = [answers(200, b"no gzip", {"content-encoding": "gzip"})]
    await client.notify(to="ada", title="Hello")
    assert len(flaky.keys) == 2
    assert await count(notifs) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 413, 422, 500, 501])
async def test_what_was_refused_is_not_asked_again(status: int, client: AsyncClient, flaky: Flaky) -> None:
    flaky.faults = list(times(2, answers(status, b'{"code": "x", "detail": "No."}')))
    with pytest.raises(NotifsError):
        await client.notify(to="ada", title="Hello")
    assert len(flaky.keys) == 1


async def test_reading_and_changing_are_tried_again_too(client: AsyncClient, flaky: Flaky, notifs: Notifs) -> None:
    id = await client.notify(to="ada", title="Hello")
    flaky.faults = [answers(503), does_and_answers(502)]
    await client.update(id, title="Bye")
    flaky.faults = [answers(502)]
    assert (await client.get(id))["title"] == "Bye"
    flaky.faults = [does_and_answers(502)]
    await client.retract(id)
    assert await count(notifs) == 0


async def test_of_many_only_those_go_again_that_could_not_be_stored(
    client: AsyncClient, flaky: Flaky, notifs: Notifs
) -> None:
    half = (
        b'{"results": [{"status": 503, "error": {"code": "store_unavailable", "message": "busy"}},'
        b'{"status": 422, "error": {"code": "invalid_notification", "message": "No."}}]}'
    )
    flaky.faults = [answers(200, half)]
    sent, refused = await client.notify_many([{"to": "ada", "title": "One"}, {"to": "ada", "title": "Two"}])
    assert not isinstance(sent, NotifsError)
    assert isinstance(refused, BadRequest)
    assert [notif["title"] for notif in await notifs.get_unread_notifs("ada")] == ["One"]


async def test_a_batch_that_is_done_twice_is_done_once(client: AsyncClient, flaky: Flaky, notifs: Notifs) -> None:
    flaky.faults = [does_and_hangs_up(), does_and_answers(502)]
    await client.notify_many([{"to": "ada", "title": "One"}, {"to": "ada", "title": "Two"}])
    assert await count(notifs) == 2


async def test_where_nobody_is_it_gives_up_at_its_deadline(http: httpx2.AsyncClient) -> None:
    client = AsyncClient(f"http://127.0.0.1:{free_port()}", "nk", deadline=1.0, http=http)
    with pytest.raises(Unreachable) as caught:
        await client.notify(to="ada", title="Hello")
    assert caught.value.code == "unreachable"


async def test_who_cancels_is_not_kept_waiting(client: AsyncClient, flaky: Flaky) -> None:
    flaky.faults = [hangs]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await client.notify(to="ada", title="Hello")
    assert len(flaky.keys) == 1

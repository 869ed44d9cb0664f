"""The client says what `Notifs` says, and gets typed answers and typed errors."""

import inspect
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from notifs import Notifs
from notifs.client import AsyncClient, Sent
from notifs.errors import (
    BadRequest,
    IdempotencyConflict,
    InvalidKey,
    InvalidNotification,
    NotFound,
    NotifsError,
    OutOfScope,
)
from tests.client.flaky import Flaky, answers


async def titles(notifs: Notifs, recipient: str) -> list[str]:
    return [notif["title"] for notif in await notifs.get_unread_notifs(recipient)]


@pytest.mark.parametrize("part", [".", "..", "a/../b", "x?y#z", "100%"])
async def test_a_subject_may_have_any_name(part: str, client: AsyncClient, notifs: Notifs) -> None:
    for subject in (("order", part), (part, "7")):
        await client.notify(to="ada", title="Hello", subject=subject)
        assert await client.retract(subject=subject) == 1
    assert await titles(notifs, "ada") == []


@pytest.mark.parametrize("word", ["notify", "update", "retract", "announce", "follow", "unfollow", "progress"])
def test_the_words_are_those_of_notifs(word: str) -> None:
    assert inspect.iscoroutinefunction(getattr(AsyncClient, word))
    assert inspect.iscoroutinefunction(getattr(Notifs, word))


async def test_all_fields_arrive(client: AsyncClient, notifs: Notifs) -> None:
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    id = await client.notify(
        to="ada",
        title="Order 7 is placed",
        body="Thank you.",
        url="/orders/7",
        kind="order.placed",
        icon="/cart.svg",
        actor={"id": "grace", "name": "Grace"},
        actions=[{"label": "Cancel", "url": "/orders/7/cancel", "method": "POST"}],
        priority="high",
        group="orders",
        data={"order": 7},
        subject=("order", "7"),
        expires_at=expires,
    )
    (notif,) = await notifs.get_unread_notifs("ada")
    assert (notif["id"], notif["kind"], notif["priority"], notif["group"]) == (id, "order.placed", "high", "orders")
    assert (notif["body"], notif["url"], notif["icon"], notif["data"]) == (
        "Thank you.", "/orders/7", "/cart.svg", {"order": 7},
    )  # fmt: skip
    assert notif["actor"] == {"id": "grace", "name": "Grace", "avatar": None}
    shown = await client.get(id)
    assert (shown["producer"], shown["subject"]) == ("shop", {"type": "order", "id": "7"})
    assert shown["counts"] == {"recipients": 1, "seen": 0, "read": 0, "archived": 0}
    assert datetime.fromisoformat(shown["expires_at"] or "") == expires


async def test_followers_get_it_but_for_those_who_are_left_out(client: AsyncClient, notifs: Notifs) -> None:
    for recipient in ("ada", "grace", "linus/t", "mary"):
        await client.follow(recipient, "teams/orders")
    await client.unfollow("mary", "teams/orders")
    sent = await client.send(topics="teams/orders", exclude=["grace"], title="Hello")
    assert (sent.recipients, sent.job) == (2, None)
    assert [len(await titles(notifs, who)) for who in ("ada", "grace", "linus/t", "mary")] == [1, 0, 1, 0]


async def test_who_has_read_it_is_told_page_by_page(client: AsyncClient, notifs: Notifs) -> None:
    everybody = [f"person {n:04}" for n in range(1001)]
    sent = await client.send(to=everybody, title="Hello")
    assert sent.job is not None
    await notifs.drain()
    while (await client.progress(sent.job))["finished_at"] is None:
        await notifs.drain()
    assert (await client.progress(sent.job))["done"] == 1001
    assert [receipt["recipient"] async for receipt in client.receipts(sent.id)] == everybody


async def test_a_change_is_seen_and_what_is_taken_back_is_gone(client: AsyncClient, notifs: Notifs) -> None:
    id = await client.notify(to="ada", title="Order 7 is placed", url="/orders/7", subject=("order", "x/7 ü"))
    await client.update(id, title="Order 7 is shipped", url=None)
    (notif,) = await notifs.get_unread_notifs("ada")
    assert (notif["title"], notif["url"]) == ("Order 7 is shipped", None)
    assert await client.retract(subject=("order", "x/7 ü")) == 1
    assert await client.retract(subject=("order", "x/7 ü")) == 0
    assert await titles(notifs, "ada") == []
    other = await client.notify(to="ada", title="Hello")
    assert [await client.retract(other), await client.retract(other)] == [1, 0]


async def test_an_announcement_is_for_everyone(client: AsyncClient, notifs: Notifs) -> None:
    await client.notify(to="ada", title="Hello")
    await client.announce(title="Down tonight")
    assert await titles(notifs, "ada") == ["Down tonight", "Hello"]


async def test_of_many_each_has_its_own_answer(client: AsyncClient, notifs: Notifs, flaky: Flaky) -> None:
    results = await client.notify_many(
        [{"to": "ada", "title": "One"}, {"to": "ada", "title": ""}, {"to": ["ada", "grace"], "title": "Three"}]
    )
    first, second, third = results
    assert isinstance(first, Sent)
    assert isinstance(second, InvalidNotification)
    assert isinstance(third, Sent)
    assert (first.recipients, third.recipients) == (1, 2)
    assert await titles(notifs, "ada") == ["Three", "One"] or await titles(notifs, "ada") == ["One", "Three"]


async def test_more_than_a_batch_goes_in_several(client: AsyncClient, notifs: Notifs, flaky: Flaky) -> None:
    items = [{"to": f"person {n}", "title": f"Hello {n}"} for n in range(1001)]
    seen = len(flaky.keys)
    results = await client.notify_many(items, idempotency_key="all")  # type: ignore[arg-type]
    assert len(flaky.keys) - seen == 2
    assert all(isinstance(each, Sent) for each in results)
    assert await client.notify_many(items, idempotency_key="all") == results  # type: ignore[arg-type]
    assert await titles(notifs, "person 1000") == ["Hello 1000"]


async def test_a_call_under_a_key_is_done_once(client: AsyncClient, notifs: Notifs) -> None:
    ids = {await client.notify(to="ada", title="Hello", idempotency_key="k") for _ in range(3)}
    assert len(ids) == 1
    with pytest.raises(IdempotencyConflict):
        await client.notify(to="ada", title="Bye", idempotency_key="k")
    ids = {await client.announce(title="Hello", idempotency_key="a") for _ in range(3)}
    assert len(ids) == 1


async def test_errors_are_those_of_notifs(client: AsyncClient, notifs: Notifs) -> None:
    unknown = "01935d3f-7b1e-7cc2-9d5a-0b6f5a3c2e11"
    with pytest.raises(InvalidNotification, match="title"):
        await client.notify(to="ada", title="x" * 201)
    with pytest.raises(InvalidNotification):
        await client.notify(title="To nobody")
    with pytest.raises(InvalidNotification, match="data"):
        await client.notify(to="ada", title="Hello", data={"x": object()})
    with pytest.raises(InvalidNotification, match="idempotency_key"):
        await client.notify(to="ada", title="Hello", idempotency_key="ü")
    with pytest.raises(InvalidNotification, match="subject"):
        await client.retract()
    with pytest.raises(NotFound):
        await client.get(unknown)
    with pytest.raises(NotFound):
        await client.update(unknown, title="Hello")
    with pytest.raises(NotFound):
        await client.progress(unknown)
    with pytest.raises(NotFound):
        [each async for each in client.receipts(unknown)]


async def test_a_key_that_may_not_is_told_so(url: str, key: str, notifs: Notifs, http: httpx2.AsyncClient) -> None:
    _, reader = await notifs.store.keys.create("reader", ["read"])
    with pytest.raises(OutOfScope):
        await AsyncClient(url, reader, http=http).notify(to="ada", title="Hello")
    with pytest.raises(InvalidKey):
        await AsyncClient(url, "nk_no", http=http).notify(to="ada", title="Hello")
    assert await titles(notifs, "ada") == []


async def test_a_code_that_is_new_here_is_still_an_error_of_notifs(client: AsyncClient, flaky: Flaky) -> None:
    flaky.faults = [answers(409, b'{"code": "new_in_2030", "detail": "No."}')]
    with pytest.raises(NotifsError, match=r"No\.") as caught:
        await client.notify(to="ada", title="Hello")
    assert (type(caught.value), caught.value.code, caught.value.status) == (NotifsError, "new_in_2030", 409)
    flaky.faults = [answers(404, b'{"code": "new_in_2030", "detail": "No."}')]
    with pytest.raises(NotFound) as missing:
        await client.get("x")
    assert missing.value.code == "new_in_2030"


@pytest.mark.parametrize("answer", [answers(200, b"<html>"), answers(200, b"null"), answers(302), answers(404, b"?")])
async def test_somebody_else_who_answers_is_noticed(answer: object, client: AsyncClient, flaky: Flaky) -> None:
    flaky.faults = [answer]  # type: ignore[list-item]
    with pytest.raises(NotifsError, match="is the url right"):
        await client.notify(to="ada", title="Hello")


@pytest.mark.parametrize(("url", "key"), [("notifs.example.org", "nk"), ("https://x", ""), ("https://x", "a\nb")])
def test_what_cannot_work_is_refused_at_once(url: str, key: str) -> None:
    with pytest.raises(BadRequest):
        AsyncClient(url, key)


async def test_the_key_is_not_in_what_is_printed() -> None:
    async with AsyncClient("https://x", "nk_secret") as client:
        assert "secret" not in repr(client) + repr(vars(client))


def test_the_client_needs_nothing_of_the_server() -> None:
    code = "import sys, notifs.client; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"notifs", "httpx2"} <= set(loaded)
    assert not {"sqlalchemy", "starlette", "socketio", "pydantic", "uvicorn"} & set(loaded)

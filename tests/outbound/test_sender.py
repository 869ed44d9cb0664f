"""Deliveries reach who is told of them: once if all goes well, and again until they do if it does not."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from starlette.applications import Starlette

from notifs import outbound
from notifs.outbound import LANE
from notifs.outbound.signing import secret_of
from notifs.signals import Delivered, DeliveryFailed
from notifs.store.models import Delivery, utcnow
from tests import servers
from tests.outbound.conftest import Site, Working
from tests.outbound.receiver import OK, Receiver, Request, never, status
from tests.wire import Client, listening

LOOPBACK = {"NOTIFS_WEBHOOK_NETWORKS": "127.0.0.1/32"}


async def set_all(site: Site, **columns: object) -> None:
    """Change all deliveries that are on their way, as time does."""
    async with site.notifs.session() as session:
        await session.execute(update(Delivery).where(Delivery.finished_at.is_(None)).values(columns))


async def test_what_happens_is_told_once_and_signed(site: Site, receiver: Receiver) -> None:
    webhook = await site.tell(receiver)
    id = await site.notifs.notify(to=["ada", "grace"], title="Hello", url="/x", data={"n": 1})
    (first,) = await receiver.take(1)
    assert first.payload["type"] == "notification.created"
    data = first.payload["data"]
    assert (data["id"], data["title"], data["url"], data["data"]) == (id, "Hello", "/x", {"n": 1})
    assert (data["recipients"], data["to"]) == (2, ["ada", "grace"])
    assert await site.end() == Delivered(first.id, webhook)
    await site.notifs.acts.do("ada", "read")
    await site.notifs.acts.do("ada", "read")
    await site.notifs.acts.do("grace", "archive")
    await site.notifs.acts.do("grace", "unarchive")
    await receiver.take(3)
    assert sorted((request.payload["type"], request.payload["data"]) for request in receiver.taken[1:]) == [
        ("notification.archived", {"recipient": "grace", "ids": [id], "count": 1}),
        ("notification.read", {"recipient": "ada", "ids": [id], "count": 1}),
    ]
    assert [await site.end() for _ in range(2)]
    told = await site.webhooks.deliveries()
    assert [(each.attempts, each.error, each.finished_at is None) for each in told] == [(1, None, False)] * 3


async def test_who_has_written_a_delivery_and_who_has_room_again_looks_at_once(
    working: Working, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon, answer = outbound.SOON, asyncio.Event()

    async def when_told(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer.wait()
        writer.write(OK)

    receiver.answer = when_told
    monkeypatch.setattr(outbound, "LOOK_SECONDS", 3600)
    monkeypatch.setattr(outbound, "SOON", ())
    async with working() as site:
        await site.tell(receiver)
        monkeypatch.setattr(outbound, "SOON", soon)
        for n in range(8 * LANE):
            await site.notifs.notify(to="ada", title=f"{n}")
        await receiver.until(lambda: receiver.open == LANE)
        monkeypatch.setattr(outbound, "SOON", ())
        answer.set()
        await receiver.take(8 * LANE)


async def test_one_call_is_one_event_however_many_it_is_for(site: Site, receiver: Receiver) -> None:
    await site.tell(receiver)
    people = [f"p{n:04}" for n in range(1500)]
    await site.notifs.notify(to=people, title="Hello")
    await site.notifs.announce(title="All hands")
    first, second = sorted(await receiver.take(2), key=lambda request: request.payload["data"]["title"])
    assert (first.payload["data"]["recipients"], first.payload["data"]["to"]) == (None, [])
    assert (second.payload["data"]["recipients"], second.payload["data"]["to"]) == (1500, people[:100])


async def test_a_repeated_call_is_no_event(site: Site, receiver: Receiver) -> None:
    await site.tell(receiver)
    for _ in range(3):
        await site.notifs.notify(to="ada", title="Hello", idempotency_key="k")
    await site.notifs.notify(to="ada", title="Marker")
    titles = [request.payload["data"]["title"] for request in await receiver.take(2)]
    assert sorted(titles) == ["Hello", "Marker"]
    assert len(await site.webhooks.deliveries()) == 2


async def test_what_is_rolled_back_is_not_told(site: Site, receiver: Receiver) -> None:
    await site.tell(receiver)
    with pytest.raises(RuntimeError):
        async with site.notifs.session() as session:
            await site.notifs.notify(to="ada", title="Never", session=session)
            raise RuntimeError
    async with site.notifs.session() as session:
        await site.notifs.notify(to="ada", title="Hello", session=session)
    (request,) = await receiver.take(1)
    assert request.payload["data"]["title"] == "Hello"
    assert len(await site.webhooks.deliveries()) == 1


async def test_what_another_process_has_written_is_told_too(site: Site, receiver: Receiver, working: Working) -> None:
    await site.tell(receiver)
    async with working() as other:
        await other.notifs.outbound.close()
        await other.notifs.notify(to="ada", title="Hello")
        await receiver.take(1)


async def test_a_worker_that_is_killed_between_claim_and_settle_loses_nothing(
    working: Working, receiver: Receiver, database_url: str, tmp_path: Path
) -> None:
    async with working() as site:
        await site.tell(receiver)
        await site.notifs.outbound.close()
        receiver.answer = never
        async with servers.serving({"NOTIFS_DATABASE_URL": database_url, **LOOPBACK}, cwd=tmp_path) as served:
            await site.notifs.notify(to="ada", title="Hello")
            (first,) = await receiver.take(1)
            served.kill()
        receiver.answer = status("204 No Content")
        site.notifs.outbound.start()
        assert await site.webhooks.due() == []
        await set_all(site, next_at=utcnow() - timedelta(seconds=1))  # the lease is over
        _, second = await receiver.take(2)
        assert (second.id, second.payload) == (first.id, first.payload)
        assert await site.end() == Delivered(first.id, (await site.webhooks.all())[0].id)


async def test_a_receiver_that_is_down_is_told_once_it_is_up(site: Site, receiver: Receiver) -> None:
    await site.tell(receiver)
    await receiver.end()
    await site.notifs.notify(to="ada", title="Hello")
    failure = await site.failure()
    assert failure.error is not None
    assert failure.error.startswith("ConnectError")
    assert failure.next_at >= failure.created_at + timedelta(seconds=5)
    await receiver.listen()
    await set_all(site, next_at=utcnow())
    assert [request.id for request in await receiver.take(1)] == [str(failure.id)]
    assert isinstance(await site.end(), Delivered)


async def test_what_the_receiver_asks_for_is_waited_for(site: Site, receiver: Receiver) -> None:
    await site.tell(receiver)
    receiver.answer = status("503 Busy", "Retry-After: 3600")
    await site.notifs.notify(to="ada", title="Hello")
    failure = await site.failure()
    assert failure.error == "answered 503"
    assert failure.next_at >= failure.created_at + timedelta(hours=1)


async def test_after_the_last_attempt_it_is_given_up_and_can_be_tried_by_hand(site: Site, receiver: Receiver) -> None:
    webhook = await site.tell(receiver)
    receiver.answer = status("500 Broken")
    await site.notifs.notify(to="ada", title="Hello")
    failure = await site.failure()
    await set_all(site, next_at=utcnow(), attempts=9)
    assert await site.end() == DeliveryFailed(str(failure.id), webhook, "answered 500")
    assert [told.attempts for told in await site.webhooks.deliveries(failed=True)] == [10]
    receiver.answer = status("200 OK")
    await site.webhooks.retry(failure.id)
    assert await site.end() == Delivered(str(failure.id), webhook)
    assert {request.id for request in receiver.taken} == {str(failure.id)}


async def test_who_is_gone_is_told_nothing_any_more(site: Site, receiver: Receiver) -> None:
    webhook = await site.tell(receiver)
    receiver.answer = status("410 Gone")
    await site.notifs.notify(to="ada", title="Hello")
    assert await site.end() == DeliveryFailed(receiver.taken[0].id, webhook, "answered 410")
    assert [hook.disabled_at is None for hook in await site.webhooks.all()] == [False]
    await site.notifs.notify(to="ada", title="Hello again")
    assert len(await site.webhooks.deliveries()) == 1


async def test_two_workers_share_the_work_and_nothing_is_sent_twice(
    site: Site, working: Working, receiver: Receiver
) -> None:
    both_at_work = asyncio.Event()

    async def together(request: Request, writer: asyncio.StreamWriter) -> None:
        if receiver.open > LANE:
            both_at_work.set()
        await both_at_work.wait()
        writer.write(OK)

    receiver.answer = together
    await site.tell(receiver)
    async with working() as other:
        for n in range(40):
            await site.notifs.notify(to="ada", title=f"{n}")
        ended = [await asyncio.wait_for(site.ended.get(), 30), await asyncio.wait_for(other.ended.get(), 30)]
        while not all(told.finished_at for told in await site.webhooks.deliveries()):
            await asyncio.sleep(0.02)
        assert all(isinstance(each, Delivered) for each in ended)
    assert receiver.most_open <= 2 * LANE
    assert (len(receiver.taken), len({request.id for request in receiver.taken})) == (40, 40)


async def test_who_never_answers_delays_nobody_else_and_no_push(
    working: Working, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "GRACE_SECONDS", 0.1)
    async with Receiver() as other, working() as site:
        await site.tell(receiver)
        receiver.answer = never
        for n in range(3 * LANE):
            await site.notifs.notify(to="ada", title=f"{n}")
        await receiver.until(lambda: receiver.open == LANE)
        await site.tell(other)
        app = Starlette()
        site.notifs.mount(app)
        async with listening(app) as url, Client.open(url, headers={"x-user": "ada"}) as client:
            await client.message("snapshot")
            await site.notifs.notify(to="ada", title="Hello")
            assert (await client.message("created"))["notifs"][0]["title"] == "Hello"
        assert [request.payload["data"]["title"] for request in await other.take(1)] == ["Hello"]
        assert receiver.most_open == LANE


async def test_a_worker_that_stops_finishes_what_is_under_way(working: Working, receiver: Receiver) -> None:
    answer = asyncio.Event()

    async def when_told(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer.wait()
        writer.write(OK)

    receiver.answer = when_told
    async with working() as site:
        await site.tell(receiver)
        await site.notifs.notify(to="ada", title="Hello")
        await receiver.take(1)
        closing = asyncio.create_task(site.notifs.outbound.close())
        while not (site.notifs.outbound._looking or closing).done():
            await asyncio.sleep(0)
        assert not closing.done()
        answer.set()
        await closing
        assert [told.finished_at is None for told in await site.webhooks.deliveries()] == [False]
        site.notifs.outbound.start()


async def test_what_takes_too_long_when_a_worker_stops_is_given_to_others_at_once(
    working: Working, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "GRACE_SECONDS", 0.05)
    receiver.answer = never
    async with working() as site:
        webhook = await site.tell(receiver)
        await site.notifs.notify(to="ada", title="Hello")
        await receiver.take(1)
        await site.notifs.outbound.close()
        assert [due.id for due in await site.webhooks.due()] == [webhook]
        assert receiver.open == 0
        site.notifs.outbound.start()


def test_a_secret_follows_from_the_deployments_own_and_the_webhook() -> None:
    secrets = {secret_of(key, webhook) for key in ("k" * 32, "x" * 32) for webhook in ("wh_1", "wh_2")}
    assert len(secrets) == 4
    assert all(secret.startswith("whsec_") for secret in secrets)
    assert secret_of("k" * 32, "wh_1") == secret_of("k" * 32, "wh_1")

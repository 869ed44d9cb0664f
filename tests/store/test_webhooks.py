"""Webhooks in the store: a delivery is there if and only if its change is, and one sender has it at a time."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace

import orjson
import pytest
from sqlalchemy import event, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import BadRequest, NotFound
from notifs.store import Store, events
from notifs.store.database import Database
from notifs.store.events import ARCHIVED, CREATED, READ, TYPES, Event
from notifs.store.models import Delivery, new_id, utcnow
from notifs.store.webhooks import REFRESH_SECONDS, WEBHOOKS_LIMIT, Claim, Hook, Webhooks

URL = "https://example.org/hook"
LEASE = timedelta(minutes=1)
OVER = timedelta(0)
"""A lease that has ended when it begins."""


def happened(type: str = CREATED, **data: object) -> Event:
    return Event(type, lambda: data)


@pytest.fixture
def webhooks(database: Database) -> Webhooks:
    return Webhooks(database)


@pytest.fixture
async def others(database_url: str) -> AsyncIterator[Webhooks]:
    """The same webhooks, by connections of their own, as another process has them."""
    other = Database(database_url)
    yield Webhooks(other)
    await other.close()


@pytest.fixture
async def hook(webhooks: Webhooks) -> Hook:
    return await webhooks.add(URL)


async def tell(webhooks: Webhooks, database: Database, *told: Event) -> None:
    await database.write(lambda c: webhooks.enqueue(c, told or [happened()]))


async def test_a_webhook_is_told_of_the_events_that_it_wants(webhooks: Webhooks, database: Database) -> None:
    some = await webhooks.add(URL, [READ, ARCHIVED])
    every = await webhooks.add(URL)
    await tell(webhooks, database, happened(CREATED, n=1), happened(READ, n=2), happened(ARCHIVED, n=3))
    said = [(each.webhook, orjson.loads(each.payload)) for each in await webhooks.deliveries()]
    told = sorted((hook, payload["data"]["n"], payload["type"]) for hook, payload in said)
    wanted = [(every.id, 1, CREATED), *((h.id, n, t) for h in (some, every) for n, t in ((2, READ), (3, ARCHIVED)))]
    assert told == sorted(wanted)
    assert {payload["timestamp"][-1] for _, payload in said} == {"Z"}


async def test_without_a_webhook_nothing_is_made_and_hardly_anything_is_read(database: Database) -> None:
    webhooks, statements = Webhooks(database), list[str]()

    async def work(connection: AsyncConnection) -> None:
        event.listen(connection.sync_connection, "before_cursor_execute", lambda *args: statements.append(args[2]))
        for _ in range(100):
            await webhooks.enqueue(connection, [Event(CREATED, lambda: pytest.fail("nobody wants it"))])

    await database.write(work)
    assert [words for words in statements if "SELECT" in words] == statements[:1]
    assert not webhooks.stirred.is_set()


async def test_what_is_rolled_back_leaves_no_delivery(webhooks: Webhooks, database: Database, hook: Hook) -> None:
    with pytest.raises(RuntimeError):
        async with database.session() as session:
            await webhooks.enqueue(await session.connection(), [happened()])
            raise RuntimeError
    assert await webhooks.deliveries() == []
    assert await webhooks.due() == []
    async with database.session() as session:
        await webhooks.enqueue(await session.connection(), [happened()])
    assert [due.id for due in await webhooks.due()] == [hook.id]


async def test_other_processes_know_a_new_webhook_within_two_seconds(
    webhooks: Webhooks, others: Webhooks, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(others, database)  # it knows now that there is none
    await webhooks.add(URL)
    await tell(webhooks, database)
    await tell(others, database)
    assert len(await webhooks.deliveries()) == 1
    later = time.monotonic() + REFRESH_SECONDS
    monkeypatch.setattr("notifs.store.webhooks.time", SimpleNamespace(monotonic=lambda: later))
    await tell(others, database)
    assert len(await webhooks.deliveries()) == 2


async def test_a_webhook_that_another_process_has_just_removed_or_disabled_gets_nothing(
    webhooks: Webhooks, others: Webhooks, database: Database
) -> None:
    removed, disabled = await webhooks.add(URL), await webhooks.add(URL)
    await tell(webhooks, database)
    await others.remove(removed.id)
    await others.disable(disabled.id)
    await tell(webhooks, database)
    assert [(each.webhook, each.error) for each in await webhooks.deliveries()] == [
        (disabled.id, "the webhook was disabled")
    ]
    assert await webhooks.due() == []


async def test_a_webhook_can_be_removed_while_somebody_writes_to_it(
    webhooks: Webhooks, others: Webhooks, database: Database, hook: Hook
) -> None:
    async def write() -> None:
        for _ in range(20):
            await tell(webhooks, database)

    writing = asyncio.gather(*(write() for _ in range(4)))
    while not await webhooks.deliveries():
        await asyncio.sleep(0)
    await others.remove(hook.id)
    await writing
    assert await webhooks.deliveries() == []


async def test_what_is_claimed_is_nobody_elses_until_the_lease_is_over(
    webhooks: Webhooks, others: Webhooks, database: Database, hook: Hook
) -> None:
    await tell(webhooks, database)
    (claim,) = await webhooks.claim(hook, 10, LEASE)
    assert (claim.attempt, await others.claim(hook, 10, LEASE), await others.due()) == (1, [], [])
    await tell(webhooks, database)
    (late,) = await webhooks.claim(hook, 10, OVER)
    (again,) = await others.claim(hook, 10, LEASE)
    assert (again.id, again.attempt, again.payload) == (late.id, 2, late.payload)
    assert not await webhooks.settle(late), "it was another's to settle"
    assert not await webhooks.settle(late, error="x", again_at=utcnow())
    assert await others.settle(again)
    assert not await others.settle(again), "it is settled"


async def test_two_senders_never_claim_the_same(
    webhooks: Webhooks, others: Webhooks, database: Database, hook: Hook
) -> None:
    await tell(webhooks, database, *(happened() for _ in range(60)))

    async def claim_all(mine: Webhooks) -> list[Claim]:
        found: list[Claim] = []
        while some := await mine.claim(hook, 3, LEASE):
            found += some
        return found

    claimed = [claim.id for part in await asyncio.gather(claim_all(webhooks), claim_all(others)) for claim in part]
    assert (len(claimed), len(set(claimed))) == (60, 60)


async def test_the_oldest_are_claimed_first_and_not_more_than_asked_for(
    webhooks: Webhooks, database: Database, hook: Hook
) -> None:
    for n in range(5):
        await tell(webhooks, database, happened(n=n))
    taken = [[orjson.loads(c.payload)["data"]["n"] for c in await webhooks.claim(hook, 2, LEASE)] for _ in range(3)]
    assert taken == [[0, 1], [2, 3], [4]]


async def test_a_failure_is_tried_again_at_its_time_and_then_given_up(
    webhooks: Webhooks, database: Database, hook: Hook
) -> None:
    await tell(webhooks, database)
    (claim,) = await webhooks.claim(hook, 1, LEASE)
    soon = utcnow() + timedelta(hours=2)
    assert await webhooks.settle(claim, error="answered 500", again_at=soon)
    (told,) = await webhooks.deliveries()
    assert (told.error, told.next_at, told.finished_at, told.attempts) == ("answered 500", soon, None, 1)
    assert await webhooks.due() == []
    assert await webhooks.deliveries(failed=True) == []
    await webhooks.retry(claim.id)
    (claim,) = await webhooks.claim(hook, 1, LEASE)
    assert claim.attempt == 1
    assert await webhooks.settle(claim, error="answered 502")
    (told,) = await webhooks.deliveries(failed=True)
    assert told.finished_at is not None
    assert await webhooks.due() == []


async def test_success_leaves_no_error(webhooks: Webhooks, database: Database, hook: Hook) -> None:
    await tell(webhooks, database)
    (claim,) = await webhooks.claim(hook, 1, LEASE)
    await webhooks.settle(claim, error="answered 500", again_at=utcnow())
    (claim,) = await webhooks.claim(hook, 1, LEASE)
    await webhooks.settle(claim)
    (told,) = await webhooks.deliveries()
    assert (told.attempts, told.error, told.finished_at is None) == (2, None, False)


async def test_who_is_gone_is_disabled_and_what_was_on_its_way_is_given_up(
    webhooks: Webhooks, database: Database, hook: Hook
) -> None:
    other = await webhooks.add(URL)
    await tell(webhooks, database, happened(), happened())
    claim, _ = await webhooks.claim(hook, 2, LEASE)
    await webhooks.settle(claim, error="answered 410", gone=True)
    assert [each.disabled_at is None for each in await webhooks.all()] == [False, True]
    assert [due.id for due in await webhooks.due()] == [other.id]
    errors = {each.error for each in await webhooks.deliveries(failed=True) if each.webhook == hook.id}
    assert errors == {"answered 410", "the webhook was disabled"}
    await webhooks.retry(claim.id)
    assert [due.id for due in await webhooks.due()] == [other.id], "before it is enabled nothing is sent to it"
    await tell(webhooks, database)
    assert len([each for each in await webhooks.deliveries() if each.webhook == hook.id]) == 2
    await webhooks.enable(hook.id)
    await tell(webhooks, database)
    assert len(await webhooks.claim(hook, 10, LEASE)) == 2, "what was asked for again, and what came since"


async def test_what_is_not_there_is_told_as_such(webhooks: Webhooks) -> None:
    for act in (webhooks.remove, webhooks.disable, webhooks.enable):
        with pytest.raises(NotFound, match="there is no webhook wh_1"):
            await act("wh_1")
    with pytest.raises(NotFound, match="there is no delivery"):
        await webhooks.retry(new_id())


@pytest.mark.parametrize("wrong", [[], ["notification.deleted"], [CREATED, "x"]])
async def test_a_webhook_for_no_event_that_there_is_is_refused(webhooks: Webhooks, wrong: list[str]) -> None:
    with pytest.raises(BadRequest, match=r"events: .*notification\.created, ") as refused:
        await webhooks.add(URL, wrong)
    assert refused.value.code == "invalid_webhook"


async def test_there_are_only_so_many_webhooks(webhooks: Webhooks) -> None:
    for _ in range(WEBHOOKS_LIMIT):
        await webhooks.add(URL)
    with pytest.raises(BadRequest, match="remove one first"):
        await webhooks.add(URL)


def test_an_event_counts_all_and_names_the_first_hundred() -> None:
    columns = {"id": new_id(), "kind": "message", "title": "Hello", "url": None, "producer": "ci", "version": 1}
    people = [f"p{n:03}" for n in range(150)]
    said = orjson.loads(events.created(columns, people, 150).payload(utcnow()))["data"]
    assert said == {
        "id": str(columns["id"]), "kind": "message", "title": "Hello", "producer": "ci",
        "recipients": 150, "to": people[:100],
    }  # fmt: skip
    of_topic = events.created(columns, ["ada"], 70_000).data()
    assert (of_topic["recipients"], of_topic["to"]) == (70_000, ["ada"])


def test_only_some_acts_are_events() -> None:
    assert TYPES == (CREATED, READ, ARCHIVED)
    assert events.changed("read", None) == []


async def test_what_was_finished_a_week_ago_is_pruned(store: Store, hook: Hook) -> None:
    await tell(store.webhooks, store.database, happened(), happened(), happened())
    old, new, _ = await store.webhooks.claim(hook, 3, LEASE)
    await store.webhooks.settle(old)
    await store.webhooks.settle(new, error="answered 500")
    ago = utcnow() - timedelta(days=7, seconds=1)
    async with store.database.session() as session:
        await session.execute(update(Delivery).values(created_at=ago, next_at=ago))
        await session.execute(update(Delivery).where(Delivery.id == old.id).values(finished_at=ago))
    assert (await store.prune(1, dry_run=True)).deliveries == 1
    assert (await store.prune(1)).deliveries == 1
    assert old.id not in [told.id for told in await store.webhooks.deliveries()]
    assert len(await store.webhooks.deliveries()) == 2

"""Creating: what comes at the same time shares a transaction, and each gets an answer of its own."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import IdempotencyConflict
from notifs.store import Head, Key, Sent, Store
from notifs.store.drafts import DIRECT
from tests.samples import draft, notification


def key(name: str, request: str = "a request") -> Key:
    return Key("", name, request)


@pytest.fixture
def commits(store: Store) -> list[None]:
    """Grows with every transaction that is committed."""
    committed: list[None] = []
    event.listen(store.database._writer.sync_engine, "commit", lambda connection: committed.append(None))
    return committed


async def test_those_that_come_at_once_share_transactions_and_each_is_told_its_own_step(
    store: Store, commits: list[None]
) -> None:
    people = ["ann", "bob", "cy"]
    drafts = [draft(notification(f"{n}"), people[n % 3 :]) for n in range(150)]
    outcomes = await asyncio.gather(*(store.send(each) for each in drafts))
    assert len(commits) <= 3
    told: dict[str, list[int]] = {}
    for each, outcome in zip(drafts, outcomes, strict=True):
        assert outcome.sent == Sent(str(each.id), len(each.recipients), None)
        assert [change.recipient for change in outcome.changes] == each.recipients
        for change in outcome.changes:
            assert change.prev == change.head.revision - 1 == change.head.unread - 1
            assert change.entries is not None
            assert [(str(e.id), e.position) for e in change.entries] == [(str(each.id), change.head.revision)]
            told.setdefault(change.recipient, []).append(change.head.revision)
    sent = Counter(person for each in drafts for person in each.recipients)
    assert {person: sorted(steps) for person, steps in told.items()} == {
        person: list(range(1, count + 1)) for person, count in sent.items()
    }
    for person, count in sent.items():
        assert await store.head(person) == Head(count, count, count)
        assert [line.position for line in await store.unread(person)] == list(range(count, 0, -1))


async def test_the_same_key_in_the_same_breath_is_one_notification(store: Store) -> None:
    drafts = [draft(notification(f"{n}"), ["ann"], key(f"key-{n % 5}")) for n in range(20)]
    outcomes = await asyncio.gather(*(store.send(each) for each in drafts))
    assert [outcome.sent.new for outcome in outcomes] == [True] * 5 + [False] * 15
    assert [outcome.sent.id for outcome in outcomes] == [str(each.id) for each in drafts[:5]] * 4
    assert await store.head("ann") == Head(5, 5, 5)


async def test_a_key_of_another_request_fails_alone(store: Store) -> None:
    drafts = [draft(notification(f"{n}"), ["ann"], key("the same", f"{n}")) for n in range(3)]
    drafts.append(draft(notification("fine"), ["ann"]))
    first, second, third, fine = await asyncio.gather(*(store.send(d) for d in drafts), return_exceptions=True)
    assert isinstance(second, IdempotencyConflict)
    assert isinstance(third, IdempotencyConflict)
    assert not isinstance(first, BaseException)
    assert not isinstance(fine, BaseException)
    assert [line.title for line in await store.unread("ann")] == ["fine", "0"]


async def test_one_that_the_database_refuses_fails_alone(store: Store) -> None:
    there = notification("there")
    await store.create(there, ["ann"])
    drafts = [draft(notification("one"), ["ann"]), draft(there, ["bob"]), draft(notification("two"), ["ann"])]
    one, wrong, two = await asyncio.gather(*(store.send(each) for each in drafts), return_exceptions=True)
    assert isinstance(wrong, IntegrityError)
    assert not isinstance(one, BaseException)
    assert not isinstance(two, BaseException)
    assert [line.title for line in await store.unread("ann")] == ["two", "one", "there"]
    assert await store.head("bob") == Head(0, 0, 0)


async def test_many_large_ones_at_once_are_several_transactions(store: Store, commits: list[None]) -> None:
    people = [f"user-{n:04}" for n in range(900)]
    await asyncio.gather(*(store.send(draft(notification(f"{n}"), people)) for n in range(5)))
    assert len(commits) >= 3
    assert {await store.head(person) for person in people[::100]} == {Head(5, 5, 5)}


async def test_one_that_is_given_up_takes_no_other_with_it(store: Store) -> None:
    sends = [asyncio.create_task(store.send(draft(notification(f"{n}"), ["ann"]))) for n in range(20)]
    await asyncio.sleep(0)
    for send in sends[::2]:
        send.cancel()
    done = await asyncio.gather(*sends, return_exceptions=True)
    acknowledged = {outcome.sent.id for outcome in done if not isinstance(outcome, BaseException)}
    assert len(acknowledged) == 10
    assert acknowledged <= {str(line.id) for line in await store.unread("ann")}


async def test_in_the_callers_transaction_nothing_has_happened_until_it_ends(store: Store) -> None:
    async def work(connection: AsyncConnection) -> None:
        outcome = await store.send(draft(notification(), ["ann"]), connection)
        assert [change.head for change in outcome.changes] == [Head(1, 1, 1)]
        raise LookupError("rolled back")

    with pytest.raises(LookupError):
        await store.database.write(work)
    assert await store.head("ann") == Head(0, 0, 0)


@pytest.mark.parametrize("kind", ["postgres"])
async def test_who_has_locked_a_mailbox_keeps_only_those_waiting_who_send_to_it(store: Store) -> None:
    async with store.database.session() as session:
        await store.send(draft(notification(), ["locked"]), await session.connection())
        stuck = asyncio.create_task(store.send(draft(notification(), ["locked", "zoe"])))
        async with asyncio.timeout(4):  # less than anybody waits for a lock in vain
            await asyncio.gather(*(store.send(draft(notification(), [f"user-{n}"])) for n in range(20)))
        assert not stuck.done()
    await stuck
    assert await store.head("locked") == Head(2, 2, 2)


async def test_large_ones_are_answered_one_by_one_and_small_ones_do_not_wait_for_all_of_them(store: Store) -> None:
    people = [f"user-{n:04}" for n in range(DIRECT)]
    large = [asyncio.create_task(store.send(draft(notification(), people))) for _ in range(20)]
    await asyncio.wait(large, return_when=asyncio.FIRST_COMPLETED)
    await store.send(draft(notification(), ["ann"]))
    assert not all(task.done() for task in large)
    await asyncio.gather(*large)
    assert await store.head(people[0]) == Head(20, 20, 20)

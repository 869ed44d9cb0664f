"""What is snoozed is nowhere else, and comes back by itself: once, unread and unseen, at its old place."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from notifs.store import Head, Pruned, Store, snoozes
from notifs.store.database import Database
from notifs.store.models import Mailbox, Receipt, utcnow
from notifs.wire import PUSH_LIMIT, Filter
from tests.samples import draft, notification
from tests.store.model import DUE, FILTERS, LATER

SOME = 5


@pytest.fixture
async def stores(store: Store, database_url: str) -> AsyncIterator[list[Store]]:
    """Two stores on one database, as two workers have them."""
    other = Database(database_url)
    yield [store, await Store(other).open()]
    await other.close()


async def create(store: Store, *recipients: str, **fields: Any) -> uuid.UUID:
    sent = notification(**fields)
    await store.create(sent, recipients or ["ann"])
    return sent.id


async def shown(store: Store, recipient: str = "ann") -> dict[Filter, list[uuid.UUID]]:
    """What each filter shows."""
    return {filter: [line.id for line in (await store.page(recipient, filter)).entries] for filter in FILTERS}


async def wrong(store: Store) -> list[object]:
    """Mailboxes that do not say of themselves what is in them."""
    return [each async for _, some in store.recount() for each in some]


async def test_what_is_snoozed_is_shown_there_alone_and_counts_nowhere(store: Store) -> None:
    first, second = await create(store), await create(store)
    head, change = await store.change("ann", "snooze", ids=[first], until=LATER)
    assert head == Head(3, unread=1, unseen=1)
    assert change is not None
    assert change.entries is not None
    assert [(line.snoozed_until, line.archived_at, line.read_at) for line in change.entries] == [(LATER, None, None)]
    assert await shown(store) == {"unread": [second], "all": [second], "archived": [], "snoozed": [first]}
    await store.change("ann", "read", up_to=store.cursor(head))
    head, _ = await store.change("ann", "seen", up_to=store.cursor(head))
    assert (head.unread, head.unseen) == (0, 0)
    assert (await store.page("ann", "snoozed")).entries[0].read_at is None
    assert await wrong(store) == []


async def test_it_is_not_archived_to_its_producer(store: Store) -> None:
    id = await create(store)
    await store.change("ann", "snooze", ids=[id], until=LATER)
    sent = await store.sent.one(id)
    assert sent is not None
    assert sent.counts is not None
    assert (sent.counts.seen, sent.counts.archived) == (1, 0)
    assert [receipt.archived_at for receipt in await store.sent.receipts(id)] == [None]


async def test_who_brings_it_back_finds_it_as_it_was(store: Store) -> None:
    read, unread = await create(store), await create(store)
    await store.change("ann", "read", ids=[read])
    await store.change("ann", "snooze", ids=[read, unread], until=LATER)
    head, _ = await store.change("ann", "unsnooze", ids=[read, unread])
    assert head == Head(5, unread=1, unseen=0)
    assert await shown(store) == {"unread": [unread], "all": [unread, read], "archived": [], "snoozed": []}


async def test_archiving_ends_it(store: Store) -> None:
    id = await create(store)
    await store.change("ann", "snooze", ids=[id], until=DUE)
    await store.change("ann", "archive", ids=[id])
    assert await store.snoozes.end_due() == {}
    assert await shown(store) == {"unread": [], "all": [], "archived": [id], "snoozed": []}


async def test_it_is_said_until_when(store: Store) -> None:
    await create(store)
    with pytest.raises(ValueError, match="until when"):
        await store.change("ann", "snooze")
    assert await store.head("ann") == Head(1, unread=1, unseen=1)


async def test_what_is_archived_is_not_snoozed(store: Store) -> None:
    id = await create(store)
    await store.change("ann", "archive", ids=[id])
    _, change = await store.change("ann", "snooze", ids=[id], until=LATER)
    assert change is None


async def test_what_comes_back_is_unread_and_unseen_at_its_old_place(store: Store) -> None:
    first, second, third = [await create(store) for _ in range(3)]
    await store.change("ann", "read", ids=[second])
    await store.change("ann", "snooze", ids=[second], until=DUE)
    assert await store.snoozes.next_due() == DUE
    assert await store.snoozes.end_due() == {"ann": [second]}
    assert await store.snoozes.next_due() is None
    assert await store.head("ann") == Head(6, unread=3, unseen=3)
    assert (await shown(store))["unread"] == [third, second, first]
    _, entries = (await store.changes({"ann": 5}))["ann"]
    assert entries is not None
    (line,) = entries
    assert (line.id, line.snoozed_until, line.read_at, line.seen_at) == (second, None, None, None)


async def test_it_does_not_come_back_before_its_time(store: Store) -> None:
    id = await create(store)
    soon = utcnow() + timedelta(hours=1)
    await store.change("ann", "snooze", ids=[id], until=LATER)
    await store.change("ann", "snooze", ids=[id], until=soon)
    assert await store.snoozes.next_due() == soon
    assert await store.snoozes.end_due() == {}
    assert await store.head("ann") == Head(3, unread=0, unseen=0)


async def test_a_thousand_that_are_due_at_once_are_one_change(store: Store) -> None:
    ids = [id for _ in range(5) for id in await asyncio.gather(*(create(store) for _ in range(200)))]
    for start in range(0, 1000, 200):
        await store.change("ann", "snooze", ids=ids[start : start + 200], until=DUE)
    before = await store.head("ann")
    assert sorted((await store.snoozes.end_due())["ann"]) == sorted(ids)
    head = await store.head("ann")
    assert head == Head(before.revision + 1, unread=1000, unseen=1000)
    assert await store.changes({"ann": before.revision}) == {"ann": (head, None)}  # more than is pushed one by one
    assert await wrong(store) == []


async def test_of_several_workers_one_brings_it_back(stores: list[Store]) -> None:
    people = [f"user-{n:02}" for n in range(20)]
    for _ in range(SOME):
        id = await create(stores[0], *people)
        for person in people:
            await stores[0].change(person, "snooze", ids=[id], until=DUE)
        told = await asyncio.gather(*(store.snoozes.end_due() for store in stores * 2))
        assert sorted(person for each in told for person in each) == people
    for person in people:
        assert await stores[0].head(person) == Head(3 * SOME, unread=SOME, unseen=SOME)
    assert await wrong(stores[0]) == []


async def test_what_is_changed_at_that_moment_ends_as_one_of_both_says(stores: list[Store]) -> None:
    for _ in range(SOME):
        id = await create(stores[0])
        await stores[0].change("ann", "snooze", ids=[id], until=DUE)
        back, _ = await asyncio.gather(
            stores[0].snoozes.end_due(), stores[1].change("ann", "snooze", ids=[id], until=LATER)
        )
        assert (await shown(stores[0]))["snoozed"][0] == id, back
    assert await wrong(stores[0]) == []


async def test_a_mailbox_that_somebody_has_locked_keeps_no_other_waiting(
    store: Store, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much of it is due, and for however long."""
    for person, until in (("ann", DUE), ("ann", DUE), ("bob", DUE + timedelta(hours=1))):
        await store.change(person, "snooze", ids=[await create(store, person)], until=until)
    monkeypatch.setattr(snoozes, "CHUNK", 2)
    if kind == "postgres":  # SQLite has one writer
        async with store.database.session() as session:
            await session.execute(select(Mailbox).where(Mailbox.recipient == "ann").with_for_update())
            assert list(await store.snoozes.end_due()) == ["bob"]
    back = await store.snoozes.end_due()
    assert "ann" in back


async def test_what_is_taken_back_does_not_come_back(store: Store) -> None:
    id = await create(store)
    await store.change("ann", "snooze", ids=[id], until=DUE)
    await store.retract([id])
    assert await store.snoozes.end_due() == {}
    _, entries = (await store.changes({"ann": 2}))["ann"]
    assert entries is not None
    assert [(line.archived_at is None, line.snoozed_until) for line in entries] == [(False, None)]
    assert await shown(store) == {filter: [] for filter in FILTERS}
    assert await wrong(store) == []


async def test_it_is_kept_for_as_long_as_it_is_snoozed(store: Store) -> None:
    id = await create(store)
    await store.change("ann", "read", ids=[id])
    await store.change("ann", "snooze", ids=[id], until=LATER)
    long_ago = utcnow() - timedelta(days=100)
    async with store.database.session() as session:
        await session.execute(update(Receipt).values(read_at=long_ago, seen_at=long_ago))
    assert await store.prune(30) == Pruned()
    assert (await shown(store))["snoozed"] == [id]


async def test_it_expires_like_any_other(store: Store) -> None:
    id = await create(store, expires_at=utcnow() - timedelta(days=1))
    await store.change("ann", "snooze", ids=[id], until=LATER)
    assert (await store.prune(30)).copies == 1
    assert await store.head("ann") == Head(2, unread=0, unseen=0)
    assert await wrong(store) == []


async def test_to_snooze_it_until_the_same_moment_again_changes_nothing(store: Store) -> None:
    id = await create(store)
    head, _ = await store.change("ann", "snooze", ids=[id], until=LATER)
    assert await store.change("ann", "snooze", ids=[id], until=LATER) == (head, None)
    after, change = await store.change("ann", "snooze", ids=[id], until=LATER + timedelta(days=1))
    assert (after.revision, change is not None) == (head.revision + 1, True)


async def test_what_is_new_under_its_dedupe_key_ends_it(store: Store) -> None:
    first = notification("first")
    await store.send(draft(first, ["ann", "bob"], dedupe_key="k"))
    await store.change("ann", "snooze", ids=[first.id], until=LATER)
    await store.send(draft(notification("second"), ["ann", "bob"], dedupe_key="k"))
    (line,) = (await store.page("ann", "unread")).entries
    assert (line.id, line.title, line.snoozed_until) == (first.id, "second", None)
    assert await wrong(store) == []


async def test_what_an_older_version_took_out_of_its_archive_is_in_the_inbox(store: Store) -> None:
    id = await create(store)
    await store.change("ann", "snooze", ids=[id], until=DUE)
    async with store.database.session() as session:
        await session.execute(update(Receipt).values(archived_at=None))
        await session.execute(update(Mailbox).values(unread=1))
    assert await store.snoozes.end_due() == {}
    (line,) = (await store.page("ann", "unread")).entries
    assert (line.id, line.snoozed_until) == (id, None)
    assert (await shown(store))["snoozed"] == []


async def test_what_an_older_version_then_put_there_again_is_archived(store: Store) -> None:
    id = await create(store)
    await store.change("ann", "snooze", ids=[id], until=DUE)
    async with store.database.session() as session:
        await session.execute(update(Receipt).values(archived_at=utcnow()))  # and not snoozed_until, which it knows not
    assert (await store.snoozes.next_due(), await store.snoozes.end_due()) == (None, {})
    assert await shown(store) == {"unread": [], "all": [], "archived": [id], "snoozed": []}
    assert (await store.change("ann", "unsnooze", ids=[id]))[1] is None
    _, change = await store.change("ann", "unarchive", ids=[id])
    assert change is not None
    assert (await shown(store))["unread"] == [id]
    assert await wrong(store) == []


async def test_an_act_of_many_is_undone_by_one_change(store: Store) -> None:
    ids = await asyncio.gather(*(create(store) for _ in range(PUSH_LIMIT + 3)))
    kept, late = ids[0], ids[1]
    await store.change("ann", "read", ids=[kept])
    done, _ = await store.change("ann", "read", up_to=store.cursor(await store.head("ann")))
    await store.change("ann", "archive", ids=[late])
    before = await store.head("ann")
    head, change = await store.change("ann", "unread", at=store.cursor(done))
    assert change is not None
    assert (change.copies, change.entries) == (PUSH_LIMIT + 1, None)
    assert head == Head(before.revision + 1, unread=PUSH_LIMIT + 1, unseen=0)
    lines = {line.id: line for line in (await store.page("ann", "all", limit=300)).entries}
    assert lines[kept].read_at is not None
    assert late not in lines


async def test_a_cursor_of_another_persons_reaches_nothing_of_theirs(store: Store) -> None:
    await create(store, "ann")
    await create(store, "bob")
    done, _ = await store.change("ann", "read")
    assert await store.change("bob", "unread", at=store.cursor(done)) == (Head(1, unread=1, unseen=1), None)
    assert await store.head("ann") == done

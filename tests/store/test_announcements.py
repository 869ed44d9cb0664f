"""Announcements: one row whatever the number of mailboxes, and one copy in each that is read."""

import asyncio
import secrets
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store import Change, Entry, Head, Store, revision
from notifs.store.announcements import ANNOUNCED_DAYS, announce, latest
from notifs.store.models import CONTENT, Announcement, Mailbox, Notification, Receipt, utcnow
from notifs.wire import Cursor
from tests.samples import line, notification


async def announced(store: Store, title: str = "To all", **fields: Any) -> Notification:
    """Announce something new."""
    sent = notification(title, **fields)
    columns = {column.key: getattr(sent, column.key) for column in CONTENT}

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(insert(Notification), columns)
        await announce(connection, sent.id, sent.expires_at)

    await store.database.write(work)
    return sent


def fresh(sent: Notification, position: int) -> Entry:
    return Entry.fresh([getattr(sent, column.key) for column in CONTENT], position)


def titles(entries: Sequence[Entry] | None) -> list[str]:
    return [entry.title for entry in entries or ()]


async def test_numbers_are_given_out_one_after_another_whoever_announces_at_once(store: Store) -> None:
    assert await store.database.read(latest) == 0
    sent = await asyncio.gather(*(announced(store) for _ in range(20)))
    rows = await store.database.read(lambda c: c.execute(select(Announcement.number, Announcement.notification_id)))
    numbers = {row.notification_id: row.number for row in rows}
    assert sorted(numbers.values()) == [*range(1, 21)]
    assert numbers.keys() == {each.id for each in sent}
    assert await store.database.read(latest) == 20


@pytest.mark.parametrize("kind", ["postgres"])  # SQLite has one writer
async def test_a_number_is_visible_only_when_all_below_it_are(store: Store) -> None:
    """Else a mailbox that has taken in up to the higher one would miss the lower one for good."""
    one, two = notification(), notification()
    async with store.database.session() as session:
        session.add_all([one, two])
    async with store.database.session() as first, store.database.session() as second:
        assert await announce(await first.connection(), one.id, None) == 1
        waiting = asyncio.create_task(announce(await second.connection(), two.id, None))
        blocked = (
            select(func.count()).select_from(text("pg_locks")).where(text("locktype = 'advisory' AND NOT granted"))
        )
        while not (await store.database.read(lambda c: c.execute(blocked))).scalar_one():
            assert not waiting.done()
        await first.commit()
        assert await waiting == 2


@pytest.mark.parametrize("read", ["page", "unread", "changes", "catch_up"])
@pytest.mark.parametrize("known", [True, False])
async def test_every_way_of_reading_takes_in_what_was_announced(store: Store, read: str, known: bool) -> None:
    if known:
        await store.create(notification("before"), ["ann"])
    await announced(store, "first")
    await announced(store, "second")
    match read:
        case "page":
            entries: Sequence[Entry] | None = (await store.page("ann", "unread", limit=2)).entries
        case "unread":
            entries = (await store.unread("ann"))[:2]
        case "changes":
            _, found = (await store.changes({"ann": int(known)}))["ann"]
            entries = found and found[::-1]
        case _:
            ((_, page),) = await store.catch_up([("ann", None)], limit=2)
            entries = page.entries
    assert titles(entries) == ["second", "first"]
    count = 2 + known
    assert await store.head("ann") == Head(count, count, count)
    assert [e.position for e in entries or ()] == [e.revision for e in entries or ()] == [count, count - 1]


async def test_it_is_taken_in_once_however_often_it_is_read(store: Store) -> None:
    await announced(store)
    for _ in range(3):
        assert titles(await store.unread("ann")) == ["To all"]
    await store.change("ann", "archive", up_to=Cursor(store.epoch, 1))
    assert await store.unread("ann") == []
    assert await store.head("ann") == Head(2, 0, 0)


async def test_who_comes_at_once_gets_one_copy_each(store: Store) -> None:
    people = [f"user-{n}" for n in range(30)]
    await store.create(notification("before"), people[:15])
    for n in range(3):
        await announced(store, f"n{n}")
    crowds = [people, people[::-1], people[10:], people[:20]] * 3
    taken = await asyncio.gather(*(store.announcements.take_in(crowd) for crowd in crowds))
    changes = [change for each in taken for change in each]
    assert sorted(change.recipient for change in changes) == sorted(people)
    for n, person in enumerate(people):
        before = ["before"] if n < 15 else []
        assert titles(await store.unread(person)) == ["n2", "n1", "n0", *before]


async def test_what_is_taken_in_is_told_as_one_change_from_where_the_mailbox_stood(store: Store) -> None:
    await store.create(notification("before"), ["bob"])
    first, second = [await announced(store, title, data={"n": 1}) for title in ("first", "second")]
    taken = await store.announcements.take_in(["eve", "bob", "eve"])
    assert taken == [
        Change("bob", 1, Head(3, 3, 3), True, (line(first, 2), line(second, 3)), 2),
        Change("eve", 0, Head(2, 2, 2), True, (line(first, 1), line(second, 2)), 2),
    ]
    for change in taken:
        assert (await store.changes({change.recipient: change.prev}))[change.recipient] == (change.head, change.entries)
    assert await store.announcements.take_in(["bob", "eve"]) == []


async def test_what_has_expired_or_was_taken_back_is_passed_over_for_good(store: Store) -> None:
    await announced(store, "expired", expires_at=utcnow() - timedelta(seconds=1))
    await announced(store, "runs", expires_at=utcnow() + timedelta(days=1))
    gone = await announced(store, "taken back")
    await store.database.write(lambda c: revision.retract(c, [gone.id]))
    await store.create(notification("before"), ["bob"])
    for person, there in (("new", ["runs"]), ("bob", ["runs", "before"])):
        assert titles(await store.unread(person)) == there
        assert not (await store.look([person])).behind


async def test_a_mailbox_with_nothing_to_take_in_is_not_asked_again(store: Store) -> None:
    await announced(store, expires_at=utcnow() - timedelta(seconds=1))
    await store.create(notification(), ["bob"])
    before = await store.head("bob")
    assert (await store.look(["bob", "new"])).behind == ["bob", "new"]
    await store.catch_up([("bob", None), ("new", None)], limit=10)
    assert (await store.look(["bob", "new"])).behind == []
    assert [await store.head(person) for person in ("bob", "new")] == [before, Head(0, 0, 0)]


async def test_one_that_does_not_expire_is_taken_in_for_thirty_days(store: Store) -> None:
    for days, title in ((-1, "over"), (1, "new enough")):
        sent = await announced(store, title)
        until = utcnow() + timedelta(days=days)

        async def moved(connection: AsyncConnection, sent: Notification = sent, until: Any = until) -> Any:
            given = (
                await connection.execute(select(Announcement.until).where(Announcement.notification_id == sent.id))
            ).scalar_one()
            await connection.execute(
                update(Announcement).where(Announcement.notification_id == sent.id).values(until=until)
            )
            return given

        given = await store.database.write(moved)
        assert timedelta(days=ANNOUNCED_DAYS - 1) < given - utcnow() <= timedelta(days=ANNOUNCED_DAYS)
    assert titles(await store.unread("new")) == ["new enough"]


async def test_one_whose_end_is_put_off_is_taken_in_for_longer(store: Store) -> None:
    sent = await announced(store, expires_at=utcnow() - timedelta(seconds=1))
    await store.page("ann", "all")
    for moment in (utcnow() + timedelta(days=1), None):
        (version,) = await store.database.read(lambda c: _version(c, sent.id))
        assert await store.update(sent.id, version, {"expires_at": moment})
        assert titles(await store.unread(f"new {moment}")) == ["To all"]
    assert await store.unread("ann") == []


async def _version(connection: AsyncConnection, id: uuid.UUID) -> Any:
    return (await connection.execute(select(Notification.version).where(Notification.id == id))).one()


async def test_one_that_is_being_taken_back_leaves_no_copy_behind(store: Store) -> None:
    """Whichever comes first: the mailbox that takes it in, or the producer who takes it back."""
    people = [f"user-{n}" for n in range(40)]
    alive = select(func.count()).where(Receipt.retracted_at.is_(None))
    for _ in range(5):
        sent = await announced(store)
        await asyncio.gather(
            *(store.announcements.take_in([person]) for person in people),
            store.database.write(lambda c, id=sent.id: revision.retract(c, [id])),  # type: ignore[misc]
        )
        assert (await store.database.read(lambda c: c.execute(alive))).scalar_one() == 0
    async for _, wrong in store.recount():
        assert wrong == []


async def test_it_costs_two_rows_however_many_mailboxes_there_are(store: Store) -> None:
    costs = []
    for count in (10, 5000):
        mailboxes = [{"recipient": f"{count}-{n}", "revision": 0, "unread": 0, "unseen": 0} for n in range(count)]
        async with store.database.session() as session:
            await session.execute(insert(Mailbox), mailboxes)
        with counted() as statements:
            await announced(store)
        costs.append(statements)
    assert costs[0] == costs[1]
    assert [(words, rows) for words, rows in costs[0] if words == "INSERT"] == [("INSERT", 1), ("INSERT", 1)]
    assert {words for words, _ in costs[0]} == {"INSERT", "SELECT"}


async def test_taking_in_is_few_statements_however_many_come_at_once(store: Store) -> None:
    costs = []
    for count in (1, 500):
        await announced(store)
        people = [f"{count}-{n}" for n in range(count)]
        await store.announcements.take_in(people)
        await announced(store)
        with counted() as statements:
            assert len(await store.announcements.take_in(people)) == count
        costs.append([words for words, _ in statements])
    assert costs[0] == costs[1]
    assert len(costs[0]) < 10


async def test_who_is_up_to_date_costs_one_query_and_no_write(store: Store) -> None:
    await announced(store)
    people = [f"user-{n}" for n in range(50)]
    await store.catch_up([(person, None) for person in people], limit=5)
    with counted() as statements:
        await store.catch_up([(person, Cursor(store.epoch, 1)) for person in people], limit=5)
    assert [words for words, _ in statements] == ["SELECT"]


STEPS = st.lists(st.sampled_from(["announce", "expired", "retract", "send", "ann", "bob", "both"]), max_size=20)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
async def test_each_has_what_ran_since_they_last_came_in_the_order_of_numbers(store: Store, steps: list[str]) -> None:
    """A name of a person is their visit: what runs and was not taken in then goes on top."""
    await store.database.write(lambda c: c.execute(update(Announcement).values(until=utcnow())))  # of other examples
    life = secrets.token_hex(4)
    running: list[uuid.UUID] = []
    held: dict[str, list[uuid.UUID]] = {"ann": [], "bob": []}
    new: dict[str, list[uuid.UUID]] = {"ann": [], "bob": []}
    for step in [*steps, "both"]:
        match step:
            case "announce":
                running.append((await announced(store)).id)
                new = {name: [*ids, running[-1]] for name, ids in new.items()}
            case "expired":
                await announced(store, expires_at=utcnow() - timedelta(days=1))
            case "retract" if running:
                gone = running.pop(len(running) // 2)
                await store.database.write(lambda c, id=gone: revision.retract(c, [id]))  # type: ignore[misc]
                held, new = ({name: [id for id in ids if id != gone] for name, ids in d.items()} for d in (held, new))
            case "send":
                sent = notification()
                await store.create(sent, [f"{life}-ann"])
                held["ann"].append(sent.id)
            case "ann" | "bob" | "both":
                for name in ("ann", "bob") if step == "both" else (step,):
                    held[name] += new[name]
                    new[name] = []
                    page = await store.page(f"{life}-{name}", "unread", limit=200)
                    assert [entry.id for entry in page.entries] == held[name][::-1]
                    assert page.head.unread == page.head.unseen == len(held[name])


@contextmanager
def counted() -> Iterator[list[tuple[str, int]]]:
    """Statements by their first word, and how many rows each wrote."""
    found: list[tuple[str, int]] = []

    def count(_: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        word = statement.split(maxsplit=1)[0]
        if word in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            found.append((word, 0 if word == "SELECT" else len(parameters) if many else cursor.rowcount))

    event.listen(Engine, "after_cursor_execute", count)
    yield found
    event.remove(Engine, "after_cursor_execute", count)


async def test_who_has_much_to_take_in_does_so_in_several_transactions(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifs.store.announcements.AT_ONCE", 100)
    for n in range(20):
        await announced(store, f"{n}")
    committed: list[None] = []
    event.listen(store.database._writer.sync_engine, "commit", lambda connection: committed.append(None))
    people = [f"user-{n:03}" for n in range(30)]
    changes = await store.announcements.take_in(people)
    assert [(change.recipient, change.copies) for change in changes] == [(person, 20) for person in people]
    assert len(committed) >= 30 * 20 / 100

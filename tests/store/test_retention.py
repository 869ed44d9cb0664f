"""Retention and recounting: what is old goes, what is unread stays, and no client is left with what is not true."""

import asyncio
import random
import uuid
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store import Entry, Head, Key, Look, Pruned, Store, Wrong, announcements, copies, retention, sessions
from notifs.store.database import Database
from notifs.store.models import (
    Announcement,
    Idempotency,
    Job,
    Mailbox,
    Notification,
    Receipt,
    Session,
    new_id,
    utcnow,
)
from notifs.wire import Cursor
from tests.samples import notification, once
from tests.store.model import ACTS, DUE, LATER
from tests.store.queries import explain, recorded

DAY = timedelta(days=1)
PEOPLE = ("ann", "bob", "cy")
LONG_AGO = [uuid.UUID(int=(int((utcnow() - 99 * DAY).timestamp() * 1000) << 80) + n) for n in range(5)]
"""Ids of notifications that were made three months ago."""


async def execute(store: Store, *statements: Any) -> None:
    async with store.database.session() as session:
        for statement in statements:
            await session.execute(statement)


async def count(store: Store, table: Any) -> int:
    async def work(connection: AsyncConnection) -> int:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()

    return await store.database.read(work)


async def create(store: Store, *to: str, **fields: Any) -> uuid.UUID:
    sent = notification(**fields)
    await store.create(sent, to or ["ann"])
    return sent.id


async def mark(store: Store, id: uuid.UUID, **days: int | None) -> None:
    """Say that a copy was read, archived or seen so many days ago, or never."""
    if not days:
        return
    values = {f"{name}_at": None if ago is None else utcnow() - ago * DAY for name, ago in days.items()}
    await execute(store, update(Receipt).where(Receipt.notification_id == id).values(**values))


async def wrong(store: Store) -> list[Wrong]:
    return [each async for _, some in store.recount() for each in some]


async def test_what_was_read_or_archived_long_ago_goes_and_nothing_else(store: Store) -> None:
    cases: dict[str, dict[str, int | None]] = {
        "read long ago": {"read": 31},
        "archived long ago": {"archived": 31},
        "both long ago": {"read": 100, "archived": 31},
        "read lately": {"read": 29},
        "archived lately": {"archived": 29},
        "read long ago, archived lately": {"read": 100, "archived": 1},
        "archived long ago, read lately": {"read": 1, "archived": 100},
        "seen long ago": {"seen": 100},
        "old": {},
    }
    for title, days in cases.items():
        id = await create(store, title=title, created_at=utcnow() - 365 * DAY)
        acts = [act for act, name in (("read", "read"), ("archive", "archived"), ("seen", "seen")) if name in days]
        for act in acts:
            await store.change("ann", act, ids=[id])  # type: ignore[arg-type]
        await mark(store, id, **days)

    assert (await store.prune(30)).copies == 3
    lines = [*(await store.page("ann", "all")).entries, *(await store.page("ann", "archived")).entries]
    assert {line.title for line in lines} == cases.keys() - {"read long ago", "archived long ago", "both long ago"}
    assert await wrong(store) == []
    assert await store.prune(30) == Pruned()


async def test_what_has_expired_goes_even_unread_and_the_counts_follow(store: Store) -> None:
    gone = await create(store, expires_at=utcnow() - DAY)
    kept = await create(store, expires_at=utcnow() + DAY)
    assert await store.prune(30) == Pruned(copies=1, unread=1, notifications=1)
    assert await store.head("ann") == Head(3, unread=1, unseen=1)
    assert [line.id for line in await store.unread("ann")] == [kept]
    assert await store.one("ann", gone) is None


async def test_who_may_show_what_has_expired_gets_a_snapshot(store: Store) -> None:
    await create(store, expires_at=utcnow() - DAY)
    await create(store)
    await store.prune(30)
    head, page = await store.head("ann"), await store.page("ann", "unread")
    assert await store.changes({"ann": 2}) == {"ann": (head, None)}
    assert await store.catch_up([("ann", Cursor(store.epoch, 2))], limit=9) == [(None, page)]
    await create(store)
    _, entries = (await store.changes({"ann": 3}))["ann"]
    assert entries is not None
    assert [entry.position for entry in entries] == [4]


async def test_what_was_read_goes_without_a_change_and_only_who_does_not_know_it_as_read_gets_a_snapshot(
    store: Store,
) -> None:
    id = await create(store)
    await create(store)
    head, _ = await store.change("ann", "read", ids=[id])
    await create(store)
    await mark(store, id, read=31)
    assert await store.prune(30) == Pruned(copies=1, notifications=1)
    assert await store.head("ann") == Head(4, unread=2, unseen=2)
    (before, _), (after, _) = await store.catch_up([("ann", Cursor(store.epoch, n)) for n in (2, head.revision)], 9)
    assert before is None
    assert after is not None
    assert [entry.position for entry in after] == [4]


async def test_a_notification_goes_with_its_last_copy(store: Store) -> None:
    id = await create(store, "ann", "bob")
    await store.change("ann", "read")
    await execute(store, update(Receipt).where(Receipt.recipient == "ann").values(read_at=utcnow() - 31 * DAY))
    assert await store.prune(30) == Pruned(copies=1)
    assert await store.one("bob", id) is not None
    await store.change("bob", "read")
    await mark(store, id, read=31)
    assert await store.prune(30) == Pruned(copies=1, notifications=1)
    assert await count(store, Notification) == 0


async def test_of_two_that_prune_at_once_one_takes_the_notification_with_its_last_copy(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await create(store, "ann", "bob")
    for person, days in (("ann", 31), ("bob", 99)):
        await store.change(person, "read", ids=[id])
        theirs = update(Receipt).where(Receipt.recipient == person)
        await execute(store, theirs.values(read_at=utcnow() - days * DAY))
    deleted, go_on = asyncio.Event(), asyncio.Event()

    async def hold(work: Any) -> Any:
        monkeypatch.undo()
        async with store.database.session() as session:
            result = await work(await session.connection())
            deleted.set()
            await go_on.wait()
        return result

    monkeypatch.setattr(retention, "CHUNK", 1)
    monkeypatch.setattr(store.database, "write", hold)
    other = Database(database_url)
    anns = asyncio.create_task(store.prune(30))
    await deleted.wait()
    bobs = asyncio.create_task((await Store(other).open()).prune(60))
    await asyncio.wait([bobs], timeout=0.5)
    go_on.set()
    assert await anns + await bobs == Pruned(copies=2, notifications=1)
    assert await count(store, Notification) == 0
    await other.close()


@pytest.fixture
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "WINDOW", 7)
    monkeypatch.setattr(retention, "CHUNK", 3)


@pytest.mark.usefixtures("_small_steps")
async def test_nothing_is_passed_over_in_small_steps(store: Store) -> None:
    people = ["Ann", "ann", "Ärger", "bob", "Zoë", "zoe", "-1", "1"]
    for n in range(10):
        id = await create(store, *people)
        for person in people:
            await store.change(person, "read" if n % 3 else "seen", ids=[id])
    await execute(store, update(Receipt).where(Receipt.read_at.is_not(None)).values(read_at=utcnow() - 31 * DAY))
    assert await store.prune(30) == Pruned(copies=6 * len(people), notifications=6)
    assert await count(store, Receipt) == 4 * len(people)
    assert await wrong(store) == []


async def test_sqlite_looks_up_what_it_deletes_by_its_whole_key(sqlite_url: str) -> None:
    """PostgreSQL chooses by the tables' sizes."""
    database = Database(sqlite_url)
    store = await Store(database).open()
    await create(store, expires_at=utcnow() - DAY)
    with recorded() as statements:
        assert (await store.prune(30)).copies == 1
    (deletion,) = [each for each in statements if each[0].startswith("DELETE FROM notifs_receipts")]
    plan = await database.write(partial(explain, *deletion))
    assert "(recipient=? AND position=?)" in plan, plan
    await database.close()


@pytest.mark.usefixtures("_small_steps")
async def test_a_dry_run_counts_and_deletes_nothing(store: Store) -> None:
    ids = [await create(store, "ann", "bob", expires_at=utcnow() - DAY if n % 2 else None) for n in range(10)]
    await store.change("ann", "read")
    await mark(store, ids[0], read=31)
    before = await store.head("ann"), await store.head("bob"), await count(store, Receipt)
    assert await store.prune(30, dry_run=True) == Pruned(copies=12, unread=5)
    assert before == (await store.head("ann"), await store.head("bob"), await count(store, Receipt))
    assert await store.prune(30) == Pruned(copies=12, unread=5, notifications=6)


async def announced(store: Store, **fields: Any) -> uuid.UUID:
    """Announce something that is over."""
    sent = notification(**fields)
    async with store.database.session() as session:
        session.add(sent)
        await session.flush()
        await announcements.announce(await session.connection(), sent.id, utcnow() + DAY)
    return sent.id


async def over(store: Store) -> None:
    await execute(store, update(Announcement).values(until=utcnow()))


async def test_an_announcement_stays_while_it_runs_though_nobody_has_it_any_more(store: Store) -> None:
    ids = [await announced(store, id=id) for id in LONG_AGO[:2]]
    await store.unread("ann")
    await store.change("ann", "read")
    await mark(store, ids[0], read=31)
    await mark(store, ids[1], read=31)
    assert await store.prune(30) == Pruned(copies=2)
    assert len(await store.unread("bob")) == 2
    await over(store)
    assert await store.prune(30) == Pruned()  # bob has it
    await store.change("bob", "read")
    for id in ids:
        await mark(store, id, read=31)
    assert await store.prune(30, dry_run=True) == Pruned(copies=2)
    assert await store.prune(30) == Pruned(copies=2, announcements=1, notifications=1)


async def test_the_last_announcement_stays_so_that_the_next_has_a_number_of_its_own(store: Store) -> None:
    for id in LONG_AGO:
        await announced(store, id=id)
    await store.page("ann", "unread")
    await store.change("ann", "archive")
    await execute(store, update(Receipt).values(archived_at=utcnow() - 31 * DAY, read_at=None))
    await over(store)
    assert await store.prune(30) == Pruned(copies=5, announcements=4, notifications=4)
    await announced(store, title="after it")
    assert [entry.title for entry in await store.unread("ann")] == ["after it"]


async def test_a_notification_that_is_still_being_sent_stays_and_goes_once_its_job_is_long_done(store: Store) -> None:
    sent = notification(id=LONG_AGO[0])
    others = notification(id=LONG_AGO[1])
    job = {"act": "send", "total": 1, "done": 1, "due_at": utcnow(), "created_at": utcnow()}
    async with store.database.session() as session:
        session.add_all([sent, others])
        await session.flush()
        session.add_all([Job(id=new_id(), notification_id=each.id, **job) for each in (sent, others)])
    await store.create(notification(expires_at=utcnow() - DAY), ["ann"])
    assert await store.prune(30) == Pruned(copies=1, unread=1, notifications=1)
    for days, gone in ((6.9, Pruned()), (7.1, Pruned(jobs=1, notifications=1))):
        theirs = update(Job).where(Job.notification_id == sent.id)
        await execute(store, theirs.values(finished_at=utcnow() - days * DAY))
        assert await store.prune(30) == gone
    assert await count(store, Notification) == 1


async def test_what_nobody_was_sent_goes_when_it_is_old_enough(store: Store) -> None:
    async with store.database.session() as session:
        session.add_all([notification(id=id) for id in (*LONG_AGO, new_id())])
    assert await store.prune(400) == Pruned()
    assert await store.prune(30) == Pruned(notifications=len(LONG_AGO))


@pytest.mark.usefixtures("_small_steps")
async def test_keys_and_sessions_that_have_ended_go_too(store: Store) -> None:
    person = await store.add_user("ann@example.org", "Ann", "x")
    for n in range(8):
        await once(store, notification(), ["ann"], Key("", f"{n}", "x"))
        await store.database.write(lambda c, n=n: sessions.start(c, person.id, f"{n}", days=1))  # type: ignore[misc]
    some = [f"{n}" for n in range(7)]
    await execute(
        store,
        update(Idempotency).where(Idempotency.key.in_(some)).values(created_at=utcnow() - 1.01 * DAY),
        update(Session).where(Session.token_hash.in_(some)).values(expires_at=utcnow()),
    )
    assert await store.prune(30, dry_run=True) == Pruned(keys=7, sessions=7)
    assert await store.prune(30) == Pruned(keys=7, sessions=7)
    assert (await count(store, Idempotency), await count(store, Session)) == (1, 1)


async def test_what_is_marked_as_unread_while_it_is_being_pruned_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [await create(store) for _ in range(2)]
    await store.change("ann", "read")
    await execute(store, update(Receipt).values(read_at=utcnow() - 31 * DAY))
    write = store.database.write

    async def unread_first(work: Any) -> Any:
        monkeypatch.undo()
        await store.change("ann", "unread", ids=ids[:1])
        return await write(work)

    monkeypatch.setattr(store.database, "write", unread_first)
    assert await store.prune(30) == Pruned(copies=1, notifications=1)
    assert [line.id for line in await store.unread("ann")] == ids[:1]
    assert await wrong(store) == []


async def write(store: Store, number: int) -> None:
    """Create and act at random; some expire before they are read, and what is read is soon old."""
    random_ = random.Random(number)
    long_ago = utcnow() - 99 * DAY
    for _ in range(20):
        to = random_.sample(PEOPLE, k=random_.randint(1, 3))
        id = await create(store, *to, expires_at=long_ago if random_.random() < 0.3 else None)
        await store.change(to[0], random_.choice(ACTS), ids=[id], until=random_.choice([DUE, LATER]))
        await store.snoozes.end_due()
        if random_.random() < 0.2:
            await store.change(to[0], random_.choice(ACTS), until=random_.choice([DUE, LATER]))
        if random_.random() < 0.2:
            await execute(store, update(Receipt).where(Receipt.read_at.is_not(None)).values(read_at=long_ago))


async def follow(store: Store, person: str, busy: asyncio.Future[Any]) -> None:
    """Be a client: catch up again and again, and be true at each moment, until nobody is busy any more."""
    lines: dict[uuid.UUID, Entry] = {}
    cursor: Cursor | None = None
    while True:
        last = busy.done()
        ((entries, page),) = await store.catch_up([(person, cursor)], 1000)
        if entries is None:
            lines = {}
        lines.update((entry.id, entry) for entry in entries or page.entries)
        cursor = store.cursor(page.head)
        kept = [line for line in lines.values() if line.archived_at is None and line.snoozed_until is None]
        unread = [line for line in kept if line.read_at is None]
        assert len(unread) == page.head.unread
        if last:
            assert {line.id for line in unread} == {line.id for line in await store.unread(person)}
            return


@pytest.mark.usefixtures("_small_steps")
async def test_while_everything_goes_on_pruning_leaves_every_count_right_and_every_client_true(store: Store) -> None:
    async def prune(writing: asyncio.Future[Any]) -> int:
        copies = 0
        while not writing.done():
            copies += (await store.prune(30)).copies
        return copies

    writing = asyncio.gather(*(write(store, number) for number in range(4)))
    pruning = asyncio.create_task(prune(writing))
    await asyncio.gather(*(follow(store, person, pruning) for person in PEOPLE))
    await writing
    assert await pruning > 5
    assert await wrong(store) == []


async def test_a_mailbox_that_miscounts_is_told_and_repaired_so_that_clients_hear_of_it(store: Store) -> None:
    for _ in range(3):
        await create(store, "ann", "bob", "cy", "dan")
    right = await store.head("dan")
    await execute(
        store,
        update(Mailbox).where(Mailbox.recipient == "ann").values(unread=7, unseen=0),
        update(Mailbox).where(Mailbox.recipient == "bob").values(revision=2),
        delete(Mailbox).where(Mailbox.recipient == "cy"),
    )
    assert await wrong(store) == [
        Wrong("ann", "unread is 7, counted are 3; unseen is 0, counted are 3"),
        Wrong("bob", "revision is 2, there was one of 3"),
        Wrong("cy", "there are receipts, and no mailbox"),
    ]
    for each in await wrong(store):
        await store.repair(each.recipient)
        assert await store.head(each.recipient) == Head(4, unread=3, unseen=3)
        ((entries, page),) = await store.catch_up([(each.recipient, Cursor(store.epoch, 3))], 9)
        assert entries is None
        assert len(page.entries) == 3
    assert await wrong(store) == []
    assert await store.head("dan") == right


async def test_copies_that_were_taken_back_count_nowhere_and_a_mailbox_that_is_repaired_has_nothing_twice(
    store: Store,
) -> None:
    ids = [await create(store, "ann", "bob") for _ in range(3)]
    await announced(store)
    await store.unread("ann")
    await store.change("ann", "read", ids=ids[:1])
    await store.retract(ids[:2])
    assert await wrong(store) == []
    right = await store.head("ann")
    assert (right.unread, right.unseen) == (2, 2)
    await execute(store, delete(Mailbox).where(Mailbox.recipient == "ann"))
    assert await wrong(store) == [Wrong("ann", "there are receipts, and no mailbox")]
    await store.repair("ann")
    assert len(await store.unread("ann")) == 2
    assert await store.head("ann") == Head(right.revision + 1, 2, 2)
    assert await wrong(store) == []


async def test_every_mailbox_is_recounted_however_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifs.store.recount.CHUNK", 4)
    people = [f"{name}{n}" for name in ("Zoë", "ann", "-", "Ä") for n in range(4)]
    await create(store, *people)
    assert [count async for count, _ in store.recount()][:4] == [4, 4, 4, 4]
    await execute(store, delete(Mailbox).where(Mailbox.recipient.in_(people[::3])), update(Mailbox).values(unread=2))
    found = await wrong(store)
    assert sorted(each.recipient for each in found) == sorted(people)
    for each in found:
        await store.repair(each.recipient)
    assert await wrong(store) == []


async def test_after_a_new_epoch_no_cursor_of_before_is_believed(store: Store) -> None:
    await create(store)
    old = store.cursor(await store.head("ann"))
    other = await Store(store.database).open()
    epoch = await store.new_epoch()
    assert epoch == store.epoch != old.epoch
    assert Cursor.parse(f"{epoch}:1") == store.cursor(await store.head("ann"))
    assert await store.catch_up([("ann", old)], 9) == [(None, await store.page("ann", "unread"))]
    assert await other.look(["ann"]) == Look(epoch, {"ann": 1}, [])


@pytest.mark.parametrize("kind", ["postgres"])
async def test_what_somebody_is_just_getting_is_not_forgotten(store: Store) -> None:
    sent = notification()
    await store.create(sent, [])
    async with store.database.session() as session:
        await copies.make(await session.connection(), sent.id, ["ann"])
        pruning = asyncio.create_task(store.prune(0))
        await asyncio.wait([pruning], timeout=0.5)  # time enough to come to it
    assert (await pruning).notifications == 0
    assert await store.head("ann") == Head(1, 1, 1)

"""Reading: what was stored comes back, from one moment, and only to its owner."""

import asyncio
import math
import secrets
import uuid
from datetime import UTC, datetime, timedelta, timezone

from sqlalchemy import update

from notifs.store import Head, Look, Page, Store
from notifs.store.feed import LINES_AT_ONCE
from notifs.store.models import CONTENT, Mailbox
from notifs.wire import DELTA_LIMIT, PUSH_LIMIT, SNAPSHOT_LIMIT, Cursor
from tests.samples import notification
from tests.store.conftest import Full
from tests.store.model import FILTERS
from tests.store.queries import fill, recorded


async def test_a_notification_comes_back_as_it_was_stored(store: Store) -> None:
    moment = datetime(2026, 2, 28, 23, 59, 59, 123456, tzinfo=UTC)
    sent = notification(
        "Größe 📏 \N{RIGHT-TO-LEFT OVERRIDE} 'quoted' \"twice\" %s :name \\",
        kind="a.b_1",
        body="x\ty\n" * 1000,
        url="/posts/7?a=1&b=2#c",
        icon="https://example.org/i.png",
        actor={"name": "Ann", "id": None, "avatar": "/a.png"},
        actions=[{"label": "Open", "url": "/x", "method": "POST", "style": "danger"}],
        priority="urgent",
        group="posts:7",
        data={"deep": [{"a": [1, 2.5, None, True, "ä", 2**53]}], "": {}},
        created_at=moment,
        expires_at=moment.astimezone(timezone(timedelta(hours=5))) + timedelta(days=1),
    )
    (change,) = await store.create(sent, ["ann"])
    line = await store.one("ann", sent.id)
    assert line is not None
    assert change.entries == (line,)
    for column in CONTENT:
        assert getattr(line, column.key) == getattr(sent, column.key), column.key
    assert line.created_at.utcoffset() == timedelta(0)


async def test_what_was_left_out_comes_back_as_nothing(store: Store) -> None:
    sent = notification()
    await store.create(sent, ["ann"])
    line = await store.one("ann", sent.id)
    assert line is not None
    assert (line.url, line.icon, line.actor, line.group, line.expires_at) == (None, None, None, None, None)
    assert (line.body, line.actions, line.data) == ("", [], {})


async def test_a_mailbox_that_nobody_wrote_to_is_empty(store: Store) -> None:
    nothing = Head(0, 0, 0)
    assert await store.head("nobody") == nothing
    assert await store.changes({"nobody": 0}) == {"nobody": (nothing, ())}
    assert await store.unread("nobody") == []
    for filter in FILTERS:
        page = await store.page("nobody", filter)
        assert (page.head, page.entries, page.more) == (nothing, (), False)


async def test_a_line_is_found_by_its_owner_only(store: Store) -> None:
    sent = notification()
    await store.create(sent, ["ann"])
    assert await store.one("ann", sent.id)
    assert await store.one("bob", sent.id) is None
    assert await store.one("ann", uuid.uuid4()) is None


async def test_pages_end_where_the_feed_ends(store: Store) -> None:
    await asyncio.gather(*(store.create(notification(), ["ann"]) for _ in range(5)))
    first = await store.page("ann", "unread", limit=3)
    assert [line.position for line in first.entries] == [5, 4, 3]
    assert first.more
    second = await store.page("ann", "unread", before=3, limit=2)
    assert [line.position for line in second.entries] == [2, 1]
    assert not second.more
    assert (await store.page("ann", "unread", before=1)).entries == ()


async def test_all_unread_lines_come_whatever_their_number(store: Store) -> None:
    await asyncio.gather(*(store.create(notification(), ["ann"]) for _ in range(300)))
    assert [line.position for line in await store.unread("ann")] == [*range(300, 0, -1)]


async def test_revisions_are_told_for_any_number_of_mailboxes(store: Store) -> None:
    people = [f"user-{n}" for n in range(2500)]
    await asyncio.gather(*(store.create(notification(), people[n::5]) for n in range(5)))
    await store.create(notification(), people[1500:1502])
    revisions = dict.fromkeys(people, 1) | dict.fromkeys(people[1500:1502], 2)
    assert await store.look([*people, "nobody"]) == Look(store.epoch, revisions, [])
    assert await store.look([]) == Look(store.epoch, {}, [])


async def test_a_gap_of_too_many_steps_is_not_told_however_few_lines_they_changed(store: Store) -> None:
    await store.create(notification(), ["ann"])
    async with store.database.session() as session:
        await session.execute(update(Mailbox).values(revision=PUSH_LIMIT + 1))
    assert await store.changes({"ann": 0}) == {"ann": (await store.head("ann"), None)}
    assert await store.changes({"ann": 1}) == {"ann": (await store.head("ann"), ())}


async def test_a_step_that_changed_too_many_lines_is_not_told(store: Store) -> None:
    await asyncio.gather(*(store.create(notification(), ["ann"]) for _ in range(PUSH_LIMIT + 1)))
    before, _ = await store.change("ann", "seen", up_to=Cursor(store.epoch, 1))
    after, _ = await store.change("ann", "read")
    assert await store.changes({"ann": before.revision}) == {"ann": (after, None)}
    assert await store.changes({"ann": after.revision}) == {"ann": (after, ())}


async def test_a_revision_that_was_not_reached_is_not_told(store: Store) -> None:
    (created,) = await store.create(notification(), ["ann"])
    assert await store.changes({"ann": 2}) == {"ann": (created.head, None)}


async def test_a_client_gets_the_changes_since_its_cursor_or_else_a_page(store: Store) -> None:
    await asyncio.gather(*(store.create(notification(), ["ann"]) for _ in range(3)))
    head = await store.head("ann")
    page = await store.page("ann", "unread", limit=2)

    _, changed = (await store.changes({"ann": 1}))["ann"]
    unusable = (None, Cursor(store.epoch, 4), Cursor("0123456789abcdef", 3))
    asked = [Cursor(store.epoch, 1), store.cursor(head), *unusable]
    assert changed is not None
    assert await store.catch_up([("ann", cursor) for cursor in asked], limit=2) == [
        (changed, Page(head, (), False)),
        ((), Page(head, (), False)),
        *[(None, page)] * len(unusable),
    ]


async def test_a_cursor_too_far_behind_gets_a_page(store: Store) -> None:
    await asyncio.gather(*(store.create(notification(), ["ann"]) for _ in range(DELTA_LIMIT + 1)))
    cursors = [("ann", Cursor(store.epoch, revision)) for revision in (1, 0)]
    (near, _), (far, page) = await store.catch_up(cursors, limit=2)
    assert near is not None
    assert [entry.revision for entry in near] == [*range(2, DELTA_LIMIT + 2)]
    assert far is None
    assert [entry.position for entry in page.entries] == [DELTA_LIMIT + 1, DELTA_LIMIT]
    assert page.more


async def test_after_a_new_epoch_was_adopted_old_cursors_get_a_page(store: Store) -> None:
    await store.create(notification(), ["ann"])
    old = store.cursor(await store.head("ann"))
    store.adopt("0123456789abcdef")
    assert store.cursor(await store.head("ann")) == Cursor("0123456789abcdef", 1)
    assert await store.catch_up([("ann", old)], limit=2) == [(None, await store.page("ann", "unread"))]


async def test_mailboxes_that_are_up_to_date_cost_one_query_however_many(store: Store) -> None:
    people = await crowd(store, 200)
    asked = [(person, Cursor(store.epoch, 3)) for person in people]
    with recorded() as statements:
        answers = await store.catch_up(asked, limit=SNAPSHOT_LIMIT)
    assert len(statements) == 1
    assert answers == [((), Page(Head(3, 3, 3), (), False))] * 200
    with recorded() as statements:
        assert len(await store.changes(dict.fromkeys(people, 3))) == 200
        await store.look(people)
    assert len(statements) == 2


async def test_mailboxes_a_few_changes_behind_cost_two_queries(store: Store) -> None:
    people = await crowd(store, 100)
    with recorded() as statements:
        answers = await store.catch_up([(person, Cursor(store.epoch, 1)) for person in people], SNAPSHOT_LIMIT)
    assert len(statements) == 2
    with recorded() as statements:
        changed = await store.changes(dict.fromkeys(people, 1))
    assert len(statements) == 2
    for person, (entries, _) in zip(people, answers, strict=True):
        assert entries is not None
        assert [entry.revision for entry in entries] == [2, 3]
        assert changed[person] == (Head(3, 3, 3), entries)


async def test_many_snapshots_are_read_together_but_a_bounded_number_of_lines_at_once(full: Full) -> None:
    store = await full(fill)
    people = [f"user-{n}" for n in range(60)]
    with recorded() as statements:
        answers = await store.catch_up([(person, None) for person in people], SNAPSHOT_LIMIT)
    # `fill` says that there are 400 unread in each mailbox, of which a page and one more are read: nine at a time.
    assert len(statements) == 1 + math.ceil(len(people) / (LINES_AT_ONCE // (SNAPSHOT_LIMIT + 1)))
    for person, (entries, page) in zip(people, answers, strict=True):
        assert entries is None
        assert page == await store.page(person, "unread", limit=SNAPSHOT_LIMIT)


async def test_who_has_nothing_unread_gets_an_empty_page_without_a_query(store: Store) -> None:
    people = await crowd(store, 20)
    for person in people:
        await store.change(person, "read")
    with recorded() as statements:
        answers = await store.catch_up([(person, None) for person in people], SNAPSHOT_LIMIT)
    assert len(statements) == 1
    assert answers == [(None, Page(Head(4, 0, 0), (), False))] * 20


async def crowd(store: Store, count: int) -> list[str]:
    """Names of people with three notifications each."""
    people = [f"one-of-{count}-{n}" for n in range(count)]
    for _ in range(3):
        await store.create(notification(), people)
    return people


async def test_a_page_and_its_counts_are_of_one_moment(store: Store) -> None:
    async def write() -> None:
        for _ in range(60):
            sent = notification()
            await store.create(sent, ["ann"])
            if not secrets.randbelow(3):
                await store.change("ann", "archive")

    writing = asyncio.create_task(write())
    while not writing.done():
        page = await store.page("ann", "unread", limit=1000)
        assert page.head.unread == page.head.unseen == len(page.entries)
        head, entries = (await store.changes({"ann": page.head.revision}))["ann"]
        assert entries is not None
        assert max((line.revision for line in entries), default=page.head.revision) == head.revision
    await writing

"""Changes of mailboxes: one revision each, without gaps, and counts that never differ from the lines."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.exc import IntegrityError

from notifs.errors import InvalidCursor
from notifs.store import Act, Change, Entry, Head, Store
from notifs.store.database import Database
from notifs.store.models import utcnow
from notifs.wire import PUSH_LIMIT, Cursor, Filter
from tests.samples import draft, notification
from tests.store.model import ACTS, DUE, FILTERS, LATER, LATEST, Copy, Mailbox

T = TypeVar("T")
PEOPLE = ("ann", "bob")
WHOLE: tuple[Filter, ...] = ("all", "archived", "snoozed")
"""What together is all of a mailbox."""
INVERSE: dict[Act, Act] = {"read": "unread", "unread": "read", "archive": "unarchive", "unarchive": "archive"}
INVERSE |= {"snooze": "unsnooze"}


class Mailboxes(RuleBasedStateMachine):
    """The mailboxes of two people in a store, and beside them what they must equal."""

    ids: Bundle[uuid.UUID] = Bundle("ids")
    people = st.sampled_from(PEOPLE)
    acts = st.sampled_from(ACTS)
    moments = st.sampled_from([DUE, LATER, LATEST])

    def __init__(self, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._store = store
        self._loop = loop
        self._life = uuid.uuid4().hex  # every example has recipients of its own in the one database
        self._models = {person: Mailbox() for person in PEOPLE}
        self._touched: set[str] = set()
        self._keys: dict[uuid.UUID, str] = {}

    @initialize(target=ids)
    def begin(self) -> MultipleResults[uuid.UUID]:
        return multiple(*(self._create([*PEOPLE]) for _ in range(3)))

    @rule(target=ids, to=st.lists(people, min_size=1))
    def create(self, to: list[str]) -> uuid.UUID:
        return self._create(to)

    @rule(target=ids, to=st.lists(people, min_size=1), key=st.sampled_from("xy"))
    def send_under_a_dedupe_key(self, to: list[str], key: str) -> uuid.UUID:
        """Bring up to date what one of them has not read, else send a new one."""
        fresh = notification(f"{key} {self._models['ann'].revision} {self._models['bob'].revision}")
        recipients = [self._recipient(person) for person in to]
        sent = draft(fresh, recipients, dedupe_key=f"{self._life}-{key}")
        outcome = self._wait(self._store.send(sent))
        id = max((id for id in self._unread(to) if self._keys.get(id) == key), default=fresh.id)
        assert outcome.sent.id == str(id)
        self._keys[id] = key
        for person in PEOPLE:
            if person in to:
                self._model(person).renew(id, fresh.title)
            else:
                self._model(person).touch(id, fresh.title)
        return id

    @rule(id=ids, title=st.sampled_from(["other", "another"]))
    def update(self, id: uuid.UUID, title: str) -> None:
        one = self._wait(self._store.sent.bare(id))
        alive = any(model.copy(id) for model in self._models.values())
        assert (one is not None) == alive
        if one is None:
            return
        assert self._wait(self._store.update(id, one.version - 1, {"title": "too late"})) is None
        assert self._wait(self._store.update(id, one.version, {"title": title})) is not None
        for person in PEOPLE:
            self._model(person).touch(id, title)

    @rule(ids=st.lists(ids | st.uuids(), min_size=1, max_size=3))
    def retract(self, ids: list[uuid.UUID]) -> None:
        alive = {id for id in ids if any(model.copy(id) for model in self._models.values())}
        revised = self._wait(self._store.retract(ids))
        assert set(revised.notifications) == alive
        for id in revised.notifications:
            for person in PEOPLE:
                self._model(person).retract(id)

    @rule(person=people, act=acts, ids=st.lists(ids | st.uuids(), min_size=1, max_size=6), until=moments)
    def act_on_ids(self, person: str, act: Act, ids: list[uuid.UUID], until: datetime) -> None:
        self._act(person, act, ids=ids, until=until)

    @rule(person=people, act=acts, ids=st.lists(ids, min_size=1, max_size=3), between=st.none() | ids)
    def undo(self, person: str, act: Act, ids: list[uuid.UUID], between: uuid.UUID | None) -> None:
        """Undo an act by its cursor; what somebody has changed since stays as that left it."""
        if act not in INVERSE or not self._act(person, act, ids=ids):
            return
        cursor = self._models[person].revision
        if between is not None:
            self._act(person, "read", ids=[between])
        self._act(person, INVERSE[act], at=cursor)

    @rule(person=people, act=acts, behind=st.integers(-1, 10))
    def act_on_what_changed_last_at_a_cursor(self, person: str, act: Act, behind: int) -> None:
        self._act(person, act, at=max(0, self._models[person].revision - behind))

    @rule()
    def wake(self) -> None:
        """Both at once, each by one change; of other examples something may be due as well."""
        told = self._wait(self._store.snoozes.end_due())
        for person in PEOPLE:
            ids = told.get(self._recipient(person), [])
            assert sorted(ids) == sorted(copy.id for copy in self._model(person).wake())

    @rule(person=people, act=acts, behind=st.none() | st.integers(-2, 10), until=moments)
    def act_on_all(self, person: str, act: Act, behind: int | None, until: datetime) -> None:
        up_to = None if behind is None else max(0, self._models[person].revision - behind)
        self._act(person, act, up_to=up_to, until=until)

    @rule(
        person=people, filter=st.sampled_from(FILTERS), before=st.none() | st.integers(0, 30), limit=st.integers(1, 9)
    )
    def look_at_a_page(self, person: str, filter: Filter, before: int | None, limit: int) -> None:
        page = self._wait(self._store.page(self._recipient(person), filter, before=before, limit=limit))
        model = self._models[person]
        lines = [copy for copy in model.lines(filter) if before is None or copy.position < before]
        assert [Copy.of(entry) for entry in page.entries] == lines[:limit]
        assert page.more == (len(lines) > limit)
        assert page.head == model.head

    @rule(person=people, since=st.integers(0, 40))
    def look_at_changes(self, person: str, since: int) -> None:
        recipient, model = self._recipient(person), self._models[person]
        head, entries = self._wait(self._store.changes({recipient: since}))[recipient]
        assert head == model.head
        self._check_changes(person, since, entries)

    @rule(
        asked=st.lists(st.tuples(people, st.none() | st.integers(0, 40)), min_size=1, max_size=6),
        limit=st.integers(1, 9),
    )
    def catch_up(self, asked: list[tuple[str, int | None]], limit: int) -> None:
        cursors = [
            (self._recipient(person), None if since is None else Cursor(self._store.epoch, since))
            for person, since in asked
        ]
        answers = self._wait(self._store.catch_up(cursors, limit))
        for (person, since), (entries, page) in zip(asked, answers, strict=True):
            model = self._models[person]
            assert page.head == model.head
            if since is not None and since <= model.revision:
                self._check_changes(person, since, entries)
                assert (page.entries, page.more) == ((), False)
            else:
                assert entries is None
                assert page == self._wait(self._store.page(self._recipient(person), "unread", limit=limit))

    @invariant()
    def the_mailboxes_touched_equal_their_models(self) -> None:
        touched, self._touched = self._touched, set()
        for person in touched:
            recipient, model = self._recipient(person), self._models[person]
            pages = [self._wait(self._store.page(recipient, each, limit=1000)) for each in WHOLE]
            assert {page.head for page in pages} == {model.head}
            lines = [Copy.of(entry) for page in pages for entry in page.entries]
            expected = [copy for copy in model.copies if not copy.retracted]
            assert sorted(lines, key=lambda copy: copy.position) == expected

    def teardown(self) -> None:
        self._touched = {*PEOPLE}
        self.the_mailboxes_touched_equal_their_models()

    def _unread(self, people: list[str]) -> set[uuid.UUID]:
        return {copy.id for person in people for copy in self._models[person].lines("unread")}

    def _create(self, to: list[str]) -> uuid.UUID:
        sent = notification()
        changes = self._wait(self._store.create(sent, [self._recipient(person) for person in to]))
        assert [change.recipient for change in changes] == sorted({self._recipient(person) for person in to})
        for person, change in zip(sorted({*to}), changes, strict=True):
            model = self._model(person)
            model.receive(sent.id)
            self._check_change(person, change, model.copies[-1:], created=True)
        return sent.id

    def _act(
        self,
        person: str,
        act: Act,
        *,
        ids: list[uuid.UUID] | None = None,
        up_to: int | None = None,
        at: int | None = None,
        until: datetime = LATER,
    ) -> bool:
        """Returns whether it has changed anything."""
        recipient, model = self._recipient(person), self._model(person)
        cursors = [None if each is None else Cursor(self._store.epoch, each) for each in (up_to, at)]
        acting = self._store.change(recipient, act, ids=ids, up_to=cursors[0], at=cursors[1], until=until)
        head, change = self._wait(acting)
        changed = model.do(act, ids=ids, up_to=up_to, at=at, until=until)
        assert head == model.head
        if changed:
            assert change is not None
            self._check_change(person, change, changed, created=False)
        else:
            assert change is None
        return bool(changed)

    def _check_change(self, person: str, change: Change, copies: Sequence[Copy], *, created: bool) -> None:
        model = self._models[person]
        assert change.recipient == self._recipient(person)
        assert (change.prev, change.head, change.created) == (model.revision - 1, model.head, created)
        assert change.copies == len(copies)
        assert change.entries is not None
        assert [Copy.of(entry) for entry in change.entries] == list(copies)

    def _check_changes(self, person: str, since: int, entries: Sequence[Entry] | None) -> None:
        model = self._models[person]
        told = None if entries is None else [Copy.of(entry) for entry in entries]
        assert told == (model.changes(since) if since <= model.revision else None)

    def _model(self, person: str) -> Mailbox:
        """The model, to change it."""
        self._touched.add(person)
        return self._models[person]

    def _recipient(self, person: str) -> str:
        return f"{self._life}-{person}"

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


@pytest.mark.timeout(600)  # when it fails, the shortest way to the failure is searched for
async def test_mailboxes_equal_a_plain_model_after_every_step(store: Store) -> None:
    loop = asyncio.get_running_loop()
    # In a thread, because Hypothesis calls the steps without awaiting them.
    await asyncio.to_thread(
        run_state_machine_as_test,
        partial(Mailboxes, store, loop),  # type: ignore[arg-type]  # any factory will do
        settings=settings(max_examples=12, stateful_step_count=30),
    )


@pytest.fixture
async def stores(store: Store, database_url: str) -> AsyncIterator[list[Store]]:
    """Two stores on one database, as two processes have them; on SQLite, where one writes, it is the same one twice."""
    other = store.database if store.database.sqlite else Database(database_url)
    yield [store, await Store(other).open()]
    await other.close()


async def test_writers_at_once_leave_no_gap_and_a_follower_sees_every_change_once(stores: list[Store]) -> None:
    recipients = [f"user-{n}" for n in range(6)]
    expected = dict.fromkeys(recipients, 0)

    async def write(number: int) -> None:
        random_ = random.Random(number)
        for n in range(30):
            to = random_.sample(recipients, k=random_.randint(1, len(recipients)))
            await stores[number % 2].create(notification(f"{number}.{n}"), to)
            for recipient in to:
                expected[recipient] += 1

    async def follow(recipient: str, writing: asyncio.Future[Any]) -> list[Entry]:
        seen: list[Entry] = []
        while True:
            last = writing.done()
            head, entries = (await stores[1].changes({recipient: len(seen)}))[recipient]
            assert entries is not None
            seen.extend(entries)
            assert len(seen) == head.revision
            if last:
                return seen

    writing = asyncio.gather(*map(write, range(8)))
    followed = await asyncio.gather(*(follow(recipient, writing) for recipient in recipients))
    await writing

    for recipient, seen in zip(recipients, followed, strict=True):
        count = expected[recipient]
        assert [entry.revision for entry in seen] == [*range(1, count + 1)]
        page = await stores[0].page(recipient, "unread", limit=1000)
        assert page.head == Head(count, unread=count, unseen=count)
        assert [*page.entries] == seen[::-1]


async def test_a_follower_ends_equal_to_the_store_whatever_is_done_meanwhile(stores: list[Store]) -> None:
    ids: list[uuid.UUID] = []
    revisions: list[int] = []

    async def write(number: int) -> None:
        random_ = random.Random(number)
        for n in range(30):
            sent = notification(f"{number}.{n}")
            (created,) = await stores[number % 2].create(sent, ["ann"])
            ids.append(sent.id)
            chosen = random_.sample(ids, k=min(len(ids), 5))
            act = random_.choice(ACTS)
            _, changed = await stores[number % 2].change("ann", act, ids=chosen, until=LATER)
            revisions.extend(change.head.revision for change in (created, changed) if change is not None)

    async def follow(writing: asyncio.Future[Any]) -> tuple[Head, dict[uuid.UUID, Entry]]:
        lines: dict[uuid.UUID, Entry] = {}
        head = Head(0, 0, 0)
        while True:
            last = writing.done()
            since = head.revision
            head, entries = (await stores[1].changes({"ann": since}))["ann"]
            assert entries is not None
            assert all(since < entry.revision <= head.revision for entry in entries)
            lines.update((entry.id, entry) for entry in entries)
            assert head == _recount(head.revision, lines.values())
            if last:
                return head, lines

    writing = asyncio.gather(*map(write, range(4)))
    head, lines = await follow(writing)
    await writing

    assert sorted(revisions) == [*range(1, head.revision + 1)]
    pages = [await stores[0].page("ann", filter, limit=1000) for filter in WHOLE]
    assert {page.head for page in pages} == {head}
    assert {entry.id: entry for page in pages for entry in page.entries} == lines


def _recount(revision: int, lines: Iterable[Entry]) -> Head:
    kept = [line for line in lines if line.archived_at is None and line.snoozed_until is None]
    unread = sum(line.read_at is None for line in kept)
    return Head(revision, unread=unread, unseen=sum(line.seen_at is None for line in kept))


async def test_the_copies_of_one_notification_are_in_one_transaction(store: Store) -> None:
    sent = notification()
    changes = await store.create(sent, ["bob", "ann", "bob"])
    assert [change.recipient for change in changes] == ["ann", "bob"]
    for recipient in ("ann", "bob"):
        (line,) = (await store.page(recipient, "unread")).entries
        assert line.id == sent.id

    with pytest.raises(IntegrityError):
        await store.create(notification(id=sent.id), ["cy", "dan"])
    assert (await store.look(["ann", "bob", "cy", "dan"])).revisions == {"ann": 1, "bob": 1}


async def test_a_notification_reaches_a_thousand_recipients_at_once(store: Store) -> None:
    recipients = [f"user-{n}" for n in range(1000)]
    await store.create(notification(), recipients[::2])
    changes = await store.create(notification(), recipients)
    assert [change.recipient for change in changes] == sorted(recipients)
    assert (await store.look(recipients)).revisions == {r: 2 - n % 2 for n, r in enumerate(recipients)}


async def test_an_act_stamps_the_moment_and_keeps_those_before(store: Store) -> None:
    sent = notification()
    await store.create(sent, ["ann"])

    async def do(act: Act) -> Entry:
        _, change = await store.change("ann", act, ids=[sent.id])
        assert change is not None
        assert change.entries is not None
        return change.entries[0]

    before = utcnow()
    seen = await do("seen")
    assert seen.seen_at is not None
    assert before <= seen.seen_at <= utcnow()
    read = await do("read")
    assert read.read_at is not None
    assert seen.seen_at <= read.read_at <= utcnow()
    archived = await do("archive")
    assert archived.archived_at is not None
    assert (archived.seen_at, archived.read_at) == (seen.seen_at, read.read_at)
    back = await do("unarchive")
    assert back == read._replace(revision=5)
    assert await do("unread") == seen._replace(revision=6)


async def test_a_change_of_many_comes_without_its_entries(store: Store) -> None:
    await asyncio.gather(*(store.create(notification(), ["ann"]) for _ in range(PUSH_LIMIT + 1)))
    _, most = await store.change("ann", "seen", up_to=Cursor(store.epoch, PUSH_LIMIT))
    assert most is not None
    assert most.entries is not None
    assert len(most.entries) == most.copies == PUSH_LIMIT
    head, all_ = await store.change("ann", "read")
    assert all_ == Change("ann", PUSH_LIMIT + 2, head, False, None, PUSH_LIMIT + 1)


async def test_what_arrives_after_the_cursor_stays_as_it_is(store: Store) -> None:
    (created,) = await store.create(notification("before"), ["ann"])
    cursor = store.cursor(created.head)
    await store.create(notification("after"), ["ann"])
    head, _ = await store.change("ann", "read", up_to=cursor)
    assert [entry.title for entry in (await store.page("ann", "unread")).entries] == ["after"]
    assert head == Head(3, unread=1, unseen=1)


async def test_a_cursor_of_another_epoch_is_refused_and_changes_nothing(store: Store) -> None:
    await store.create(notification(), ["ann"])
    with pytest.raises(InvalidCursor):
        await store.change("ann", "read", up_to=Cursor("0123456789abcdef", 1))
    with pytest.raises(InvalidCursor):
        await store.change("ann", "read", at=Cursor("0123456789abcdef", 1))
    assert await store.head("ann") == Head(1, unread=1, unseen=1)


async def test_other_peoples_ids_change_nothing(store: Store) -> None:
    hers, unknown = notification(), uuid.uuid4()
    await store.create(hers, ["ann"])
    await store.create(notification(), ["bob"])
    for act in ACTS:
        head, change = await store.change("bob", act, ids=[hers.id, unknown], until=LATER)
        assert (head, change) == (Head(1, unread=1, unseen=1), None)
    assert await store.head("ann") == Head(1, unread=1, unseen=1)


@pytest.mark.parametrize("act", ACTS)
async def test_an_act_on_a_mailbox_that_is_not_there_changes_nothing(store: Store, act: Act) -> None:
    assert await store.change("nobody", act, until=LATER) == (Head(0, 0, 0), None)
    assert await store.change("nobody", act, ids=[], until=LATER) == (Head(0, 0, 0), None)
    assert (await store.look(["nobody"])).revisions == {}

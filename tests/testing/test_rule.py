"""The client's rule in Python: whatever happens to messages on the way, one `sync` makes it equal the store."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from notifs.testing.rule import MOST_HELD, Mailbox
from notifs.wire import Cursor

PAGE = 2
MOST_BEHIND = 8
MARKS = ("read_at", "archived_at", "snoozed_until")
"""Each of them takes a row out of the list of the unread."""
Json = dict[str, Any]


class Store:
    """A small store that keeps the promises of docs/protocol.md."""

    def __init__(self) -> None:
        self.epoch = 0xAAAAAAAA
        self.revision = 0
        self.rows: list[Json] = []
        self.made = 0
        self.life: dict[str, list[Json]] = {}
        """What was unread at each cursor."""
        self._remember()

    def create(self, type: str = "created") -> Json:
        self.revision += 1
        row = {"id": str(self.made), "position": self.revision, **dict.fromkeys(MARKS)}
        self.made += 1
        self.rows.append(row | {"revision": self.revision, "seen_at": None})
        return self.since(self.revision - 1, type)

    def turn(self, pick: int, field: str) -> Json | None:
        """Mark as read, archive or snooze one, or take that back."""
        row = self._pick(pick)
        if row is None:
            return None
        row[field] = None if row[field] else "2026-01-01T00:00:00Z"
        return self.since(self.revision - 1, "changed")

    def retract(self, pick: int) -> Json | None:
        """Take one back for good."""
        row = self._pick(pick)
        if row is None:
            return None
        row |= {"retracted": True, "archived_at": row["archived_at"] or "2026-01-01T00:00:00Z"}
        return self.since(self.revision - 1, "changed")

    def _pick(self, pick: int) -> Json | None:
        """One that is to change, at the next revision."""
        there = [row for row in self.rows if "retracted" not in row]
        if not there:
            return None
        self.revision += 1
        row = there[pick % len(there)]
        row["revision"] = self.revision
        return row

    def step(self, happens: str, pick: int) -> Json | None:
        if happens in ("create", "announce"):
            return self.create("created" if happens == "create" else "announcement")
        if happens == "retract":
            return self.retract(pick)
        return self.turn(pick, happens) if happens in MARKS else None

    def restore(self) -> None:
        """A backup of some revisions ago: what came since is gone, and the epoch is new."""
        self.epoch += 1
        self.rows = [row for row in self.rows if row["revision"] <= self.revision - 3]
        self.revision = max(self.revision - 3, 0)
        self._remember()

    def unread(self) -> list[Json]:
        return self._copy(row for row in self.rows if all(row[mark] is None for mark in MARKS))

    def since(self, prev: int, type: str) -> Json:
        self._remember()
        rows = self._copy(row for row in self.rows if row["revision"] > prev)
        return {"type": type, "prev": prev, "notifs": rows, **self.counted()}

    def sync(self, cursor: str | None) -> list[Json]:
        epoch, _, revision = (cursor or ":0").partition(":")
        behind = self.revision - int(revision)
        if epoch == f"{self.epoch:08x}" and 0 <= behind <= MOST_BEHIND:
            return [self.since(int(revision), "delta")]
        rows, pages, before = self.unread(), list[Json](), None
        for start in range(0, max(len(rows), 1), PAGE):
            part = rows[start : start + PAGE]
            page = {"type": "snapshot", "notifs": part, "has_more": start + PAGE < len(rows), **self.counted()}
            pages.append(page if before is None else {**page, "before": before})
            before = part[-1]["position"] if part else None
        return pages

    def counted(self) -> Json:
        unread = self.unread()
        cursor = f"{self.epoch:08x}:{self.revision}"
        return {"cursor": cursor, "notif_count": len(unread), "unseen_count": len(unread)}

    def _remember(self) -> None:
        self.life[self.counted()["cursor"]] = self.unread()

    def _copy(self, rows: Any) -> list[Json]:
        return [_told(row) for row in sorted(rows, key=lambda row: -row["position"])]


def _told(row: Json) -> Json:
    return {"id": row["id"], "revision": row["revision"], "retracted": True} if "retracted" in row else dict(row)


class Client:
    """A mailbox with the store that it hears of. Whatever comes, it shows what was stored at its cursor."""

    def __init__(self) -> None:
        self.store, self.mailbox = Store(), Mailbox()
        self.sent: list[Json] = []

    def take(self, message: Json) -> list[str]:
        mailbox, before, awaiting = self.mailbox, self.mailbox.cursor, self.mailbox._awaiting
        found = mailbox.take(message)
        if mailbox.cursor is not None:
            there = [row for row in self.store.life[mailbox.cursor] if row["position"] >= (mailbox.through or 0)]
            assert mailbox.unread() == there
            assert mailbox.unread_count == len(self.store.life[mailbox.cursor])
        old, new = Cursor.parse(before), Cursor.parse(mailbox.cursor)
        if old and new and old.epoch == new.epoch and not awaiting:
            assert new.revision >= old.revision
        return found

    def sync(self) -> None:
        self.mailbox.asked()
        for message in self.store.sync(self.mailbox.cursor):
            self.sent.append(message)
            self.take(message)

    def is_up_to_date(self) -> bool:
        return self.mailbox.settled and self.mailbox.cursor == self.store.counted()["cursor"]

    def play(self, steps: list[tuple[str, int, str]]) -> None:
        """Hear of the store's life what fate lets through."""
        late: list[Json] = []
        for happens, pick, fate in steps:
            if happens == "restore":
                self.store.restore()
            if happens == "sync":
                self.sync()
            message = self.store.step(happens, pick)
            if message is None:
                continue
            self.sent.append(message)
            coming = {
                "lost": [],
                "late": [],
                "twice": [message] * 2,
                "old": [message, self.sent[pick % len(self.sent)]],
            }
            late += [message] if fate == "late" else []
            for each in coming.get(fate, [message, *reversed(late)]):
                self.take(each)
        for each in late:
            self.take(each)


ACTS = ["create", "create", "announce", *MARKS, "retract"]
CHANGES = st.tuples(st.sampled_from(ACTS), st.integers(0, 30))
STEPS = st.lists(
    st.tuples(
        st.sampled_from([*ACTS, "restore", "sync"]),
        st.integers(0, 30),
        st.sampled_from(["arrives", "arrives", "lost", "twice", "late", "old"]),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(STEPS)
def test_after_one_sync_it_shows_what_is_stored(steps: list[tuple[str, int, str]]) -> None:
    client = Client()
    client.play(steps)
    client.sync()
    assert client.is_up_to_date()


@settings(max_examples=300)
@given(STEPS, st.booleans(), st.lists(CHANGES, max_size=6), st.lists(CHANGES, max_size=6), st.randoms())
def test_what_comes_before_and_between_an_answer_needs_no_second_sync(
    steps: list[tuple[str, int, str]],
    knows: bool,
    early: list[tuple[str, int]],
    between: list[tuple[str, int]],
    chance: random.Random,
) -> None:
    client = Client()
    client.play(steps)
    client.sync()
    store, mailbox = client.store, client.mailbox
    mailbox.asked()
    first, *pages = store.sync(mailbox.cursor if knows else None)
    sooner = [message for each in early if (message := store.step(*each))]
    chance.shuffle(sooner)
    later = [message for each in between if (message := store.step(*each))]
    for message in (*sooner, first, *later, *pages):
        client.take(message)
    assert client.is_up_to_date()


def test_what_came_whole_and_in_order_needs_no_sync() -> None:
    client = Client()
    client.sync()
    for number in range(20):
        assert client.take(client.store.create()) == [str(number)]
        client.take(client.store.turn(number, "read_at") or {})
        assert client.is_up_to_date()


def test_a_page_of_an_earlier_snapshot_brings_nothing_back() -> None:
    client = Client()
    for _ in range(4):
        client.store.create()
    client.sync()
    _, page = client.sent
    for pick in range(4):
        client.store.turn(pick, "read_at")
    client.mailbox.asked()
    for message in (*client.store.sync(None), page):
        client.take(message)
    assert client.mailbox.unread() == []


def test_one_that_was_taken_back_does_not_come_back_by_what_was_said_before() -> None:
    client = Client()
    created = client.store.create("announcement")
    client.sync()
    assert [row["id"] for row in client.mailbox.unread()] == ["0"]
    read = client.store.turn(0, "read_at") or {}
    client.take(client.store.retract(0) or {})
    client.sync()
    for message in (created, read):
        client.take(message)
    assert client.mailbox.unread() == []
    assert client.mailbox.unread_count == 0


def test_no_more_is_held_than_its_bound() -> None:
    client = Client()
    client.sync()
    client.store.create()
    for _ in range(MOST_HELD + 10):
        client.take(client.store.create())
    assert len(client.mailbox._held) == MOST_HELD
    assert client.mailbox.needs_sync
    client.sync()
    assert client.is_up_to_date()

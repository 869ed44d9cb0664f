"""The client's rule in Python: whatever happens to messages on the way, one `sync` makes it equal the store."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from notifs.testing.rule import MOST_HELD, Mailbox

PAGE = 3
MOST_BEHIND = 8
Json = dict[str, Any]


class Store:
    """A small store that keeps the promises of docs/protocol.md."""

    def __init__(self) -> None:
        self.epoch = 0xAAAAAAAA
        self.revision = 0
        self.rows: list[Json] = []
        self.made = 0

    def create(self) -> Json:
        self.revision += 1
        row = {"id": str(self.made), "position": self.revision, "read_at": None, "archived_at": None}
        self.made += 1
        self.rows.append(row | {"revision": self.revision, "seen_at": None})
        return self.since(self.revision - 1, "created")

    def turn(self, pick: int, field: str) -> Json | None:
        """Mark as read or archive one, or take that back."""
        if not self.rows:
            return None
        self.revision += 1
        row = self.rows[pick % len(self.rows)]
        row[field] = None if row[field] else "2026-01-01T00:00:00Z"
        row["revision"] = self.revision
        return self.since(self.revision - 1, "changed")

    def restore(self) -> None:
        """A backup of some revisions ago: what came since is gone, and the epoch is new."""
        self.epoch += 1
        self.rows = [row for row in self.rows if row["revision"] <= self.revision - 3]
        self.revision = max(self.revision - 3, 0)

    def unread(self) -> list[Json]:
        return self._copy(row for row in self.rows if row["read_at"] is None and row["archived_at"] is None)

    def since(self, prev: int, type: str) -> Json:
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

    def _copy(self, rows: Any) -> list[Json]:
        return sorted((dict(row) for row in rows), key=lambda row: -row["position"])


def equal(mailbox: Mailbox, store: Store) -> None:
    assert mailbox.settled
    assert mailbox.cursor == store.counted()["cursor"]
    assert mailbox.unread_count == store.counted()["notif_count"]
    assert mailbox.unread() == [row for row in store.unread() if row["position"] >= (mailbox.through or 0)]


def sync(mailbox: Mailbox, store: Store) -> None:
    mailbox.asked()
    for message in store.sync(mailbox.cursor):
        mailbox.take(message)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "create", "read_at", "archived_at", "restore", "sync"]),
        st.integers(0, 30),
        st.sampled_from(["arrives", "arrives", "lost", "twice", "late", "old"]),
    ),
    max_size=60,
)


def play(steps: list[tuple[str, int, str]]) -> tuple[Mailbox, Store]:
    """A mailbox that hears of a store's life what fate lets through."""
    mailbox, store, late, sent = Mailbox(), Store(), list[Json](), list[Json]()
    for happens, pick, fate in steps:
        if happens == "restore":
            store.restore()
        if happens == "sync":
            sync(mailbox, store)
        if happens in ("restore", "sync"):
            continue
        message = store.create() if happens == "create" else store.turn(pick, happens)
        if message is None:
            continue
        sent.append(message)
        coming = {"lost": [], "late": [], "twice": [message] * 2, "old": [message, sent[pick % len(sent)]]}
        late += [message] if fate == "late" else []
        for each in coming.get(fate, [message, *reversed(late)]):
            mailbox.take(each)
    for each in late:
        mailbox.take(each)
    return mailbox, store


@given(STEPS)
def test_after_one_sync_it_shows_what_is_stored(steps: list[tuple[str, int, str]]) -> None:
    mailbox, store = play(steps)
    sync(mailbox, store)
    equal(mailbox, store)


@given(STEPS, st.integers(0, 12), st.integers(0, 12))
def test_what_comes_before_the_answer_is_not_lost(steps: list[tuple[str, int, str]], early: int, after: int) -> None:
    mailbox, store = play(steps)
    mailbox.asked()
    answer = store.sync(mailbox.cursor)
    for message in (*(store.create() for _ in range(early)), *answer, *(store.create() for _ in range(after))):
        mailbox.take(message)
    if mailbox.needs_sync:
        sync(mailbox, store)
    equal(mailbox, store)


def test_what_came_whole_and_in_order_needs_no_sync() -> None:
    mailbox, store = Mailbox(), Store()
    sync(mailbox, store)
    for number in range(20):
        assert mailbox.take(store.create()) == [str(number)]
        mailbox.take(store.turn(number, "read_at") or {})
        equal(mailbox, store)


def test_no_more_is_held_than_its_bound() -> None:
    mailbox, store = Mailbox(), Store()
    sync(mailbox, store)
    store.create()
    for _ in range(MOST_HELD + 10):
        mailbox.take(store.create())
    assert len(mailbox._held) == MOST_HELD
    assert mailbox.needs_sync
    sync(mailbox, store)
    equal(mailbox, store)

"""The client's rule of docs/protocol.md: what becomes of a mailbox as messages come in, whatever happened to them.

    mailbox = Mailbox()
    mailbox.take(message)          # each message of `response`, in the order in which it came
    if mailbox.needs_sync:
        mailbox.asked()            # then say `sync` with `mailbox.cursor`

`notifs/browser/core/state.ts` is the same rule for the browser, which also keeps what it fetched of other filters.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from notifs.wire import Cursor

MOST_HELD = 256
"""Messages that are kept while what they follow is missing."""

_PUT_AWAY = ("read_at", "archived_at", "snoozed_until")
"""Marks that take a notification out of the list of the unread."""

Row = Mapping[str, Any]
Message = Mapping[str, Any]


class Mailbox:
    """What a client knows of one mailbox.

    The list of unread notifications reaches down to the position `through`, or to the end if it is None.
    """

    def __init__(self) -> None:
        self.unread_count = 0
        self.unseen_count = 0
        self.rows: dict[str, Row] = {}
        """Everything known, by id."""
        self.through: int | None = None
        self.needs_sync = False
        """There is a gap that only `sync` can fill."""
        self._at: Cursor | None = None
        self._stream: tuple[str, int | None] | None = None
        """The cursor of the last snapshot, and the position that its pages have reached."""
        self._held: deque[Message] = deque(maxlen=MOST_HELD)
        self._awaiting = False

    @property
    def cursor(self) -> str | None:
        """Where this client stands, to come back with; None before the first `snapshot` or `delta`."""
        return str(self._at) if self._at else None

    @property
    def settled(self) -> bool:
        """Whether nothing is missing: no gap, no answer awaited, nothing held."""
        return not (self._awaiting or self.needs_sync or self._held)

    def unread(self) -> list[Row]:
        """The unread notifications, newest first."""
        shown = [r for r in self.rows.values() if _is_unread(r) and r["position"] >= (self.through or 0)]
        return sorted(shown, key=lambda row: -row["position"])

    def asked(self) -> None:
        """Note that `sync` was said: what comes until the answer may be newer than it."""
        self._awaiting = True

    def take(self, message: Message) -> list[str]:
        """Take in one message. Returns the ids that were not known before."""
        before, stood = set(self.rows), (self._at, self._awaiting)
        match message["type"]:
            case "connected":
                self._awaiting = True
            case "created" | "announcement" | "changed":
                self._change(message)
            case "delta":
                self._awaiting = self.needs_sync = False
                self._change(message)
            case "snapshot" if message.get("before") is None:
                self._snapshot(message)
            case "snapshot":
                self._later_page(message)
        if (self._at, self._awaiting) != stood:
            self._settle()
        return [id for id in self.rows if id not in before]

    def _change(self, message: Message) -> None:
        cursor = _cursor(message)
        if self._at is not None and self._at.epoch != cursor.epoch:
            if self._awaiting:  # the answer may well be of this epoch, and older than this message
                self._held.append(message)
            self.needs_sync |= not self._awaiting
            return
        mine = self._at.revision if self._at else -1
        if cursor.revision <= mine:
            return
        if message["prev"] > mine:
            self._held.append(message)
            self.needs_sync = True
            return
        self._move(message, cursor)
        if self._awaiting:
            self._held.append(message)

    def _snapshot(self, message: Message) -> None:
        cursor = _cursor(message)
        old = self._at is not None and self._at.epoch == cursor.epoch and cursor.revision <= self._at.revision
        if old and not self._awaiting:
            return
        self._awaiting = self.needs_sync = False
        self.rows = {}
        self._move(message, cursor)
        last = _last_position(message["notifs"])
        self.through = last if message["has_more"] else None
        self._stream = (message["cursor"], last)

    def _later_page(self, message: Message) -> None:
        """What changed since the page before it has a newer revision, and stays."""
        if self._stream != (message["cursor"], message["before"]):
            return
        self._put(message["notifs"])
        last = _last_position(message["notifs"]) or message["before"]
        self.through = last if message["has_more"] else None
        self._stream = (message["cursor"], last)

    def _settle(self) -> None:
        """Try the held ones again, oldest first. They stay while an answer is awaited, which may be older than they."""
        if not self._held or self._at is None:
            return
        held = self._held.copy()
        self._held.clear()
        for message in sorted(held, key=lambda m: _cursor(m).revision):
            if _cursor(message).epoch == self._at.epoch:
                self._change(message)
        if self._awaiting:
            self._held = held

    def _move(self, message: Message, cursor: Cursor) -> None:
        self._at = cursor
        self.unread_count = message["notif_count"]
        self.unseen_count = message["unseen_count"]
        self._put(message["notifs"])

    def _put(self, rows: Iterable[Row]) -> None:
        for row in rows:
            mine = self.rows.get(row["id"])
            if mine is None or row["revision"] > mine["revision"]:
                self.rows[row["id"]] = row


def _cursor(message: Message) -> Cursor:
    cursor = Cursor.parse(message["cursor"])
    if cursor is None:
        raise ValueError(f"a {message['type']} with {message['cursor']!r} in place of a cursor")
    return cursor


def _last_position(rows: Iterable[Row]) -> int | None:
    positions = [row["position"] for row in rows if "position" in row]
    return positions[-1] if positions else None


def _is_unread(row: Row) -> bool:
    return not row.get("retracted") and all(row[mark] is None for mark in _PUT_AWAY)

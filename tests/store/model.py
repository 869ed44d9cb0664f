"""A mailbox in plain Python: what the store must equal after every step."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from notifs.store import Act, Entry, Head
from notifs.wire import Filter

ACTS: tuple[Act, ...] = ("read", "unread", "seen", "archive", "unarchive", "snooze", "unsnooze")
FILTERS: tuple[Filter, ...] = ("unread", "all", "archived", "snoozed")
DUE, LATER, LATEST = (datetime(year, 1, 1, tzinfo=UTC) for year in (2026, 2126, 2226))
"""Until when something is snoozed: it is time already, or it never will be as long as a test runs."""


@dataclass
class Copy:
    """One line."""

    id: uuid.UUID
    position: int
    revision: int
    seen: bool = False
    read: bool = False
    archived: bool = False
    title: str = "Hello"
    retracted: bool = False
    snoozed: datetime | None = None

    @classmethod
    def of(cls, entry: Entry) -> "Copy":
        moments = (entry.seen_at, entry.read_at, entry.archived_at)
        seen, read, archived = (moment is not None for moment in moments)
        gone = entry.retracted_at is not None
        until = entry.snoozed_until
        return cls(entry.id, entry.position, entry.revision, seen, read, archived, entry.title, gone, until)

    @property
    def kept(self) -> bool:
        """It is in the inbox."""
        return not self.archived and self.snoozed is None

    def is_in(self, filter: Filter) -> bool:
        return {
            "unread": not self.read and self.kept,
            "all": self.kept,
            "archived": self.archived and not self.retracted,
            "snoozed": self.snoozed is not None,
        }[filter]

    def would_change(self, act: Act, until: datetime) -> bool:
        return (
            not self.retracted
            and {
                "read": not self.read,
                "unread": self.read,
                "seen": not self.seen and self.kept,
                "archive": not self.archived,
                "unarchive": self.archived,
                "snooze": not self.archived and self.snoozed != until,
                "unsnooze": self.snoozed is not None,
            }[act]
        )

    def do(self, act: Act, revision: int, until: datetime) -> None:
        self.revision = revision
        self.seen = True  # whatever the act is
        self.read = act == "read" or (self.read and act != "unread")
        self.archived = act == "archive" or (self.archived and act != "unarchive")
        if act in ("snooze", "unsnooze", "archive"):
            self.snoozed = until if act == "snooze" else None


@dataclass
class Mailbox:
    """A recipient's lines, oldest first."""

    revision: int = 0
    copies: list[Copy] = field(default_factory=list)

    @property
    def head(self) -> Head:
        kept = [copy for copy in self.copies if copy.kept]
        return Head(self.revision, sum(not copy.read for copy in kept), sum(not copy.seen for copy in kept))

    def receive(self, id: uuid.UUID) -> None:
        self.revision += 1
        self.copies.append(Copy(id, self.revision, self.revision))

    def copy(self, id: uuid.UUID) -> Copy | None:
        """The copy of a notification that was not taken back."""
        return next((copy for copy in self.copies if copy.id == id and not copy.retracted), None)

    def touch(self, id: uuid.UUID, title: str) -> None:
        """The content of a copy is another one."""
        if copy := self.copy(id):
            self.revision += 1
            copy.title, copy.revision = title, self.revision

    def renew(self, id: uuid.UUID, title: str) -> None:
        """The same, and it is as new; or it is new."""
        if copy := self.copy(id):
            copy.read = copy.seen = copy.archived = False
            copy.snoozed = None
            self.touch(id, title)
        else:
            self.receive(id)
            self.copies[-1].title = title

    def retract(self, id: uuid.UUID) -> None:
        """A copy is taken back."""
        if copy := self.copy(id):
            self.touch(id, "")
            copy.archived = copy.retracted = True
            copy.snoozed = None

    def wake(self) -> list[Copy]:
        """The snoozes that are due end, in one step; returns what comes back."""
        due = [copy for copy in self.copies if copy.snoozed == DUE]
        self.revision += bool(due)
        for copy in due:
            copy.snoozed, copy.read, copy.seen, copy.revision = None, False, False, self.revision
        return due

    def do(
        self,
        act: Act,
        *,
        ids: Collection[uuid.UUID] | None = None,
        up_to: int | None = None,
        at: int | None = None,
        until: datetime = LATER,
    ) -> list[Copy]:
        """Do it to those that it would change, in one step; returns them."""
        chosen = [
            copy
            for copy in self.copies
            if copy.would_change(act, until)
            and (ids is None or copy.id in ids)
            and (up_to is None or (copy.position <= up_to and copy.kept))
            and (at is None or copy.revision == at)
        ]
        self.revision += bool(chosen)
        for copy in chosen:
            copy.do(act, self.revision, until)
        return chosen

    def lines(self, filter: Filter) -> list[Copy]:
        """Newest first."""
        return [copy for copy in reversed(self.copies) if copy.is_in(filter)]

    def changes(self, since: int) -> list[Copy]:
        """What changed after a revision, oldest change first."""
        changed = [copy for copy in self.copies if copy.revision > since]
        return sorted(changed, key=lambda copy: (copy.revision, copy.position))

"""The words of the client: what it takes, and what it gives."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict

Priority = Literal["low", "normal", "high", "urgent"]


class Changes(TypedDict, total=False):
    """What can be changed later."""

    title: str
    body: str
    url: str | None
    icon: str | None
    actor: Mapping[str, str | None] | None
    actions: Sequence[Mapping[str, str]]
    priority: Priority
    group: str | None
    data: Mapping[str, Any]
    expires_at: datetime | None


class Announcement(Changes, total=False):
    """What is told to everyone: its fields, or a `kind` that the server knows and its `payload`."""

    kind: str
    payload: Mapping[str, Any]
    subject: tuple[str, str] | None


class Options(Announcement, total=False):
    """What is told to some."""

    topics: str | Iterable[str]
    exclude: str | Iterable[str]
    dedupe_key: str | None
    send_at: datetime | None


class Item(Options, total=False):
    """One of many."""

    to: str | Iterable[str]
    idempotency_key: str


class Counts(TypedDict):
    """Copies of a notification."""

    recipients: int
    seen: int
    read: int
    archived: int


class Notification(TypedDict):
    """A notification as its producer sees it; moments are text, as in `2030-12-24T18:00:00Z`."""

    id: str
    producer: str
    kind: str
    title: str
    body: str
    url: str | None
    icon: str | None
    actor: dict[str, str | None] | None
    actions: list[dict[str, str]]
    priority: Priority
    group: str | None
    data: dict[str, Any]
    created_at: str
    send_at: str | None
    expires_at: str | None
    dedupe_key: str | None
    subject: dict[str, str] | None
    version: int
    announced: bool
    job: str | None
    counts: Counts


class Receipt(TypedDict):
    """One recipient's copy."""

    recipient: str
    seen_at: str | None
    read_at: str | None
    archived_at: str | None


class Progress(TypedDict):
    """How far a job is."""

    id: str
    act: Literal["send", "update", "retract"]
    notification: str
    total: int
    done: int
    due_at: str
    finished_at: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """A notification that was accepted: by this call, or by an earlier one under the same key."""

    id: str
    recipients: int
    job: str | None
    """The job that sends it, where it goes to many, or later."""

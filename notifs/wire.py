"""The protocol page: every name and shape on the wire is written here, once.

Socket.IO namespace `/notifs`. The server sends one event, `response`; its message always has the shape of
`Message`. The client sends the events that `realtime/inbox.py` registers; each is acknowledged with `Ack` or `Refusal`.
"""

import re
from typing import Any, Literal, NamedTuple, NotRequired, Self, TypedDict

NAMESPACE = "/notifs"
RESPONSE = "response"

PAGE = 50
"""Notifications in one snapshot page."""
SNAPSHOT_LIMIT = 200
"""Notifications in a whole snapshot; older ones are brought by `fetch`."""
DELTA_LIMIT = 500
"""A cursor further behind than this many changes, or changed notifications, gets a snapshot instead of a delta."""
PUSH_LIMIT = 200
"""A change that touches more notifications than this is pushed as a snapshot."""
IDS_LIMIT = 200
"""Ids in one client event."""
FRAME_LIMIT = 65_536
"""Bytes of one client frame."""
DEPTH_LIMIT = 8
"""Levels of nesting in a client event's payload."""

SNOOZE_DAYS = 366
"""For how long something can be snoozed at most."""
SEARCH_LIMIT = 200
"""Characters of what is searched for."""

Filter = Literal["unread", "all", "archived", "snoozed"]
Type = Literal["connected", "snapshot", "delta", "created", "changed", "announcement", "degraded", "error"]
Step = Literal["created", "announcement", "changed"]
"""A message that is pushed as it happens."""

META: dict[Type, str] = {
    "connected": "WS connected",
    "snapshot": "Unread notifications",
    "delta": "Notifications changed",
    "created": "New notifications",
    "changed": "Notifications changed",
    "announcement": "Announcement",
    "degraded": "Updates may be late",
    "error": "Error",
}


def room_for(recipient: str) -> str:
    """The Socket.IO room of a recipient. Built on the server only: a client never names a room."""
    return f"user_{recipient}"


_CURSOR = re.compile(r"([0-9a-f]{8,32}):(0|[1-9][0-9]{0,17})", re.ASCII)


class Cursor(NamedTuple):
    """Where a client stands: `epoch:revision`. It carries no authority, it only says what was seen."""

    epoch: str
    revision: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.revision}"

    @classmethod
    def parse(cls, text: object) -> Self | None:
        """The cursor that `text` spells, or None if it spells none."""
        match = _CURSOR.fullmatch(text) if isinstance(text, str) else None
        return cls(match[1], int(match[2])) if match else None


class Actor(TypedDict):
    id: str | None
    name: str
    avatar: str | None


class Action(TypedDict):
    label: str
    url: str
    method: Literal["GET", "POST"]
    style: Literal["primary", "default", "danger"]


class Notification(TypedDict):
    """The standard form: one recipient's copy of a notification. Times are ISO 8601 in UTC."""

    id: str
    kind: str
    title: str
    body: str
    url: str | None
    icon: str | None
    actor: Actor | None
    actions: list[Action]
    priority: Literal["low", "normal", "high", "urgent"]
    group: str | None
    data: dict[str, Any]
    created_at: str
    received_at: str
    mark_read: str
    position: int
    revision: int
    seen_at: str | None
    read_at: str | None
    archived_at: str | None
    snoozed_until: str | None
    expires_at: str | None


class Retracted(TypedDict):
    """What is left of a notification that was taken back."""

    id: str
    revision: int
    retracted: Literal[True]


class Message(TypedDict):
    """What `response` carries. Counts and list are of the revision in `cursor`."""

    meta: str
    type: Type
    notif_count: int | None
    """Unread at `cursor`. None on `degraded` alone: the store cannot be read just now."""
    unseen_count: int | None
    notifs: list[Notification | Retracted]
    cursor: str | None
    """Where the client stands once it has applied this message; None where there is nothing to apply."""
    person: NotRequired[str]
    """On `connected`, and on what is asked for over HTTP: whose mailbox it is, without saying who that is."""
    prev: NotRequired[int]
    """On `created`, `announcement`, `changed` and `delta`: the revision that this message follows."""
    recovered: NotRequired[bool]
    """On `snapshot` and `delta`: nothing was missed since the client's cursor."""
    has_more: NotRequired[bool]
    """On `snapshot`: older unread ones remain."""
    before: NotRequired[int]
    """On the second and later pages of a `snapshot`: the position that the page before ended at."""
    error: NotRequired["Problem"]
    """On `degraded` and `error`: what is wrong."""


class Search(NamedTuple):
    """What of a filter is looked for; None leaves nothing out."""

    kind: str | None = None
    """The key of a kind."""
    actor: str | None = None
    """Who has this id, or, where an actor has none, this name."""
    text: str | None = None
    """A part of the title, in upper or lower case."""


class Page(TypedDict):
    """What `fetch` and `GET /api/v1/inbox` answer: notifications of one filter, newest first."""

    filter: Filter
    before: int | None
    kind: str | None
    actor: str | None
    text: str | None
    notifs: list[Notification]
    notif_count: int
    unseen_count: int
    cursor: str
    has_more: bool
    through: int | None
    """The position that the next page is to be `before`. A search looks through some thousand notifications at a time:
    it may have found few of them, or none, and yet have more."""


class Ack(TypedDict):
    """What an inbox event is acknowledged with; other events add or choose their own fields beside `ok`."""

    ok: Literal[True]
    cursor: str
    notif_count: int
    unseen_count: int


class Done(Ack):
    """What an act is acknowledged with."""

    changed: int
    """Notifications that it has changed. Where there are none, `cursor` is that of an earlier change."""


class Problem(TypedDict):
    code: str
    message: str


class Refusal(TypedDict):
    ok: Literal[False]
    error: Problem


def refusal(code: str, message: str) -> Refusal:
    """The ack of an event that was not carried out."""
    return {"ok": False, "error": {"code": code, "message": message}}

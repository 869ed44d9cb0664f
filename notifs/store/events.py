"""What webhooks are told of: the events, and their data as they go out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from notifs.store.drafts import Draft, Outcome, Sent
from notifs.store.mailbox import Act, Change
from notifs.store.models import CONTENT

CREATED, READ, ARCHIVED = "notification.created", "notification.read", "notification.archived"
TYPES = (CREATED, READ, ARCHIVED)
IDS_TOLD = 100
"""Recipients, or notifications, that an event names; it counts all of them."""

_TOLD = (*(column.key for column in CONTENT), "producer", "subject_type", "subject_id", "send_at")
_ACTS: dict[Act, str] = {"read": READ, "archive": ARCHIVED}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened. Its data are only made where somebody wants to be told."""

    type: str
    data: Callable[[], dict[str, Any]]

    def payload(self, now: datetime) -> str:
        """The body of the request, as JSON."""
        said = {"type": self.type, "timestamp": now.astimezone(UTC), "data": self.data()}
        return orjson.dumps(said, option=orjson.OPT_UTC_Z).decode()


def sent(drafts: Sequence[Draft], answers: Sequence[object]) -> Iterator[Event]:
    """What was created of these drafts: not what was there already, under its idempotency key or its dedupe key."""
    for draft, answer in zip(drafts, answers, strict=True):
        if isinstance(answer, Outcome) and answer.sent.new and answer.sent.id == str(draft.id):
            yield created(draft.columns, _known(draft, answer), answer.sent.recipients)


def _known(draft: Draft, answer: Outcome) -> Sequence[str]:
    """Who has got it, followers of topics among them; or, while nobody has, who was named."""
    return [change.recipient for change in answer.changes[:IDS_TOLD]] or draft.recipients


def announced(draft: Draft, sent: Sent) -> list[Event]:
    """An announcement, unless it was made before."""
    return [created(draft.columns, (), None)] if sent.new else []


def created(columns: Mapping[str, Any], recipients: Sequence[str], count: int | None) -> Event:
    """A notification was created: by its columns, for so many recipients, or for everyone; and those that are known."""

    def data() -> dict[str, Any]:
        said = {name: columns[name] for name in _TOLD if columns.get(name) is not None}
        return {**said, "recipients": count, "to": list(recipients[:IDS_TOLD])}

    return Event(CREATED, data)


def changed(act: Act, change: Change | None) -> list[Event]:
    """What `act` has done to a mailbox, if that is something that webhooks are told of."""
    if change is None or act not in _ACTS:
        return []

    def data() -> dict[str, Any]:
        ids = [str(entry.id) for entry in (change.entries or ())[:IDS_TOLD]]
        return {"recipient": change.recipient, "ids": ids, "count": change.copies}

    return [Event(_ACTS[act], data)]

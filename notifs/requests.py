"""What a person may ask of their inbox, over a socket or HTTP alike: fields, types, bounds."""

import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from notifs.errors import InvalidCursor, InvalidUntil
from notifs.wire import IDS_LIMIT, PAGE, SEARCH_LIMIT, SNAPSHOT_LIMIT, SNOOZE_DAYS, Cursor, Filter, Search


class Request(BaseModel):
    """Base of what a client sends: strict types, no unknown fields."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _cursor(name: str, use: str, value: Any) -> Cursor:
    cursor = Cursor.parse(value)
    if cursor is None:
        raise InvalidCursor(f"{name} is not a cursor; use that of {use}, like 3f9a0c1e5b7d2468:42")
    return cursor


def _until(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise InvalidUntil("until is no moment; write it in ISO 8601 with its zone: 2026-11-27T09:00:00Z") from None
    if moment.tzinfo is None:
        raise InvalidUntil("until has no zone; end it with Z, or with an offset like +01:00")
    now = datetime.now(UTC)
    if moment <= now:
        raise InvalidUntil("until is past; choose a moment that is still to come")
    if moment > now + timedelta(days=SNOOZE_DAYS):
        raise InvalidUntil(f"until is more than {SNOOZE_DAYS} days away; choose an earlier moment")
    return moment.astimezone(UTC)


UpTo = Annotated[Cursor, BeforeValidator(partial(_cursor, "up_to", "the last message"))]
At = Annotated[Cursor, BeforeValidator(partial(_cursor, "at", "the answer to an act"))]
Until = Annotated[datetime, BeforeValidator(_until)]
Id = Annotated[str, StringConstraints(max_length=64)]
Term = Annotated[str, StringConstraints(max_length=SEARCH_LIMIT, pattern=r"^[^\x00]*$")]


class Ids(Request):
    """Notifications by id. Ids that are unknown, somebody else's or no ids at all are ignored."""

    ids: Annotated[list[Id], Field(max_length=IDS_LIMIT)]

    def uuids(self) -> list[uuid.UUID]:
        return [id for id in map(_uuid, self.ids) if id is not None]


class ReadAll(Request):
    """All that the person could see at the cursor `up_to`; what arrived since stays unread."""

    up_to: UpTo


class Either(Request):
    """Notifications by `ids`, or by the one other field that need not be given."""

    ids: Annotated[list[Id], Field(max_length=IDS_LIMIT)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        choice = [name for name, field in type(self).model_fields.items() if not field.is_required()]
        if sum(getattr(self, name) is not None for name in choice) != 1:
            raise ValueError(f"give either {' or '.join(choice)}")
        return self

    def uuids(self) -> list[uuid.UUID] | None:
        return None if self.ids is None else Ids(ids=self.ids).uuids()


class These(Either):
    """Either `ids`, or `at`: all that was last changed by the act that was answered with this cursor."""

    at: At | None = None


class Snooze(These):
    """The same, and the moment at which they come back: in ISO 8601 with its zone."""

    until: Until


class Seen(Either):
    """Either `ids` or `up_to`."""

    up_to: UpTo | None = None


class Sync(Request):
    """A cursor; anything that is none is answered with a snapshot."""

    cursor: Any = None


class Refresh(Request):
    """A token of the host's, of the same person as before."""

    token: str


class Fetch(Request):
    """A page of one filter: the newest below the position `before`, of those that are searched for."""

    filter: Filter = "unread"
    before: Annotated[int, Field(ge=0, le=2**62)] | None = None
    limit: Annotated[int, Field(ge=1, le=SNAPSHOT_LIMIT)] = PAGE
    kind: Term | None = None
    actor: Term | None = None
    text: Term | None = None

    @property
    def search(self) -> Search:
        return Search(self.kind, self.actor, self.text)


def explain(error: ValidationError) -> str:
    """What was wrong with what was sent, field by field, without repeating it."""
    parts = []
    for each in error.errors(include_input=False, include_context=False, include_url=False)[:5]:
        where = ".".join(str(step) for step in each["loc"])
        told = "there is no such field" if each["type"] == "extra_forbidden" else each["msg"]
        parts.append((f"{where}: " if where else "") + told.removeprefix("Value error, "))
    return "; ".join(parts)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None

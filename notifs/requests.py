"""What a person may ask of their inbox, over a socket or HTTP alike: fields, types, bounds."""

import uuid
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from notifs.errors import InvalidCursor
from notifs.wire import IDS_LIMIT, PAGE, SNAPSHOT_LIMIT, Cursor, Filter


class Request(BaseModel):
    """Base of what a client sends: strict types, no unknown fields."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _cursor(value: Any) -> Cursor:
    cursor = Cursor.parse(value)
    if cursor is None:
        raise InvalidCursor("up_to is not a cursor; use that of the last message, like 3f9a0c1e5b7d2468:42")
    return cursor


UpTo = Annotated[Cursor, BeforeValidator(_cursor)]
Id = Annotated[str, StringConstraints(max_length=64)]


class Ids(Request):
    """Notifications by id. Ids that are unknown, somebody else's or no ids at all are ignored."""

    ids: Annotated[list[Id], Field(max_length=IDS_LIMIT)]

    def uuids(self) -> list[uuid.UUID]:
        return [id for id in map(_uuid, self.ids) if id is not None]


class ReadAll(Request):
    """All that the person could see at the cursor `up_to`; what arrived since stays unread."""

    up_to: UpTo


class Seen(Request):
    """Either `ids` or `up_to`."""

    ids: Annotated[list[Id], Field(max_length=IDS_LIMIT)] | None = None
    up_to: UpTo | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "Seen":
        if (self.ids is None) == (self.up_to is None):
            raise ValueError("give either ids or up_to")
        return self

    def uuids(self) -> list[uuid.UUID] | None:
        return None if self.ids is None else Ids(ids=self.ids).uuids()


class Sync(Request):
    """A cursor; anything that is none is answered with a snapshot."""

    cursor: Any = None


class Refresh(Request):
    """A token of the host's, of the same person as before."""

    token: str


class Fetch(Request):
    """A page of one filter: the newest below the position `before`."""

    filter: Filter = "unread"
    before: Annotated[int, Field(ge=0, le=2**62)] | None = None
    limit: Annotated[int, Field(ge=1, le=SNAPSHOT_LIMIT)] = PAGE


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

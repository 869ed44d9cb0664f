"""What producers send."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, JsonValue, WithJsonSchema, model_validator

from notifs.api.fields import (
    ONE_LINE,
    Actions,
    Body,
    EventName,
    Group,
    KindKey,
    Moment,
    Name,
    Title,
    TopicName,
    Url,
    Word,
)
from notifs.api.operations import Asked
from notifs.drafting import EXCLUDE_LIMIT, RECIPIENTS_LIMIT, TOPICS_LIMIT
from notifs.kinds import Actor, Priority

BATCH_LIMIT = 1000
"""Notifications in one batch."""
FOLLOWERS_LIMIT = 5000
"""Followers that one request adds, or removes."""


CONTENT: list[JsonValue] = [{"required": ["title"]}, {"required": ["kind", "payload"]}]
"""How the document says that there is a title, or a kind that makes it."""


class Subject(Asked):
    """What a notification is about, in the producer's own words."""

    type: Annotated[str, Field(min_length=1, max_length=100, pattern=ONE_LINE, examples=["post"])]
    id: Annotated[str, Field(min_length=1, max_length=200, pattern=ONE_LINE, examples=["7"])]


class Fields(Asked):
    """The content of a notification."""

    title: Title | None = None
    body: Body | None = None
    url: Url | None = None
    icon: Url | None = None
    actor: Actor | None = None
    actions: Actions | None = None
    priority: Priority | None = None
    group: Group | None = None
    data: Annotated[dict[str, Any], Field(description="JSON of your own.")] | None = None

    def given(self, *names: str) -> dict[str, Any]:
        """The fields that were sent, of these names or of the content's."""
        wanted = self.model_fields_set & {*(names or Fields.model_fields)}
        return {name: getattr(self, name) for name in wanted}


class _Shared(Fields):
    """What a notification and an announcement have in common."""

    kind: KindKey | None = None
    payload: (
        Annotated[dict[str, Any], Field(description="The fields of a registered kind, which makes the content.")] | None
    ) = None
    subject: Subject | None = None
    expires_at: Moment | None = None

    @model_validator(mode="after")
    def _content_or_payload(self) -> "_Shared":
        if self.payload is not None and (self.kind is None or self.model_fields_set & {*Fields.model_fields}):
            raise ValueError("payload goes with kind, and with no field that a kind makes itself")
        if self.payload is None and self.title is None:
            raise ValueError("title is missing, or kind and payload")
        return self


class Announce(_Shared):
    """A notification for everyone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": "Down for maintenance tonight", "url": "/status"}],
            "anyOf": CONTENT,
        }
    )


class Send(_Shared):
    """A notification, and whom it is for: `to`, the followers of `topics`, or both, without `exclude`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"to": ["ada"], "title": "Order 7 is placed", "url": "/orders/7", "priority": "high"},
                {"topics": ["orders"], "title": "The shop opens", "send_at": "2030-12-24T18:00:00Z"},
            ],
            "anyOf": CONTENT,
        }
    )

    to: Annotated[list[Name], Field(max_length=RECIPIENTS_LIMIT, default_factory=list)]
    topics: Annotated[list[TopicName], Field(max_length=TOPICS_LIMIT, default_factory=list)]
    exclude: Annotated[list[Name], Field(max_length=EXCLUDE_LIMIT, default_factory=list)]
    dedupe_key: (
        Annotated[Word, Field(description="While one with this key is unread, it is updated instead.")] | None
    ) = None
    send_at: Annotated[Moment, Field(description="When it is sent, if not at once.")] | None = None

    @model_validator(mode="after")
    def _somebody(self) -> "Send":
        if not self.to and not self.topics:
            raise ValueError("nobody is named; give to, or topics")
        return self


class Item(Send):
    """One of a batch."""

    idempotency_key: (
        Annotated[Word, Field(description="Instead of the one that the header `Idempotency-Key` makes.")] | None
    ) = None


class Batch(Asked):
    """Up to 1,000 notifications. Each is checked for itself, and has its own answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": [{"to": ["ada"], "title": "One"}, {"to": ["grace"], "title": "Two"}]}]
        }
    )

    items: Annotated[
        list[Any],
        Field(min_length=1, max_length=BATCH_LIMIT),
        WithJsonSchema(
            {
                "type": "array",
                "minItems": 1,
                "maxItems": BATCH_LIMIT,
                "items": {"$ref": "#/components/schemas/Item"},
            }
        ),
    ]


class Change(Fields):
    """The fields that shall be others; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Order 7 has been shipped"}]})

    expires_at: Moment | None = None


class Follow(Asked):
    """Who shall follow a topic, and who shall not any more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"add": ["ada", "grace"], "remove": ["linus"]}]})

    add: Annotated[list[Name], Field(max_length=FOLLOWERS_LIMIT, default_factory=list)]
    remove: Annotated[list[Name], Field(max_length=FOLLOWERS_LIMIT, default_factory=list)]


Limit = Annotated[int, Field(ge=1, le=1000, description="Rows of a page.")]
CursorText = Annotated[
    str, Field(min_length=1, max_length=1200, description="`next` of the page before; leave it out to begin.")
]


class Paged(Asked):
    """A page."""

    cursor: CursorText | None = None
    limit: Limit = 100


class PagedByKind(Paged):
    """A page of one kind, or of all."""

    kind: KindKey | None = None


class Audited(Paged):
    """A page of the audit log: all of it, or what is about a recipient, of one event, not older than that."""

    recipient: Name | None = None
    event: EventName | None = None
    since: Moment | None = None

"""Fields of what producers send and get: their types and bounds, and how the OpenAPI document shows them."""

import re
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from notifs.forms import iso
from notifs.kinds import BODY_LIMIT, KEY, TITLE_LIMIT, Action
from notifs.store.audit import EVENTS
from notifs.store.names import NAME_LIMIT, TOPIC, is_topic

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _topic(value: str) -> str:
    if not is_topic(value):
        raise ValueError("must be made of the characters A-Z a-z 0-9 _ . : @ + ~ - in parts joined by /")
    return value


def _event(value: str) -> str:
    if value not in EVENTS:
        raise ValueError(f"must be one of {', '.join(EVENTS)}")
    return value


def _moment(value: Any) -> Any:
    if isinstance(value, str):
        if not _MOMENT.fullmatch(value):
            raise ValueError("must be a moment with its time zone, like 2026-12-24T18:00:00Z (RFC 3339)")
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError("there is no such moment") from None
    return value


ONE_LINE = r"^[^\x00-\x1f\x7f]+$"
"""What the document says of a name. Which characters are printable, no pattern can say; the store's doors check it."""
Name = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT, pattern=ONE_LINE, examples=["ada"])]
Word = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT, pattern=ONE_LINE)]
TopicName = Annotated[
    str,
    Field(min_length=1, max_length=NAME_LIMIT),
    AfterValidator(_topic),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": NAME_LIMIT,
            "pattern": f"^{TOPIC.pattern}$",
            "examples": ["orders"],
        }
    ),
]
EventName = Annotated[str, AfterValidator(_event), WithJsonSchema({"type": "string", "enum": list(EVENTS)})]
KindKey = Annotated[str, Field(max_length=100, pattern=f"^{KEY.pattern}$", examples=["comment.posted"])]
System = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_.-]{0,49}$", examples=["github"])]
LinkName = Annotated[
    str, Field(min_length=1, max_length=NAME_LIMIT, pattern=r"^[^\x00-\x20\x7f]+$", examples=["octocat"])
]
Id = Annotated[
    uuid.UUID,
    PlainSerializer(str, return_type=str),  # some databases have a class of their own for it
    Field(examples=["01935d3f-7b1e-7cc2-9d5a-0b6f5a3c2e11"]),
]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    PlainSerializer(iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2030-12-24T18:00:00Z"]}),
]
Title = Annotated[str, Field(min_length=1, max_length=TITLE_LIMIT, description="One line.")]
Body = Annotated[str, Field(max_length=BODY_LIMIT, description=f"At most {BODY_LIMIT} bytes in UTF-8.")]
Url = Annotated[
    str,
    Field(min_length=1, max_length=2048),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": 2048,
            "pattern": r"^(https?://[^\x00-\x20\x7f\\@]+|/([^\x00-\x20\x7f\\/][^\x00-\x20\x7f\\]*)?)$",
            "description": "http(s), or a path that begins with a single slash.",
        }
    ),
]
Group = Annotated[str, Field(max_length=200, description="Notifications of one group are shown as one.")]
Actions = Annotated[list[Action], Field(max_length=3)]

"""What names may look like: of recipients, of topics."""

import re
from collections.abc import Iterable

from notifs.errors import BadRequest, InvalidCursor

NAME_LIMIT = 200
"""Characters of a name, of whatever it is."""
TOPIC = re.compile(r"(?!\.{1,2}(?:/|$))[A-Za-z0-9_.:@+~-]+(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9_.:@+~-]+)*")
"""A topic's name: parts joined by slashes, and none of them `.` or `..`, so that it can stand in any URL as it is."""


def is_name(text: str) -> bool:
    """Whether it is 1 to NAME_LIMIT printable characters: one line, and storable everywhere."""
    return 0 < len(text) <= NAME_LIMIT and text.isprintable()


def check_recipients(recipients: Iterable[str]) -> list[str]:
    """The recipients, named once, in ascending order.

    Raises:
        BadRequest: `invalid_recipient`.
    """
    named = set(recipients)
    if not all(is_name(recipient) for recipient in named):
        raise BadRequest(
            f"a recipient is text of 1 to {NAME_LIMIT} printable characters", code="invalid_recipient", status=422
        )
    return sorted(named)


def is_topic(text: str) -> bool:
    """Whether it can be a topic."""
    return len(text) <= NAME_LIMIT and TOPIC.fullmatch(text) is not None


def check_topic(topic: str) -> str:
    """The topic, if it can be one.

    Raises:
        BadRequest: `invalid_topic`.
    """
    if not is_topic(topic):
        raise BadRequest(
            f"a topic is 1 to {NAME_LIMIT} of the characters A-Z a-z 0-9 _ . : @ + ~ - in parts joined by /",
            code="invalid_topic",
            status=422,
        )
    return topic


def check_after(name: str) -> str:
    """The name that a page begins after; "" for the first page.

    Raises:
        InvalidCursor: no page has ended with it.
    """
    if name and not is_name(name):
        raise InvalidCursor("this is no cursor; begin without one")
    return name

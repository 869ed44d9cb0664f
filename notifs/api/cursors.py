"""Cursors of pages: where the next one begins, in a form that says nothing to anybody else."""

import base64
import binascii
import uuid
from collections.abc import Callable, Sequence
from typing import TypeVar

from notifs.errors import InvalidCursor

T = TypeVar("T")


def page(rows: Sequence[T], limit: int, key: Callable[[T], str]) -> tuple[Sequence[T], str | None]:
    """A page out of one row more than it has, and the cursor of the next one; None where there is none.

    Args:
        key: what the next page begins after.
    """
    if len(rows) <= limit:
        return rows, None
    last = key(rows[limit - 1])
    return rows[:limit], base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def after(cursor: str | None) -> str:
    """The key that a page begins after; "" for the first page.

    Raises:
        InvalidCursor: no page has given this one.
    """
    if cursor is None:
        return ""
    try:
        key = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        key = ""
    if not key.isprintable() or not 0 < len(key) <= 200:
        raise _invalid()
    return key


def before(cursor: str | None) -> uuid.UUID | None:
    """The id that a page begins below; None for the first page.

    Raises:
        InvalidCursor: no page has given this one.
    """
    try:
        return uuid.UUID(after(cursor)) if cursor is not None else None
    except ValueError:
        raise _invalid() from None


def _invalid() -> InvalidCursor:
    return InvalidCursor("this is no cursor; begin without one, then use `next` of the page before")

"""When a delivery that failed is tried again."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_SECOND, _MINUTE, _HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
WAITS = (
    0 * _SECOND, 5 * _SECOND, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR,
    24 * _HOUR,
)  # fmt: skip
"""How long to wait before each attempt, as Standard Webhooks suggests: ten attempts in a little over three days."""
JITTER = 0.1
"""The part of a wait that is added to it at most, so that what failed together is not tried again together."""


def again_at(attempt: int, now: datetime, retry_after: str | None = None) -> datetime | None:
    """When to try again after `attempt` has failed, 1 being the first; None: never.

    What the receiver asks for by `Retry-After` is respected, up to a day.
    """
    if attempt >= len(WAITS):
        return None
    wait = WAITS[attempt] * (1 + random.uniform(0, JITTER))  # noqa: S311
    return now + max(wait, min(_asked(retry_after, now), WAITS[-1]))


def _asked(retry_after: str | None, now: datetime) -> timedelta:
    """Seconds, or a date (RFC 9110, section 10.2.3); nothing where it is neither."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 86_400))
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return timedelta()
    return (date if date.tzinfo else date.replace(tzinfo=UTC)) - now

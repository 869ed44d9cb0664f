"""The standard form says how old a notification is, as people say it."""

from datetime import UTC, datetime, timedelta

import humanize
import pytest

from notifs.forms import Forms
from notifs.store import Entry, Head
from notifs.wire import Cursor
from tests.samples import line, notification

DAY = 24 * 3600
NOW = datetime(2026, 11, 26, 12, 0, 0, 250_000, tzinfo=UTC)


def _cursor(head: Head) -> Cursor:
    return Cursor("0123456789abcdef", head.revision)


def _made(seconds: float) -> Entry:
    return line(notification(created_at=NOW - timedelta(seconds=seconds)), 1)


@pytest.mark.parametrize(
    "seconds",
    [0, 0.9, 1.5, 59, 60, 90.5, 1799, 3599, 3600, 5340, 5460, DAY - 60, DAY, 45 * DAY, 400 * DAY, -0.5, -30, -2 * 3600],
)
def test_an_age_is_told_as_humanize_tells_it(seconds: float) -> None:
    entry, forms = _made(seconds), Forms(_cursor)
    told = humanize.naturaltime(entry.created_at, when=NOW)
    assert [forms.notification(entry, NOW)["received_at"] for _ in range(2)] == [told, told]


def test_a_moment_is_told_in_utc_to_the_millisecond() -> None:
    assert Forms(_cursor).notification(_made(0.5), NOW)["created_at"] == "2026-11-26T11:59:59.750Z"

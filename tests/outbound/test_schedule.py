"""A delivery that fails is tried ten times in a little over three days."""

from datetime import UTC, datetime, timedelta

import pytest

from notifs.outbound.schedule import JITTER, WAITS, again_at

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_waits_grow_and_are_spread() -> None:
    for attempt in range(1, len(WAITS)):
        tries = [again_at(attempt, NOW) for _ in range(50)]
        assert all(t and NOW + WAITS[attempt] <= t <= NOW + WAITS[attempt] * (1 + JITTER) for t in tries)
        assert len(set(tries)) > 1


def test_after_the_last_attempt_there_is_none() -> None:
    assert again_at(len(WAITS), NOW) is None
    assert again_at(len(WAITS) + 3, NOW) is None
    assert again_at(len(WAITS), NOW, "60") is None


@pytest.mark.parametrize(
    ("asked", "least"),
    [
        ("120", timedelta(seconds=120)),
        ("Tue, 24 Nov 2026 13:00:00 GMT", timedelta(hours=1)),
        ("99999999999999999999", timedelta(hours=24)),
        ("Tue, 24 Nov 2099 13:00:00 GMT", timedelta(hours=24)),
        ("0", WAITS[1]),
        ("Tue, 24 Nov 1970 13:00:00 GMT", WAITS[1]),
        ("-5", WAITS[1]),
        ("soon", WAITS[1]),
        ("Tue, 24 Nov 99999999999999999999 13:00:00 GMT", WAITS[1]),
        ("Tue, 24 Nov 2099 13:00:00 +99999999999999999999", WAITS[1]),
        ("", WAITS[1]),
        ("٣", WAITS[1]),
    ],
)
def test_what_the_receiver_asks_for_is_respected_up_to_a_day(asked: str, least: timedelta) -> None:
    again = again_at(1, NOW, asked)
    assert again is not None
    assert NOW + least <= again <= NOW + max(least, WAITS[1] * (1 + JITTER))

"""Ids and moments as the tables have them."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store.database import Database
from notifs.store.models import CONTENT, Notification, new_id
from tests.samples import notification


def test_ids_are_uuids_of_version_7_with_the_time_in_front() -> None:
    before = datetime.now(UTC)
    ids = [new_id() for _ in range(100)]
    after = datetime.now(UTC)
    assert len({*ids}) == 100
    for id in ids:
        assert (id.version, id.variant) == (7, "specified in RFC 4122")
        moment = datetime.fromtimestamp((id.int >> 80) / 1000, UTC)
        assert before - timedelta(milliseconds=1) <= moment <= after
    assert all(a.int >> 64 <= b.int >> 64 for a, b in pairwise(ids))


def test_ids_made_later_sort_later_within_a_millisecond_too(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [10**18 + n for n in (0, 300, 1_000, 500_000, 999_999, 1_000_000)]
    monkeypatch.setattr("time.time_ns", iter(moments).__next__)
    ids = [new_id() for _ in moments]
    assert ids == sorted(ids)
    assert [id.int >> 80 for id in ids] == [10**12] * 5 + [10**12 + 1]
    assert {(id.version, id.variant) for id in ids} == {(7, "specified in RFC 4122")}


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-9, minutes=-30))])
async def test_a_moment_comes_back_in_utc_and_to_the_microsecond(database: Database, zone: timezone) -> None:
    moment = datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=zone)
    sent = notification(created_at=moment)

    async def work(connection: AsyncConnection) -> datetime:
        values = {column.key: getattr(sent, column.key) for column in CONTENT}
        await connection.execute(insert(Notification), values)
        return (await connection.execute(select(Notification.created_at))).scalar_one()

    found = await database.write(work)
    assert found == moment
    assert found.utcoffset() == timedelta(0)

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
    assert all(a.int >> 80 <= b.int >> 80 for a, b in pairwise(ids))


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

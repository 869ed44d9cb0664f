"""The schema grows while workers serve (F20): old code goes on with tables that have more than it knows."""

import asyncio

import pytest
from sqlalchemy import make_url

from tests import servers
from tests.faults.cluster import Cluster

pytestmark = pytest.mark.timeout(120)

GROWS = (
    "ALTER TABLE notifs_notifications ADD COLUMN later text",
    "ALTER TABLE notifs_receipts ADD COLUMN later integer NOT NULL DEFAULT 0",
    "ALTER TABLE notifs_mailboxes ADD COLUMN later integer",
    "CREATE INDEX CONCURRENTLY ix_later ON notifs_receipts (recipient, later)",
    "CREATE TABLE notifs_later (id integer PRIMARY KEY)",
)
GOES_BACK = (
    "DROP TABLE notifs_later",
    "ALTER TABLE notifs_mailboxes DROP COLUMN later",
    "ALTER TABLE notifs_receipts DROP COLUMN later",
    "ALTER TABLE notifs_notifications DROP COLUMN later",
)


async def test_tables_that_grow_under_load_lose_nothing_and_end_no_socket(
    trio: Cluster, durable: servers.Postgres
) -> None:
    recipients = [await trio.account() for _ in range(3)]
    for recipient in recipients:
        await trio.tabs(recipient, 3)
    name = str(make_url(trio.env["NOTIFS_DATABASE_URL"]).database)
    async with trio.present(*trio.people):
        await trio.producer(recipients, rate=30)
        for statement in (*GROWS, *GOES_BACK):
            trio.fault("migration: a step")
            await durable.execute(statement, name)
            for person in trio.people:
                answer = await person.ask("mark_read", {"ids": list(person.mailbox.rows)[-2:]})
                assert answer["ok"], answer
            await asyncio.sleep(0.2)
        await trio.reckon()
    assert not any("failed" in producer.journal.read_text() for producer in trio.producers)
    assert [person.drops for person in trio.people] == [[]] * len(trio.people)

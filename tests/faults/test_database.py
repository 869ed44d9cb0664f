"""PostgreSQL restarted at once, its backends killed, and away for a while (F7)."""

import asyncio
import os
import signal

import httpx2
import pytest
from sqlalchemy import make_url

from tests import servers
from tests.faults.cluster import Cluster

pytestmark = pytest.mark.timeout(180)


async def test_postgresql_restarted_killed_and_away_loses_nothing_and_ends_no_socket(
    trio: Cluster, durable: servers.Postgres
) -> None:
    recipients = [await trio.account() for _ in range(3)]
    for recipient in recipients:
        await trio.tabs(recipient, 3)
    name = str(make_url(trio.env["NOTIFS_DATABASE_URL"]).database)
    cookie = trio.people[0].cookie
    async with trio.present(*trio.people):
        await trio.producer(recipients, rate=30)
        await asyncio.sleep(1)
        for _ in range(2):
            trio.fault("postgresql: immediate restart")
            await durable.restart()
            await asyncio.sleep(0.5)
        trio.fault("postgresql: kill -9 of a backend")
        os.kill((await durable.backends(name))[0], signal.SIGKILL)
        await asyncio.sleep(2)
        trio.fault("postgresql: away for 5 s")
        await durable.stop()
        async with httpx2.AsyncClient(trust_env=False, headers={"cookie": cookie}, timeout=30) as http:
            for worker in trio.workers:
                answer = await http.get(f"{worker.address}/api/v1/inbox")
                assert answer.status_code == 503
                assert answer.json()["code"] == "store_unavailable"
                assert int(answer.headers["retry-after"]) >= 1
                assert (await worker.ready())[0] == 503
        await asyncio.sleep(5)
        trio.fault("postgresql: back")
        await durable.start()
        await trio.settle()
        report = await trio.reckon()
    assert all(sent.acked_at is not None for sent in report.sent.values())
    assert any(sent.tries > 1 for sent in report.sent.values())
    assert [person.drops for person in trio.people] == [[]] * len(trio.people)

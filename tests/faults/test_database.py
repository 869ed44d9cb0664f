"""PostgreSQL restarted at once, its backends killed, away for a while, and silent (F7)."""

import asyncio
import os
import signal
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import make_url

from tests import servers
from tests.faults.cluster import Cluster, Worker, cluster
from tests.wire import http_client

pytestmark = pytest.mark.timeout(180)


async def inbox(worker: Worker, cookie: str) -> httpx2.Response:
    async with http_client(headers={"cookie": cookie}, timeout=30) as http:
        return await http.get(f"{worker.address}/api/v1/inbox")


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
            # Not one of the connections that died is given to anybody.
            answers = await asyncio.gather(*(inbox(w, cookie) for w in trio.workers for _ in range(5)))
            assert {answer.status_code for answer in answers} == {200}
        trio.fault("postgresql: kill -9 of a backend")
        os.kill((await durable.backends(name))[0], signal.SIGKILL)
        await asyncio.sleep(2)
        trio.fault("postgresql: away for 5 s")
        await durable.stop()
        for worker in trio.workers:
            answer = await inbox(worker, cookie)
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


async def test_a_worker_that_postgresql_is_silent_to_says_so_and_keeps_its_sockets(
    durable_url: str, redis: servers.Redis, tmp_path: Path
) -> None:
    async with cluster(durable_url, tmp_path, workers=2, redis=redis, bases=True) as pair:
        cut = pair.workers[0]
        assert cut.base is not None
        recipients = [await pair.account() for _ in range(2)]
        for recipient in recipients:
            for worker in pair.workers:
                await pair.tabs(recipient, at=worker)
        async with pair.present(*pair.people):
            await pair.producer(recipients)
            pair.fault("postgresql: silent to a worker")
            cut.base.silent = True
            assert (await cut.ready())[0] == 503
            pair.fault("postgresql: heard again")
            cut.base.silent = False
            async with asyncio.timeout(60):
                while (await cut.ready())[0] != 200:
                    await asyncio.sleep(0.1)
            pair.fault("postgresql: refused, then reset")
            await cut.base.refuse()
            assert (await cut.ready())[0] == 503
            await cut.base.accept()
            await pair.reckon()
        assert [person.drops for person in pair.people] == [[]] * len(pair.people)

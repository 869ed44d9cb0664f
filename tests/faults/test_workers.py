"""Workers that are killed or stopped under load (F1), between commit and push (F3), and replaced one by one (F20)."""

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests import servers
from tests.faults.cluster import Cluster, cluster
from tests.waiting import until

pytestmark = pytest.mark.timeout(180)


async def people(trio: Cluster, count: int, tabs: int) -> list[str]:
    """New people with so many tabs each; returns their recipient ids."""
    recipients = [await trio.account() for _ in range(count)]
    for recipient in recipients:
        await trio.tabs(recipient, tabs)
    return recipients


async def test_nothing_is_lost_or_repeated_while_workers_are_killed_and_stopped(trio: Cluster) -> None:
    recipients = await people(trio, 4, 3)
    async with trio.present(*trio.people):
        await trio.producer(recipients, rate=30)
        stopped, shortly, killed = random.sample(trio.workers, 3)
        trio.fault("worker: SIGSTOP 8 s")
        stopped.pause()
        for _ in range(2):
            await asyncio.sleep(1)
            trio.fault("worker: kill -9")
            await killed.restart()
        trio.fault("worker: SIGSTOP 3 s")
        shortly.pause()
        await asyncio.sleep(3)
        shortly.resume()
        await asyncio.sleep(max(0, trio.faults[0].at + 8 - time.monotonic()))
        stopped.resume()
        trio.fault("worker: kill -9")
        await shortly.restart()
        report = await trio.reckon()
    assert report.acked > 100
    assert "Traceback" not in "".join(line for worker in trio.workers for line in worker.child.lines)


async def test_a_rolling_restart_under_load_loses_nothing_and_tells_clients_to_come_back(trio: Cluster) -> None:
    recipients = await people(trio, 4, 3)
    async with trio.present(*trio.people):
        await trio.producer(recipients, rate=30)
        for worker in trio.workers:
            trio.fault("worker: SIGTERM")
            assert await worker.stop(signal.SIGTERM) == 0
            await worker.start()
        report = await trio.reckon()
    assert report.acked > 30
    drops = [drop for person in trio.people for drop in person.drops if drop[0] is not None]
    assert drops
    assert set(drops) == {(1012, "restart")}


async def test_the_processes_of_one_server_are_replaced_one_by_one_on_sighup(
    durable_url: str, redis: servers.Redis, tmp_path: Path
) -> None:
    async with cluster(durable_url, tmp_path, workers=1, redis=redis, args=["--workers", "2"]) as single:
        (server,) = single.workers
        await people(single, 2, 3)
        async with single.present(*single.people):
            await single.producer([person.recipient for person in single.people[::3]])
            before = server.children()
            assert len(before) == 2
            os.kill(server.child.pid, signal.SIGHUP)
            await until(lambda: len(server.children() - before) == 2 and not server.children() & before)
            await until(lambda: all(person.stands for person in single.people))
            await single.reckon()
        drops = {drop for person in single.people for drop in person.drops}
        assert (1012, "restart") in drops
        assert await server.stop(signal.SIGTERM) == 0


async def test_workers_of_one_sqlite_file_are_killed_and_stopped_without_a_loss(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with cluster(sqlite_url, tmp_path, workers=2) as pair:
        recipients = await people(pair, 3, 2)
        async with pair.present(*pair.people):
            await pair.producer(recipients, rate=30)
            for worker in pair.workers:
                await asyncio.sleep(1)
                pair.fault("worker: kill -9")
                await worker.restart()
            pair.fault("worker: SIGSTOP 2 s")
            pair.workers[0].pause()
            await asyncio.sleep(2)
            pair.workers[0].resume()
            await pair.reckon()

"""Workers whose clocks are an hour apart, and one whose clock jumps (F12): order and cursors do not move."""

import asyncio
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests import servers
from tests.faults.cluster import Worker, cluster
from tests.programs import find
from tests.wire import http_client

pytestmark = pytest.mark.timeout(120)


def faked(**env: str) -> dict[str, str]:
    """The environment of a process whose wall clock is not ours; the monotonic one stays, as on a real machine.

    Without its cache the library reads the others of its variables whenever it is asked for the time.
    """
    find("faketime", package="faketime")
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return {"LD_PRELOAD": str(library), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1", **env}


async def ahead(worker: Worker) -> float:
    """By how many seconds its clock is ahead of ours, as its answers say (RFC 9110, 6.6.1)."""
    async with http_client() as http:
        answer = await http.get(f"{worker.address}/healthz")
    return parsedate_to_datetime(answer.headers["date"]).timestamp() - time.time()


async def test_clocks_apart_and_a_clock_that_jumps_change_nothing(
    durable_url: str, redis: servers.Redis, tmp_path: Path
) -> None:
    step = tmp_path / "step"
    step.write_text("+0")
    clocks = [faked(FAKETIME="+1h"), faked(FAKETIME="-1h"), faked(FAKETIME_TIMESTAMP_FILE=str(step))]
    async with cluster(durable_url, tmp_path, redis=redis, each=clocks) as trio:
        recipients = [await trio.account() for _ in range(2)]
        for recipient in recipients:
            for worker in trio.workers:
                await trio.tabs(recipient, at=worker)
        async with trio.present(*trio.people):
            await asyncio.gather(*(trio.producer(recipients, rate=15, env=clock) for clock in clocks[:2]))
            assert [round(await ahead(worker) / 3600) for worker in trio.workers] == [1, -1, 0]
            for jump in (60, -60, 0):
                trio.fault(f"clock: {jump:+} s")
                step.write_text(f"{jump:+}s")
                # Each act is timed by the clock of the worker that it comes to.
                for person in trio.people:
                    await person.ask("mark_read", {"ids": [row["id"] for row in person.mailbox.unread()[:3]]})
                await asyncio.sleep(1.5)
                assert round(await ahead(trio.workers[2]) / 60) == jump / 60
            assert (await trio.reckon()).acked > 30

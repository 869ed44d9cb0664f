"""Workers whose clocks are an hour apart, and one whose clock jumps (F12): order and cursors do not move."""

import asyncio
from pathlib import Path

import pytest

from tests import servers
from tests.faults.cluster import cluster
from tests.programs import find

pytestmark = pytest.mark.timeout(120)


def faked(**env: str) -> dict[str, str]:
    """The environment of a process whose wall clock is not ours; the monotonic one stays, as on a real machine."""
    find("faketime", package="faketime")
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return {"LD_PRELOAD": str(library), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_CACHE_DURATION": "1", **env}


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
            for jump in ("+60s", "-60s", "+0"):
                trio.fault(f"clock: {jump}")
                step.write_text(jump)
                # Each act is timed by the clock of the worker that it comes to.
                for person in trio.people:
                    await person.ask("mark_read", {"ids": [row["id"] for row in person.mailbox.unread()[:3]]})
                await asyncio.sleep(1.5)
            assert (await trio.reckon()).acked > 30

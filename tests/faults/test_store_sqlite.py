"""One SQLite file: several processes write to it, and any may be killed at any moment (F9, F10)."""

import asyncio
import json
import random
import re
import sys
from collections.abc import AsyncIterator, Iterator
from itertools import chain
from pathlib import Path

import pytest
from sqlalchemy import text

from notifs.store import Store
from notifs.store.database import Database
from tests.faults.store_truth import problems, revisions
from tests.programs import Child, find
from tests.samples import notification
from tests.servers import clean_environment

SENDS = 40
"""Notifications of each task in the crowd: 40 make 1,280 in all. F10 asks for 10,000: 313."""
KILLS = 12
"""How many processes are killed. F9 asks for 200."""
PROCESSES, TASKS = 4, 8
ENDLESS = 1_000_000
WRITER = Path(__file__).with_name("store_writer.py")

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[Store]:
    store = await Store(Database(sqlite_url)).open()
    yield store
    await store.database.close()


def writer(url: str, tasks: int, count: int, *recipients: str, under: tuple[str, ...] = ()) -> Child:
    """A process that prints the id of what it has sent."""
    command = [*under, sys.executable, str(WRITER), url, str(tasks), str(count), *recipients]
    return Child(command, ready="ready", env=clean_environment())


def acknowledged(child: Child) -> list[str]:
    return [line for line in child.lines if len(line) == 36]


async def stored(store: Store, recipient: str) -> list[str]:
    """The ids in a mailbox, oldest first."""
    return [str(entry.id) for entry in reversed(await store.unread(recipient))]


async def integrity(store: Store) -> str:
    result = await store.database.read(lambda c: c.execute(text("PRAGMA integrity_check")))
    return str(result.scalar_one())


async def test_processes_that_write_at_full_load_all_get_their_turn(store: Store, sqlite_url: str) -> None:
    seen = {await store.database.foreign_version()}
    writers = [writer(sqlite_url, TASKS, SENDS, f"process-{n}", "everybody") for n in range(PROCESSES)]
    while any(child.running for child in writers):
        seen.add(await store.database.foreign_version())
        await asyncio.sleep(0.1)
    sent = [acknowledged(child) for child in writers]
    for n, child in enumerate(writers):
        assert child.wait() == 0, list(child.lines)
        assert json.loads(child.lines[-1])["errors"] == []
        assert {*await stored(store, f"process-{n}")} == {*sent[n]}
        assert len(sent[n]) == TASKS * SENDS
    assert len(seen) > PROCESSES
    assert {*await stored(store, "everybody")} == {*chain(*sent)}
    assert (await revisions(store))["everybody"] == PROCESSES * TASKS * SENDS
    assert await problems(store) == []


async def test_who_waits_gets_a_turn_from_those_who_write_without_a_pause(store: Store, sqlite_url: str) -> None:
    """By groups, as time depends on the machine. SQLite's own way of waiting lets hundreds of groups go first."""
    busy = await Store(Database(sqlite_url)).open()
    done = asyncio.Event()
    waited: list[int] = []

    async def send() -> None:
        while not done.is_set():
            await busy.create(notification(), ["busy"])

    crowd = [asyncio.create_task(send()) for _ in range(TASKS)]
    for _ in range(20):
        before = (await revisions(busy)).get("busy", 0)
        await store.create(notification(), ["patient"])
        waited.append((await revisions(busy)).get("busy", 0) - before)
    done.set()
    await asyncio.gather(*crowd)
    await busy.database.close()
    assert max(waited) < 50 * TASKS, waited


async def test_processes_killed_while_they_write_lose_nothing_acknowledged(store: Store, sqlite_url: str) -> None:
    kills, sent = 0, list[str]()

    async def write_and_die() -> None:
        nonlocal kills
        while kills < KILLS:
            kills += 1
            with writer(sqlite_url, TASKS, ENDLESS, "everybody") as child:
                await asyncio.to_thread(child.wait_ready)
                enough = random.randrange(60)
                while child.running and len(acknowledged(child)) < enough:
                    await asyncio.sleep(random.uniform(0, 0.02))
                assert child.running, list(child.lines)
            sent.extend(acknowledged(child))

    await asyncio.gather(*(write_and_die() for _ in range(3)))
    there = await stored(store, "everybody")
    assert len(sent) > 3 * KILLS
    assert {*sent} <= {*there}
    assert await problems(store) == []
    assert await integrity(store) == "ok"


def whole_lines(trace: str) -> Iterator[str]:
    """strace's lines, with each call that another thread's line came between in one, where it ended."""
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        thread, _, rest = line.partition(" ")
        if line.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>").rstrip()
        elif resumed := re.match(r"\s*<\.\.\. \w+ resumed>(.*)", rest):
            yield begun.pop(thread) + resumed[1]
        else:
            yield line


def test_the_file_is_synchronized_before_a_notification_is_acknowledged(sqlite_url: str, tmp_path: Path) -> None:
    log = tmp_path / "strace"
    strace = find("strace", package="strace")
    calls = "trace=write,pwrite64,fsync,fdatasync"
    with writer(sqlite_url, 1, 20, "a", under=(strace, "-f", "-y", "-s", "64", "-o", str(log), "-e", calls)) as child:
        assert child.wait() == 0, list(child.lines)
    sent = acknowledged(child)
    assert len(sent) == 20
    synchronized, told = 0, list[str]()
    for line in whole_lines(log.read_text()):
        if re.search(r"pwrite64\(\d+<.*-wal>", line):
            synchronized = 0
        elif re.search(r"f(data)?sync\(\d+<.*-wal>\) += 0", line):
            synchronized += 1
        elif found := re.search(r'write\(1<.*>, "([0-9a-f-]{36})', line):
            assert synchronized, f"{found[1]} was acknowledged before its transaction was on the disk"
            told.append(found[1])
            synchronized = 0
    assert told == sent

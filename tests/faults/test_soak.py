"""The long run: `scripts/test --soak MINUTES`. Three workers, 200 clients of 40 people, 50 notifications a second."""

import asyncio
import random
import time

import pytest
from sqlalchemy import make_url

from tests import servers
from tests.faults.cluster import Cluster
from tests.faults.menu import Menu

pytestmark = pytest.mark.timeout(0)
PEOPLE, TABS, RATE, PAUSE = 40, 5, 50, 5


async def test_a_fault_every_five_seconds_loses_nothing_and_memory_stays(
    trio: Cluster,
    durable: servers.Postgres,
    redis: servers.Redis,
    pytestconfig: pytest.Config,
    capsys: pytest.CaptureFixture[str],
) -> None:
    minutes = float(pytestconfig.getoption("--soak"))
    menu = Menu(trio, durable, redis, str(make_url(trio.env["NOTIFS_DATABASE_URL"]).database))
    recipients = [await trio.account() for _ in range(PEOPLE)]
    for recipient in recipients:
        await trio.tabs(recipient, TABS)
    memory: dict[str, list[int]] = {}
    async with trio.present(*trio.people):
        for _ in range(2):
            await trio.producer(recipients, rate=RATE / 2)
        reading = asyncio.create_task(_read_at_random(trio))
        began = time.monotonic()
        await asyncio.sleep(PAUSE)
        memory["start"] = [worker.memory() for worker in trio.workers]
        while (passed := time.monotonic() - began) < minutes * 60:
            if "middle" not in memory and passed > minutes * 30:
                memory["middle"] = [worker.memory() for worker in trio.workers]
            due = time.monotonic() + PAUSE
            await menu.make(random.choice(list(menu.faults)))
            await asyncio.sleep(max(0, due - time.monotonic()))
        reading.cancel()
        await trio.settle(seconds=120)
        memory["end"] = [worker.memory() for worker in trio.workers]
        for producer in trio.producers:
            await producer.finish()
        await trio.settle(seconds=120)
        report = await trio.report()
    with capsys.disabled():
        lines = [f"{when:8}{' '.join(f'{kib // 1024:6} MiB' for kib in sizes)}" for when, sizes in memory.items()]
        print("", report.table(trio.faults), "memory of the workers:", *lines, sep="\n")  # noqa: T201
    assert report.problems == []
    assert all(sent.acked_at is not None for sent in report.sent.values())


async def _read_at_random(trio: Cluster) -> None:
    """People read what they have, so that mailboxes do not only grow."""
    while True:
        person = random.choice(trio.people)
        await person.ask("mark_read", {"ids": list(person.mailbox.rows)[-20:]})
        await asyncio.sleep(0.1)

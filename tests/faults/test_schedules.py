"""Schedules of faults that nobody thought of, drawn by seed; one that fails becomes an `@example`."""

import asyncio
import random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from tests import servers
from tests.faults.cluster import Cluster
from tests.faults.menu import Menu

NAMES = (
    "postgresql: immediate restart",
    "postgresql: backends terminated",
    "redis: kill -9, back after 1 s",
    "redis: FLUSHALL",
    "redis: CLIENT KILL TYPE pubsub",
    "worker: kill -9",
    "worker: SIGTERM",
    "worker: SIGSTOP for 3 s",
    "worker: redis silent for 4 s",
    "worker: redis reset",
    "clients: reset",
    "clients: silent for 2 s",
    "clients: 0.3 s late for 2 s",
)
STEPS = st.lists(st.tuples(st.sampled_from(NAMES), st.floats(0, 1)), min_size=2, max_size=4)


@pytest.mark.timeout(600)
@settings(
    max_examples=2,
    derandomize=False,
    deadline=None,
    print_blob=True,
    # A smaller failing schedule is not worth the minutes: each one takes seconds.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(steps=STEPS, seed=st.integers(0, 2**32))
async def test_whatever_happens_in_whatever_order_nothing_is_lost_or_repeated(
    three: Cluster, durable: servers.Postgres, redis: servers.Redis, steps: list[tuple[str, float]], seed: int
) -> None:
    random.seed(seed)
    await three.heal()
    name = str(make_url(three.env["NOTIFS_DATABASE_URL"]).database)
    menu = Menu(three, durable, redis, name)
    recipients = [await three.account() for _ in range(3)]
    for recipient in recipients:
        await three.tabs(recipient, 2)
    async with three.present(*three.people):
        await three.producer(recipients, rate=30)
        async with asyncio.TaskGroup() as group:
            for fault, pause in steps:
                # The next one may come while this one still lasts, unless it ends or starts the same thing.
                task = group.create_task(menu.make(fault))
                await asyncio.sleep(pause)
                if not fault.startswith("clients"):
                    await task
        await three.settle()
        await three.reckon()

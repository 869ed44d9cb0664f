"""Three tabs at three workers that read, unread and archive at random while notifications arrive (F19)."""

import asyncio
import random

import pytest

from tests.faults.cluster import Cluster
from tests.faults.person import Person

pytestmark = pytest.mark.timeout(120)
ACTS = ("mark_read", "mark_unread", "mark_seen", "archive", "unarchive")


async def click_at_random(tab: Person) -> int:
    """Do something every moment, for ever; count what was carried out."""
    count = 0
    try:
        while True:
            rows = list(tab.mailbox.rows)
            if random.random() < 0.2:
                answer = await tab.ask("mark_all_read", {"up_to": tab.mailbox.cursor})
            else:
                ids = random.sample(rows, min(len(rows), random.randrange(1, 6)))
                answer = await tab.ask(random.choice(ACTS), {"ids": ids})
            count += bool(answer and answer["ok"])
            await asyncio.sleep(random.uniform(0.05, 0.15))
    except asyncio.CancelledError:
        return count


async def test_tabs_that_click_at_random_agree_and_no_count_is_ever_negative(trio: Cluster) -> None:
    recipient = await trio.account()
    tabs = [(await trio.tabs(recipient, at=worker))[0] for worker in trio.workers]
    async with trio.present(*tabs):
        await trio.producer([recipient], rate=30)
        clicking = [asyncio.create_task(click_at_random(tab)) for tab in tabs]
        await asyncio.sleep(3)
        trio.fault("worker: kill -9")
        await trio.workers[0].restart()
        for task in clicking:
            task.cancel()
        clicks = sum(await asyncio.gather(*clicking))
        await trio.reckon()
    assert clicks > 30
    assert min(tab.least for tab in tabs) == 0

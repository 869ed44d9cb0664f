"""Three tabs at three workers that read, archive, snooze and undo at random while notifications arrive (F19)."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.cluster import Cluster
from tests.faults.person import Person

pytestmark = pytest.mark.timeout(120)
ACTS = ("mark_read", "mark_unread", "mark_seen", "archive", "unarchive", "unsnooze")
INVERSE = {"mark_read": "mark_unread", "mark_unread": "mark_read", "archive": "unarchive", "unarchive": "archive"}


async def click_at_random(tab: Person) -> int:
    """Do something every moment, for ever; count what was carried out."""
    count = 0
    try:
        while True:
            rows = list(tab.mailbox.rows)
            ids = random.sample(rows, min(len(rows), random.randrange(1, 6)))
            chance = random.random()
            if chance < 0.15:
                answer = await tab.ask("mark_all_read", {"up_to": tab.mailbox.cursor})
            elif chance < 0.4:
                until = datetime.now(UTC) + timedelta(seconds=random.uniform(0.1, 1.5))
                answer = await tab.ask("snooze", {"ids": ids, "until": until.isoformat()})
            else:
                act = random.choice(ACTS)
                answer = await tab.ask(act, {"ids": ids})
                if answer and answer["ok"] and act in INVERSE and random.random() < 0.3:
                    answer = await tab.ask(INVERSE[act], {"at": answer["cursor"]})
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
        async with asyncio.timeout(30):
            while await trio.notifs.store.snoozes.next_due():  # what comes back while we compare would differ
                await asyncio.sleep(0.1)
        await trio.reckon()
    assert clicks > 30
    assert min(tab.least for tab in tabs) == 0

"""A worker killed in the middle of a large send: after the restart each recipient has exactly one copy."""

import asyncio
import os
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs import Notifs, Settings
from notifs.store import Store
from notifs.store.models import Mailbox, Receipt
from tests import servers

pytestmark = pytest.mark.timeout(180)

CROWD = int(os.environ.get("CROWD", "20000"))


async def copies(store: Store) -> tuple[int, int, int, int]:
    """Copies, recipients who have one, mailboxes, and those of them that stand at their first revision."""

    async def work(connection: AsyncConnection) -> tuple[int, int, int, int]:
        receipts = await connection.execute(select(func.count(), func.count(Receipt.recipient.distinct())))
        (all_, people) = receipts.one()
        first = func.count().filter(Mailbox.revision == 1, Mailbox.unread == 1, Mailbox.unseen == 1)
        mailboxes = await connection.execute(select(func.count(), first).select_from(Mailbox))
        (every, fresh) = mailboxes.one()
        return all_, people, every, fresh

    return await store.database.read(work)


async def test_killed_in_the_middle_of_a_large_send_each_has_exactly_one(database_url: str, tmp_path: Path) -> None:
    env = {"NOTIFS_DATABASE_URL": database_url}
    async with Notifs(Settings(database_url=database_url)).open() as notifs:
        # Half of them by name, half as followers, and some as both.
        people = [f"user-{n:06}" for n in range(CROWD)]
        await notifs.store.topics.follow("everybody", people[CROWD // 2 - 500 :])
        id = await notifs.notify(to=people[: CROWD // 2 + 500], topics="everybody", title="To all of you")

        async def done() -> int:
            progress = await notifs.progress(id)
            assert progress is not None
            return progress.done

        for kill in range(1, 3):
            before = await done()
            async with servers.serving(env, "--workers", "2", cwd=tmp_path) as served:
                # As soon as anything is: what is left by then is all the time that there is to kill it in.
                while await done() == before:
                    await asyncio.sleep(0.01)
                served.kill()
            assert await done() < CROWD, f"all was done before kill {kill}"
        async with servers.serving(env, "--workers", "2", cwd=tmp_path):
            while (progress := await notifs.progress(id)) is None or progress.finished_at is None:
                await asyncio.sleep(0.05)
        assert await copies(notifs.store) == (CROWD, CROWD, CROWD, CROWD)
        assert await done() == CROWD

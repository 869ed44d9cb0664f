"""Producers killed between commit and answer (F2), the same sent at once (F18), and what nobody was told of (F3)."""

import asyncio
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from notifs import Notifs, Settings
from tests.faults.cluster import Cluster, Producer
from tests.faults.failpoints import STATUS
from tests.faults.history import read_journals
from tests.programs import Child
from tests.servers import clean_environment
from tests.waiting import until

pytestmark = pytest.mark.timeout(120)

SAME = """
import asyncio, json
from notifs import Notifs, Settings

async def main():
    async with Notifs(Settings()).open() as notifs:
        print("ready", flush=True)
        open("go").close()
        send = lambda: notifs.notify(to=["ada", "grace"], title="Once", idempotency_key="the same")
        print(json.dumps(await asyncio.gather(*(send() for _ in range(25)))))

asyncio.run(main())
"""


async def test_a_producer_killed_between_commit_and_answer_sends_again_and_there_is_one(
    database_url: str, tmp_path: Path
) -> None:
    env = {"NOTIFS_DATABASE_URL": database_url}
    producer = Producer(tmp_path / "journal.jsonl", 1, 1, ["ada"], {**env, "FAILPOINTS": "after_commit=exit"})
    await producer.start()
    await producer.ended()
    assert producer.child.wait() == STATUS
    (sent,) = read_journals([producer.journal]).values()
    assert sent.acked_at is None
    async with Notifs(Settings(database_url=database_url)).open() as notifs:
        (stored,) = (await notifs.store.page("ada", "all")).entries
        producer.env = env
        await producer.start()
        await producer.ended()
        (again,) = (await notifs.store.page("ada", "all")).entries
        assert (await notifs.store.head("ada")).revision == 1
    (sent,) = read_journals([producer.journal]).values()
    assert sent.acked_at is not None
    assert sent.tries == 2
    assert again.id == stored.id


async def test_the_same_fifty_times_at_once_from_two_processes_is_one(database_url: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")  # neither can open it before we do
    command, env = [sys.executable, "-c", SAME], {**clean_environment(), "NOTIFS_DATABASE_URL": database_url}
    with ExitStack() as stack:
        children = [stack.enter_context(Child(command, ready="^ready$", env=env, cwd=tmp_path)) for _ in range(2)]
        for child in children:
            await asyncio.to_thread(child.wait_ready)
        with (tmp_path / "go").open("w"):
            ended = [await asyncio.to_thread(child.wait, 60) for child in children]
    assert ended == [0, 0], [child.lines for child in children]
    ids = [id for child in children for id in json.loads(child.lines[-1])]
    assert len(ids) == 50
    async with Notifs(Settings(database_url=database_url)).open() as notifs:
        for recipient in ("ada", "grace"):
            (entry,) = (await notifs.store.page(recipient, "all")).entries
            assert set(ids) == {str(entry.id)}
            assert (await notifs.store.head(recipient)).revision == 1


async def test_what_a_killed_producer_told_nobody_is_on_the_screens_all_the_same(trio: Cluster) -> None:
    recipient = await trio.account()
    tabs = [(await trio.tabs(recipient, at=worker))[0] for worker in trio.workers]
    async with trio.present(*tabs):
        trio.fault("producer: killed before its hint")
        producer = await trio.producer([recipient], limit=1, env={"FAILPOINTS": "after_commit=exit"})
        await producer.ended()
        await until(lambda: all(tab.mailbox.unread_count for tab in tabs))
        report = await trio.reckon()
    (sent,) = report.sent.values()
    assert sent.acked_at is None


@pytest.mark.parametrize("point", ["before_push", "before_hint"])
async def test_what_a_worker_committed_and_was_killed_before_it_told_is_on_the_screens(
    trio: Cluster, point: str
) -> None:
    recipient = await trio.account()
    await trio.notify([recipient])
    dying, other, _ = trio.workers
    dying.env["FAILPOINTS"] = f"{point}=exit"
    await dying.restart()
    (here,), (there,) = await trio.tabs(recipient, at=dying), await trio.tabs(recipient, at=other)
    async with trio.present(here, there):
        (id,) = here.mailbox.rows
        assert await here.ask("mark_read", {"ids": [id]}) is None
        assert dying.child.wait() == STATUS
        trio.fault(f"worker: killed {point}")
        await until(lambda: there.mailbox.unread_count == 0)
        del dying.env["FAILPOINTS"]
        await dying.start()
        await trio.reckon()

"""The runner: whom it tells of what it did."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from notifs import jobs
from notifs.jobs import Runner
from notifs.signals import Signals
from notifs.store import Store
from notifs.store.database import Database
from notifs.store.drafts import DIRECT
from notifs.store.models import Mailbox
from tests.samples import draft, notification
from tests.store.model import DUE


async def test_who_comes_while_a_part_is_committed_is_told_of_it(store: Store) -> None:
    asked: list[Sequence[str]] = []
    moved: list[str] = []

    def here(recipients: Sequence[str]) -> list[str]:
        asked.append(recipients)
        return [] if len(asked) == 1 else [recipients[0]]

    runner = Runner(
        store, Signals(), here=here, changed=lambda changes: None, moved=moved.extend, look=lambda: None
    )  # fmt: skip
    await store.send(draft(notification(), [f"user-{n:05}" for n in range(DIRECT + 1)]))
    assert await runner.once(1)
    assert moved == ["user-00000"]


async def test_who_waits_for_a_mailbox_that_somebody_has_locked_rests_meanwhile(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LOOK_SECONDS", 60.0)
    store = await Store(Database(postgres_url)).open()
    sent, back, looks = notification(), asyncio.Event(), 0
    await store.create(sent, ["ann"])
    await store.change("ann", "snooze", ids=[sent.id], until=DUE)
    look = store.snoozes.end_due

    def counted() -> Any:
        nonlocal looks
        looks += 1
        return look()

    monkeypatch.setattr(store.snoozes, "end_due", counted)

    def moved(_: Any) -> None:
        back.set()

    runner = Runner(store, Signals(), here=list, changed=lambda changes: None, moved=moved, look=lambda: None)
    async with store.database.session() as session:
        await session.execute(select(Mailbox).where(Mailbox.recipient == "ann").with_for_update())
        runner.start()
        for _ in range(200):
            await store.ping()
        assert looks == 1
    runner.nudge()
    await back.wait()
    await runner.close()
    await store.database.close()

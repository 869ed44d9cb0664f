"""The runner: whom it tells of what it did."""

from collections.abc import Sequence

from notifs.jobs import Runner
from notifs.signals import Signals
from notifs.store import Store
from notifs.store.drafts import DIRECT
from tests.samples import draft, notification


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

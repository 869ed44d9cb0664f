"""Doing jobs: what goes to many, or later, is sent part by part beside everything else, on every worker.

And what was snoozed comes back at its time.
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog

from notifs.errors import StoreUnavailable
from notifs.signals import Changed, Created, Retracted, Signals
from notifs.store import Change, Step, Store
from notifs.store.models import utcnow

log = structlog.get_logger("notifs.jobs")
LOOK_SECONDS = 1.0
"""How often a worker looks whether there is something to do that nobody told it of."""
SHARE = 2.0
"""Of the time that a step has taken, how much is left to others before the next one, if there are others."""
PARTS = 20
"""Parts in one step while nobody else writes."""
QUIET_SECONDS = 0.2
"""After so long without a write of others nobody else writes."""


class Runner:
    """Does the jobs that are due, one part at a time.

    Args:
        store: where jobs are.
        signals: told of what was committed.
        here: those of some recipients who have sockets on this worker.
        changed: takes the changes of those who are here.
        moved: takes those who are here and whose mailboxes are to be read.
        look: makes the other workers look at their mailboxes.
    """

    def __init__(
        self,
        store: Store,
        signals: Signals,
        *,
        here: Callable[[Sequence[str]], list[str]],
        changed: Callable[[Sequence[Change]], None],
        moved: Callable[[Sequence[str]], None],
        look: Callable[[], None],
    ) -> None:
        self._store = store
        self._signals = signals
        self._here = here
        self._changed = changed
        self._moved = moved
        self._look = look
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to do what is due."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop; a part that is under way is finished first, by the database or not at all."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def nudge(self) -> None:
        """Look at once: there is something to do, or there will be."""
        self._awake.set()

    async def once(self, parts: int = PARTS) -> bool:
        """Do some of what is due. Returns whether there was any.

        Raises:
            StoreUnavailable: the store cannot be reached.
        """
        step = await self._store.jobs.step(self._here, parts)
        if step is not None:
            self._tell(step)
        back = await self._store.snoozes.end_due()
        if back:
            self._tell_back(back)
        return step is not None or bool(back)

    async def _run(self) -> None:
        loop, database = asyncio.get_running_loop(), self._store.database
        quiet_since, writes = loop.time(), database.writes
        due = False
        while True:
            self._awake.clear()
            began, looked = loop.time(), utcnow()
            if database.writes > writes:
                quiet_since, writes = began, database.writes
            if not due and (left := await self._left()) > 0:  # to look is cheaper than to begin to write
                await self._rest(left)
                continue
            alone = began - quiet_since > QUIET_SECONDS
            writes += 1  # our own
            try:
                due = await self.once(PARTS if alone else 1)
                if due:
                    await asyncio.sleep(0 if alone else min((loop.time() - began) * SHARE, LOOK_SECONDS))
                    continue
            except StoreUnavailable:
                log.warning("jobs wait for the store")
            except Exception:
                log.exception("a job failed; it is tried again")
                await asyncio.sleep(LOOK_SECONDS)
            left = await self._left(looked)
            due = left <= 0
            await self._rest(max(left, 0.01))

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        except TimeoutError:
            pass

    async def _left(self, looked: datetime | None = None) -> float:
        """Seconds until there may be something to do; `looked`: nothing could be done that was due then."""
        try:
            job, snooze = await self._store.jobs.next_due(), await self._store.snoozes.next_due()
        except StoreUnavailable:
            log.warning("jobs wait for the store")
            return LOOK_SECONDS
        if snooze is not None and looked is not None and snooze <= looked:
            snooze = None  # somebody has its mailbox locked, for who knows how long
        due = min((moment for moment in (job, snooze) if moment is not None), default=None)
        return LOOK_SECONDS if due is None else min((due - utcnow()).total_seconds(), LOOK_SECONDS)

    def _tell(self, step: Step) -> None:
        if step.act == "send" and step.recipients:
            self._changed(step.changes)
            told = {change.recipient for change in step.changes}  # others may have come while it was committed
            self._moved([recipient for recipient in self._here(step.recipients) if recipient not in told])
            self._signals.send(Created(str(step.notification), step.kind, tuple(step.recipients)))
        elif step.recipients:
            self._moved(self._here(step.recipients))
        if step.expired:
            self._signals.send(Retracted((str(step.notification),)))
        if step.recipients:
            self._look()

    def _tell_back(self, back: Mapping[str, Sequence[uuid.UUID]]) -> None:
        self._moved(self._here(list(back)))
        for recipient, ids in back.items():
            self._signals.send(Changed(recipient, "wake", tuple(map(str, ids)), len(ids)))
        self._look()

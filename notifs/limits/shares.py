"""Bounds that all workers share, without a question for each thing that is counted.

In each window of time a worker gives a subject a tenth of its bound away by itself. Whatever goes beyond it is taken
out of the shared count in blocks of a tenth. So somebody who does what most do is never asked about, and the sum over
all workers is over the bound by a few tenths at most. These are bounds of use and not of guessing: while the shared
count is away, each worker counts for itself.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from notifs.store.counts import Bound

log = structlog.get_logger("notifs.limits")
Grab = Callable[[Bound, str, int], Awaitable[bool]]
"""Takes so many out of the shared count of a subject, or none and says False."""
KEPT = 100_000
"""Subjects of one bound that are remembered; beyond it those that came first are forgotten."""
APART_SECONDS = 5.0
"""How long a worker counts for itself once the shared count has failed it."""


@dataclass(slots=True)
class _Share:
    left: int
    """How many more may come without a question; below 0 on credit, until the answer is there."""
    had: int
    asking: asyncio.Task[None] | None = None
    spent: bool = False
    """There is nothing left to take."""


class Shares:
    """Counts by shares.

    Args:
        grab: the shared count.
        clock: seconds since 1970, by which workers have the same windows.
    """

    def __init__(self, grab: Grab, clock: Callable[[], float] = time.time) -> None:
        self._grab = grab
        self._clock = clock
        self._apart_until = 0.0
        self._windows: dict[Bound, tuple[int, dict[str, _Share]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, bound: Bound, subject: str) -> int:
        """Count one, once it is known whether there is room. Returns the seconds to wait, 0 if it was counted."""
        share = self._share(bound, subject)
        while share.left <= 0 and not share.spent:
            await asyncio.shield(self._ask(bound, subject, share))
        return self._count(bound, share, credit=0)

    def take_now(self, bound: Bound, subject: str) -> int:
        """Count one without waiting for anything: while it is being asked, up to a block may come on credit."""
        share = self._share(bound, subject)
        if share.left <= 0 and not share.spent:
            self._ask(bound, subject, share)
        return self._count(bound, share, credit=0 if share.spent else _block(bound))

    async def drain(self) -> None:
        """Wait for what is being asked: before the shared count is closed."""
        await asyncio.gather(*self._tasks)

    def _count(self, bound: Bound, share: _Share, *, credit: int) -> int:
        if share.left > -credit:
            share.left -= 1
            return 0
        now = self._clock()
        return max(1, math.ceil((math.floor(now / bound.seconds) + 1) * bound.seconds - now))

    def _share(self, bound: Bound, subject: str) -> _Share:
        number = math.floor(self._clock() / bound.seconds)
        known, shares = self._windows.get(bound, (number, {}))
        if known != number:
            shares = {}
        self._windows[bound] = number, shares
        share = shares.get(subject)
        if share is None:
            if len(shares) >= KEPT:
                del shares[next(iter(shares))]
            block = _block(bound)
            share = shares[subject] = _Share(left=block, had=block)
        return share

    def _ask(self, bound: Bound, subject: str, share: _Share) -> asyncio.Task[None]:
        if share.asking is None:
            share.asking = asyncio.get_running_loop().create_task(self._more(bound, subject, share))
            self._tasks.add(share.asking)
            share.asking.add_done_callback(self._tasks.discard)
        return share.asking

    async def _more(self, bound: Bound, subject: str, share: _Share) -> None:
        block = _block(bound)
        if await self._grant(bound, subject, share, block):
            share.left += block
            share.had += block
        else:
            share.spent = True
        share.asking = None

    async def _grant(self, bound: Bound, subject: str, share: _Share, block: int) -> bool:
        if self._clock() >= self._apart_until:
            try:
                return await self._grab(bound, subject, block)
            except Exception as error:  # whatever it is: nobody is turned away because it is away
                self._apart_until = self._clock() + APART_SECONDS
                told = "connects and events are counted by each worker while their shared count is away"
                log.warning(told, error=type(error).__name__)
        return share.had + block <= bound.most


def _block(bound: Bound) -> int:
    return max(1, bound.most // 10)

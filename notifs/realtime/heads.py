"""The head check: the guarantee behind the pushes. What no push told, it finds.

Every few seconds all rooms are compared with their mailboxes in one query; every second while the workers cannot
hear each other, and on SQLite as soon as another process has written.
"""

import asyncio
from collections.abc import Callable

import structlog

from notifs.errors import StoreUnavailable
from notifs.realtime.hints import Hints
from notifs.realtime.push import Push
from notifs.store import Store

log = structlog.get_logger("notifs.heads")
POLL_SECONDS = 0.2
"""How often SQLite is asked whether another process has written."""
DEAF_SECONDS = 1.0
"""How often the store is looked at while the workers cannot hear each other."""


class HeadCheck:
    """The periodic look at the store.

    Args:
        seconds: between two looks.
        foreign: called when another process has written.
    """

    def __init__(self, store: Store, push: Push, hints: Hints, *, seconds: float, foreign: Callable[[], None]) -> None:
        self._store = store
        self._push = push
        self._hints = hints
        self._seconds = seconds
        self._foreign = foreign
        self._looked_at: float | None = None
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def look(self) -> None:
        """Look at once."""
        self._looked_at = None
        self._awake.set()

    async def _run(self) -> None:
        version: int | None = None
        while True:
            try:
                version = await self._round(version)
            except StoreUnavailable:
                log.warning("head check could not read the store")
            except Exception:
                log.exception("head check failed")
            await self._rest()

    async def _round(self, version: int | None) -> int:
        seen = await self._store.database.foreign_version()
        if seen != version and version is not None:
            self._foreign()
        if seen != version or self._left() <= 0:
            self._looked_at = asyncio.get_running_loop().time()
            await self._push.look()
        return seen

    def _left(self) -> float:
        """Seconds until the next look."""
        if self._looked_at is None:
            return 0.0
        between = min(self._seconds, DEAF_SECONDS) if self._hints.state == "cut off" else self._seconds
        return self._looked_at + between - asyncio.get_running_loop().time()

    async def _rest(self) -> None:
        pause = min(self._left(), POLL_SECONDS if self._store.database.sqlite else DEAF_SECONDS)
        self._awake.clear()
        try:
            async with asyncio.timeout(max(pause, 0.05)):
                await self._awake.wait()
        except TimeoutError:
            pass

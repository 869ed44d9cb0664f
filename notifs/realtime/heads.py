"""The head check: the guarantee behind the pushes. What no push told, it finds.

Every few seconds, and on SQLite as soon as another process has written, all rooms are compared with their mailboxes
in one query. The same round ends the sockets of sign-ins that have ended elsewhere or by themselves.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import structlog

from notifs.errors import StoreUnavailable
from notifs.realtime.push import Push
from notifs.realtime.rooms import Rooms
from notifs.store import Store

log = structlog.get_logger("notifs.heads")
POLL_SECONDS = 0.2
"""How often SQLite is asked whether another process has written."""

LiveSessions = Callable[[Sequence[str]], Awaitable[set[str]]]


class HeadCheck:
    """The periodic look at the store.

    Args:
        seconds: between two looks.
        live_sessions: which of these sign-ins have not ended; None where sign-ins are not ours.
        end_session: ends the sockets of one that has.
    """

    def __init__(
        self,
        store: Store,
        rooms: Rooms,
        push: Push,
        *,
        seconds: float,
        live_sessions: LiveSessions | None,
        end_session: Callable[[str], Awaitable[None]],
    ) -> None:
        self._store = store
        self._rooms = rooms
        self._push = push
        self._seconds = seconds
        self._live_sessions = live_sessions
        self._end_session = end_session
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def check(self) -> None:
        """One round."""
        await self._push.look()
        if self._live_sessions is not None and (sessions := self._rooms.sessions()):
            for session in set(sessions) - await self._live_sessions(sessions):
                await self._end_session(session)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        version, due = -1, loop.time()
        while True:
            try:
                seen = await self._store.database.foreign_version()
                if seen != version or loop.time() >= due:
                    version, due = seen, loop.time() + self._seconds
                    await self.check()
            except StoreUnavailable:
                log.warning("head check could not read the store")
            except Exception:
                log.exception("head check failed")
            pause = POLL_SECONDS if self._store.database.sqlite else due - loop.time()
            await asyncio.sleep(max(pause, 0.05))

"""Sign-ins that have ended, and the sockets that end with them, on every worker."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from notifs.errors import StoreUnavailable
from notifs.realtime.connections import AGAIN, Connection
from notifs.realtime.hints import Ended, Hints
from notifs.realtime.rooms import Member, Rooms
from notifs.realtime.server import Server

log = structlog.get_logger("notifs.ends")
CHECK_SECONDS = 15.0
"""Between two looks at which sign-ins are still alive: what no hint told, this finds."""
CLOSED_SECONDS = 30.0
"""Without the store for so long, nobody is known to be signed in, and every socket ends."""
KEPT_SECONDS = 30.0
"""How long an end is remembered for sockets that are still on their way in; longer than they may take."""

LiveSessions = Callable[[Sequence[str]], Awaitable[set[str]]]


class Ends:
    """Ends sockets when the sign-in that they came with ends.

    Args:
        live_sessions: which of these sign-ins have not ended; None where sign-ins are the host's.
    """

    def __init__(self, rooms: Rooms, hints: Hints, server: Server, live_sessions: LiveSessions | None) -> None:
        self._rooms = rooms
        self._hints = hints
        self._server = server
        self._live_sessions = live_sessions
        self._recent: dict[str, float] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._due = asyncio.Event()
        self._checked_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._live_sessions is not None:
            self._checked_at = _now()
            self._task = asyncio.get_running_loop().create_task(self._run(self._live_sessions))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._closing:
            await asyncio.wait(self._closing)

    def end(self, ended: Ended) -> None:
        """End sockets here and on every other worker."""
        self._hints.ended(ended)
        self.heard(ended)

    def heard(self, ended: Ended) -> None:
        """End sockets here: another worker says so."""
        if ended.session is not None:
            self._remember(f"session {ended.session}")
            self._drop(self._rooms.of_session(ended.session))
        if ended.recipient is not None:
            self._remember(f"recipient {ended.recipient}")
            self._drop(self._rooms.of_recipient(ended.recipient))

    def has_ended(self, connection: Connection) -> bool:
        """Whether this connection's sign-in has ended since the guard asked for it."""
        keys = (f"session {connection.session}", f"recipient {connection.recipient}")
        return any(self._recent.get(key, -1.0) >= connection.admitted_at for key in keys)

    def look(self) -> None:
        """Look at once which sign-ins are still alive."""
        self._due.set()

    async def drain(self) -> None:
        """Wait until the sockets that are being ended have left their rooms."""
        while self._closing:
            await asyncio.wait(self._closing)

    def _remember(self, key: str) -> None:
        now = _now()
        self._recent.pop(key, None)
        self._recent[key] = now  # the newest are last
        while now - self._recent[oldest := next(iter(self._recent))] > KEPT_SECONDS:
            del self._recent[oldest]

    async def _run(self, live_sessions: LiveSessions) -> None:
        while True:
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._due.wait()
            except TimeoutError:
                pass
            self._due.clear()
            try:
                await self._check(live_sessions)
            except StoreUnavailable:
                self._fail_closed()
            except Exception:
                log.exception("could not check sign-ins")
                self._fail_closed()

    async def _check(self, live_sessions: LiveSessions) -> None:
        sessions = self._rooms.sessions()
        live = await live_sessions(sessions) if sessions else set()
        self._checked_at = _now()
        for session in set(sessions) - live:
            self._drop(self._rooms.of_session(session))

    def _fail_closed(self) -> None:
        if _now() - self._checked_at < CLOSED_SECONDS:
            return
        log.warning("the store was away for too long to know who is signed in; every socket ends")
        for session in self._rooms.sessions():
            for member in self._rooms.of_session(session):
                member.connection.end(AGAIN, "store_unavailable")

    def _drop(self, members: Sequence[Member]) -> None:
        for member in members:
            task = asyncio.get_running_loop().create_task(self._server.close(member.sid, member.connection))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def _now() -> float:
    return asyncio.get_running_loop().time()

"""Everything that knows Socket.IO: who may open a socket, what a client may say, and what it is told.

`Realtime` puts the parts together.
"""

import asyncio
import contextlib
from collections.abc import Iterable

from notifs.acts import Acts
from notifs.forms import Forms
from notifs.identity import Identify, Verify
from notifs.limits import Limits
from notifs.metrics import Metrics
from notifs.notifier import Notifier
from notifs.origins import Origins
from notifs.realtime.by_token import ByToken
from notifs.realtime.connections import RESTART, Connections
from notifs.realtime.ends import Ends, LiveSessions
from notifs.realtime.guard import Guard
from notifs.realtime.handlers import Context, Handlers
from notifs.realtime.heads import HeadCheck
from notifs.realtime.hints import Ended, Hints, Moved
from notifs.realtime.inbox import handlers as built_in
from notifs.realtime.namespace import Namespace
from notifs.realtime.push import Push
from notifs.realtime.rooms import Rooms
from notifs.realtime.server import Server
from notifs.settings import Settings
from notifs.signals import Signals
from notifs.store import Store

__all__ = ["Context", "Handlers", "Realtime"]
CLOSE_SECONDS = 2.0
"""How long clients may take to hear that this worker stops."""
SLICE = 50
"""Sockets that are ended before others on the event loop have their turn."""


class Realtime:
    """Sockets of one worker: they are pushed to, looked after, and ended.

    Args:
        settings: bounds, and where the other workers can be heard.
        limits: how often a person may connect, and say something.
        verify: says whose a token of the host's is; None where none are taken.
        live_sessions: which sign-ins have not ended; None where sign-ins are the host's.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        forms: Forms,
        signals: Signals,
        metrics: Metrics,
        limits: Limits,
        verify: Verify | None,
        *,
        live_sessions: LiveSessions | None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._forms = forms
        self._signals = signals
        self._metrics = metrics
        self._limits = limits
        self._verify = verify
        self.rooms = Rooms()
        self.server = Server(limits.event, polling=settings.polling)
        self.connections = Connections(settings.sockets_per_user, settings.sockets_per_address, metrics)
        self.hints = Hints(settings.redis_url, settings.secret_keys, self)
        self.push = Push(store, forms, self.rooms, self.hints, signals, metrics)
        self.ends = Ends(self.rooms, self.hints, self.server, live_sessions)
        self._heads = HeadCheck(
            store, self.push, self.hints, seconds=settings.head_check_seconds, foreign=self.ends.look
        )
        self.stopping = False
        """This worker was told to stop, and takes nobody in any more."""
        metrics.watch("notifs_sockets", "Open sockets.", lambda: len(self.connections))
        metrics.watch("notifs_rooms", "People who have sockets here.", lambda: len(self.rooms.recipients()))
        metrics.watch("notifs_bus_up", "Whether the other workers are heard.", lambda: self.hints.state == "up")

    def open_doors(self, handlers: Iterable[Handlers], notifier: Notifier, acts: Acts) -> None:
        """Register the namespace with the built-in client events and the host's."""
        table = Handlers(built_in, *handlers)
        context = {"notifier": notifier, "acts": acts, "store": self._store, "forms": self._forms}
        self._namespace = Namespace(
            self._store,
            self._forms,
            self.rooms,
            self.push,
            self.hints,
            self.ends,
            ByToken(self._verify, self.connections, self._limits.join),
            self._signals,
            self._metrics,
            table,
            context,
        )
        self.server.register_namespace(self._namespace)

    def guard(self, identify: Identify, origins: Origins) -> Guard:
        """The ASGI application to mount at `/socket.io`."""
        return Guard(
            self.server.handle_request,
            identify,
            origins,
            self.connections,
            connects=self._limits.connect,
            rate=self._settings.events_per_second,
            tokens=self._verify is not None,
            polling=self._settings.polling,
            open=lambda: not self.stopping,
        )

    def start(self) -> None:
        """Begin to hear the other workers, and to look after sockets."""
        self.hints.start()
        self.ends.start()
        self._heads.start()

    async def drain(self) -> None:
        """Wait until what was committed is pushed, and has been told to the other workers."""
        await self.push.drain()
        await self.ends.drain()
        await self.hints.flush()

    async def release(self) -> None:
        """Let every socket go, with a code that tells its client to come back a little later."""
        self.stopping = True
        for n, connection in enumerate(self.connections, 1):
            connection.end(RESTART, "restart")
            if n % SLICE == 0:
                await asyncio.sleep(0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.connections.empty()

    async def close(self) -> None:
        """Stop looking, let every socket go, and finish what is being read and said."""
        await self._heads.close()
        await self._namespace.close()
        await self.push.drain()
        await self.release()
        await self.ends.close()
        await self.server.shutdown()

    async def end_session(self, session: str) -> None:
        """End the sockets that came with a sign-in, on every worker; here at once."""
        self.ends.end(Ended(session, None))
        await self.ends.drain()

    async def end_recipient(self, recipient: str) -> None:
        """End the sockets of a recipient, on every worker; here at once."""
        self.ends.end(Ended(None, recipient))
        await self.ends.drain()

    def moved(self, hint: Moved) -> None:
        """Another worker has changed a mailbox."""
        self.push.heard(hint)

    def ended(self, hint: Ended) -> None:
        """A sign-in has ended on another worker."""
        self.ends.heard(hint)

    def look(self) -> None:
        """Another worker has changed many mailboxes, or has announced something."""
        self._heads.look()

    def restored(self) -> None:
        """The other workers are heard again; what they said meanwhile is found in the store."""
        self._heads.look()
        self.ends.look()

"""Everything that knows Socket.IO: who may open a socket, what a client may say, and what it is told.

`Realtime` puts the parts together.
"""

from collections.abc import Iterable

from notifs.acts import Acts
from notifs.forms import Forms
from notifs.identity import Identify
from notifs.notifier import Notifier
from notifs.origins import Origins
from notifs.realtime.guard import Guard
from notifs.realtime.handlers import Context, Handlers
from notifs.realtime.heads import HeadCheck, LiveSessions
from notifs.realtime.inbox import handlers as built_in
from notifs.realtime.namespace import Namespace
from notifs.realtime.push import Push
from notifs.realtime.rooms import Rooms
from notifs.realtime.server import Server
from notifs.signals import Signals
from notifs.store import Store

__all__ = ["Context", "Handlers", "Realtime"]


class Realtime:
    """Sockets of one worker: they are pushed to, looked after, and ended.

    Args:
        live_sessions: which sign-ins have not ended; None where sign-ins are the host's.
        head_check_seconds: how often the store is looked at.
    """

    def __init__(
        self,
        store: Store,
        forms: Forms,
        signals: Signals,
        *,
        live_sessions: LiveSessions | None,
        head_check_seconds: float,
    ) -> None:
        self._store = store
        self._forms = forms
        self._signals = signals
        self._live_sessions = live_sessions
        self.rooms = Rooms()
        self.server = Server()
        self.push = Push(store, forms, self.rooms, self.server, signals)
        self._heads = HeadCheck(
            store,
            self.rooms,
            self.push,
            seconds=head_check_seconds,
            live_sessions=live_sessions,
            end_session=self.end_session,
        )

    def open_doors(self, handlers: Iterable[Handlers], notifier: Notifier, acts: Acts) -> None:
        """Register the namespace with the built-in client events and the host's."""
        table = Handlers(built_in, *handlers)
        context = {"notifier": notifier, "acts": acts, "store": self._store, "forms": self._forms}
        self._namespace = Namespace(
            self._store, self._forms, self.rooms, self.push, self._signals, table, context, self._live_sessions
        )
        self.server.register_namespace(self._namespace)
        self.server.answer = self._namespace.answer

    def guard(self, identify: Identify, origins: Origins) -> Guard:
        """The ASGI application to mount at `/socket.io`."""
        return Guard(self.server.handle_request, identify, origins)

    def start(self) -> None:
        self._heads.start()

    async def close(self) -> None:
        """Stop looking, finish what is being read, and let every socket go; clients come back by themselves."""
        await self._heads.close()
        await self._namespace.close()
        await self.push.drain()
        await self.server.release()

    async def end_session(self, session: str) -> None:
        """End the sockets that came with a sign-in."""
        for sid in self.rooms.of_session(session):
            await self.server.close(sid)

    async def end_recipient(self, recipient: str) -> None:
        """End the sockets of a recipient."""
        room = self.rooms.room(recipient)
        for sid in list(room.members) if room else ():
            await self.server.close(sid)

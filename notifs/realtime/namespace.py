"""The namespace `/notifs`: how a socket comes into its room, what it is told first, and how it leaves."""

import asyncio
import contextlib
import itertools
from collections.abc import Mapping
from typing import Any

import socketio
import structlog
from socketio.exceptions import ConnectionRefusedError

from notifs.errors import StoreUnavailable
from notifs.forms import Forms
from notifs.realtime.guard import identity
from notifs.realtime.handlers import Context, Handlers
from notifs.realtime.heads import LiveSessions
from notifs.realtime.push import Push, snapshot
from notifs.realtime.rooms import Member, Rooms
from notifs.realtime.server import Server
from notifs.signals import Connected, Disconnected, Signals
from notifs.store import Head, Store
from notifs.wire import META, NAMESPACE, RESPONSE, SNAPSHOT_LIMIT, Cursor, Message, refusal, room_for

log = structlog.get_logger("notifs.realtime")
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
"""Between tries to read a mailbox while the store is away."""
READ_AGAIN = 2
"""How often a mailbox that changes all the time is read again before what was read is sent; clients cope with it."""


class Namespace(socketio.AsyncNamespace):  # type: ignore[misc]
    """Lifecycle of sockets, and the door for their events.

    The connect handler does no I/O and does not wait, so that a client is either not there or wholly there: nobody
    is in a room who has not been let in, and a drop half-way leaves nothing behind. The mailbox is read in a task
    after it, when the room is entered already: a change can then arrive twice, but not never.
    """

    def __init__(
        self,
        store: Store,
        forms: Forms,
        rooms: Rooms,
        push: Push,
        signals: Signals,
        handlers: Handlers,
        context: Mapping[str, Any],
        live_sessions: LiveSessions | None,
    ) -> None:
        super().__init__(NAMESPACE)
        self._store = store
        self._forms = forms
        self._rooms = rooms
        self._push = push
        self._signals = signals
        self._handlers = handlers
        self._context = context
        self._live_sessions = live_sessions
        self._greetings: dict[str, asyncio.Task[None]] = {}

    @property
    def io(self) -> Server:
        server: Server = self.server
        return server

    def on_connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        """Enter the room of the person whom the guard has let in."""
        known = identity(environ["asgi.scope"])
        if known is None:
            raise ConnectionRefusedError("not_signed_in")
        member = Member(sid, *known)
        self._rooms.enter(member)
        self.io.manager.basic_enter_room(sid, NAMESPACE, room_for(member.recipient))
        cursor = Cursor.parse(auth.get("cursor")) if isinstance(auth, dict) else None
        self._greetings[sid] = asyncio.get_running_loop().create_task(self._greet(member, cursor))
        self._signals.send(Connected(member.recipient, sid))

    def on_disconnect(self, sid: str, reason: str) -> None:
        """Leave, and stop what was still being read for it."""
        greeting = self._greetings.pop(sid, None)
        if greeting is not None and greeting is not asyncio.current_task():  # a greeting may end its own socket
            greeting.cancel()
        if member := self._rooms.leave(sid):
            self._signals.send(Disconnected(member.recipient, sid, reason))

    async def answer(self, sid: str, event: str, data: Any) -> Mapping[str, Any]:
        """The ack of a client's event."""
        member = self._rooms.member(sid)
        if member is None:
            return refusal("not_connected", "this socket is closing")

        async def catch_up(cursor: Cursor | None) -> Head:
            return await self._catch_up(member, cursor)

        ctx = Context(recipient=member.recipient, sid=sid, catch_up=catch_up, **self._context)
        return await self._handlers.answer(ctx, event, data)

    async def close(self) -> None:
        """Stop reading for sockets that are still being greeted."""
        for greeting in list(self._greetings.values()):
            greeting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await greeting

    async def _greet(self, member: Member, cursor: Cursor | None) -> None:
        for attempt in itertools.count():
            try:
                if await self._has_ended(member):
                    await self.io.close(member.sid)
                else:
                    await self._catch_up(member, cursor, first=True)
                break
            except StoreUnavailable:
                if attempt == 0:
                    self._send(member, _degraded())
                await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            except Exception:
                log.exception("greeting failed", recipient=member.recipient)
                await self.io.close(member.sid)
                break
        self._greetings.pop(member.sid, None)

    async def _has_ended(self, member: Member) -> bool:
        """Whether the sign-in has ended since the guard let it in: a socket may take its time to join."""
        if self._live_sessions is None or member.session is None:
            return False
        return member.session not in await self._live_sessions([member.session])

    async def _catch_up(self, member: Member, cursor: Cursor | None, *, first: bool = False) -> Head:
        """Send what is missing since `cursor`: a delta, or pages of a snapshot, all of one moment."""
        entries, page = await self._store.catch_up(member.recipient, cursor, SNAPSHOT_LIMIT)
        for _ in range(READ_AGAIN):
            if not self._push.is_past(member.recipient, page.head.revision):
                break  # else the room was told of more while we read: better not to send less after it
            entries, page = await self._store.catch_up(member.recipient, cursor, SNAPSHOT_LIMIT)
        if first:
            self._send(member, self._forms.connected(page.head))
        if entries is not None and cursor is not None:
            self._send(member, self._forms.delta(page.head, cursor.revision, entries))
        else:
            for message in snapshot(self._forms, page):
                self._send(member, message)
        self._push.reached(member.recipient, page.head.revision)
        return page.head

    def _send(self, member: Member, message: Message) -> None:
        self.io.push([member.sid], RESPONSE, message)


def _degraded() -> Message:
    """The store cannot be read just now: no counts, because none is known."""
    return {
        "meta": META["degraded"],
        "type": "degraded",
        "notif_count": None,
        "unseen_count": None,
        "notifs": [],
        "cursor": None,
    }

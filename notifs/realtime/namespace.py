"""The namespace `/notifs`: how a socket comes into its room, what it is told first, and how it leaves."""

import asyncio
import contextlib
import itertools
from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import socketio
import structlog
from socketio.exceptions import ConnectionRefusedError

from notifs.errors import NotifsError, NotSignedIn, StoreUnavailable
from notifs.forms import Forms
from notifs.gather import Gather
from notifs.identity import person_of
from notifs.metrics import Metrics
from notifs.realtime import messages
from notifs.realtime.by_token import ByToken
from notifs.realtime.connections import AGAIN, Connection
from notifs.realtime.ends import Ends
from notifs.realtime.handlers import Context, Handlers
from notifs.realtime.hints import Hints
from notifs.realtime.messages import Encoded
from notifs.realtime.push import Push
from notifs.realtime.rooms import Member, Rooms
from notifs.realtime.server import Server
from notifs.signals import Connected, Disconnected, Signals
from notifs.store import Entry, Head, Page, Store
from notifs.wire import NAMESPACE, SNAPSHOT_LIMIT, Cursor, refusal, room_for

log = structlog.get_logger("notifs.realtime")
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
"""Between tries to read a mailbox while the store is away."""
READ_AGAIN = 2
"""How often a mailbox that changes all the time is read again before what was read is sent; clients cope with it."""
AFRESH = 50
"""Mailboxes that are read afresh together: each may bring hundreds of notifications."""
BEHIND_SECONDS = 60.0
"""How long a client may be behind before it is ended."""

Missed = tuple[tuple[Entry, ...] | None, Page]


class Namespace(socketio.AsyncNamespace):  # type: ignore[misc]
    """Lifecycle of sockets, and the door for their events.

    The connect handler does no I/O and does not wait, so that a client is either not there or wholly there: nobody
    is in a room who has not been let in, and a drop half-way leaves nothing behind. The mailbox is read in a task
    after it, when the room is entered already: a change can then arrive twice, but not never. Mailboxes of those
    who come together are read together.
    """

    def __init__(
        self,
        store: Store,
        forms: Forms,
        rooms: Rooms,
        push: Push,
        hints: Hints,
        ends: Ends,
        by_token: ByToken,
        signals: Signals,
        metrics: Metrics,
        handlers: Handlers,
        context: Mapping[str, Any],
    ) -> None:
        super().__init__(NAMESPACE)
        self._store = store
        self._forms = forms
        self._rooms = rooms
        self._push = push
        self._hints = hints
        self._ends = ends
        self._by_token = by_token
        self._signals = signals
        self._metrics = metrics
        self._handlers = handlers
        self._context = context
        self._read_changes = Gather(self._read_all, most=500)
        self._read_afresh = Gather(self._read_all, most=AFRESH)
        self._jobs: defaultdict[str, set[asyncio.Task[None]]] = defaultdict(set)
        push.refresh = self.refresh
        push.fell_behind = self.fell_behind

    @property
    def io(self) -> Server:
        server: Server = self.server
        return server

    def on_connect(self, sid: str, connection: Connection, auth: Any = None) -> None:
        """Enter the room of the person whom the guard has let in, or of whom their token says they are."""
        try:
            self._let_in(connection, auth)
        except NotifsError as error:
            raise ConnectionRefusedError(error.message, {"code": error.code, "message": error.message}) from None
        connection.joined()
        member = Member(sid, connection)
        if len(self._rooms.enter(member).members) == 1:
            self._hints.join(member.recipient)
        self.io.manager.basic_enter_room(sid, NAMESPACE, room_for(member.recipient))
        cursor = Cursor.parse(auth.get("cursor")) if isinstance(auth, dict) else None
        self._begin(member, self._bring(member, cursor, first=True))
        self._signals.send(Connected(member.recipient, sid))

    def _let_in(self, connection: Connection, auth: Any) -> None:
        if self._ends.has_ended(connection):
            raise NotSignedIn("the sign-in that this socket came with has ended; sign in again")
        self._by_token.join(connection, auth)

    def on_disconnect(self, sid: str, reason: str) -> None:
        """Leave, and stop what was still being read for it."""
        for job in self._jobs.pop(sid, ()):
            if job is not asyncio.current_task():  # it may end its own socket
                job.cancel()
        if member := self._rooms.leave(sid):
            if self._rooms.room(member.recipient) is None:
                self._hints.leave(member.recipient)
            self._signals.send(Disconnected(member.recipient, sid, reason))

    async def answer(self, sid: str, event: str, data: Any) -> Mapping[str, Any]:
        """The ack of a client's event."""
        member = self._rooms.member(sid)
        if member is None:
            return refusal("not_connected", "this socket is closing")

        async def catch_up(cursor: Cursor | None) -> Head:
            return await self._catch_up(member, cursor)

        def refresh(token: str) -> float:
            return self._by_token.refresh(member.connection, token)

        ctx = Context(recipient=member.recipient, sid=sid, catch_up=catch_up, refresh=refresh, **self._context)
        return await self._handlers.answer(ctx, event, data)

    async def close(self) -> None:
        """Stop reading for sockets that are still being brought to the head."""
        for job in [job for jobs in self._jobs.values() for job in jobs]:
            job.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await job

    def refresh(self, member: Member, cursor: Cursor | None) -> None:
        """Send a socket what it misses since `cursor`."""
        self._begin(member, self._bring(member, cursor))

    def fell_behind(self, member: Member, cursor: Cursor | None) -> None:
        """Send a socket nothing but that it is behind, until it reads again; then what it misses since `cursor`."""
        member.behind = True
        if member.awaited:
            return
        member.awaited = True
        self._metrics.behind.inc()
        said = "you have not read what was sent; updates come again as soon as you do"
        member.connection.insist(messages.degraded("behind", said))
        self._begin(member, self._await_and_bring(member, cursor))

    def _begin(self, member: Member, job: Coroutine[Any, Any, None]) -> None:
        if self._rooms.member(member.sid) is not member:
            job.close()  # it has left
            return
        task = asyncio.get_running_loop().create_task(job)
        self._jobs[member.sid].add(task)
        task.add_done_callback(lambda _: self._jobs.get(member.sid, set()).discard(task))

    async def _await_and_bring(self, member: Member, cursor: Cursor | None) -> None:
        try:
            async with asyncio.timeout(BEHIND_SECONDS):
                await member.connection.room()
        except TimeoutError:
            member.connection.end(AGAIN, "behind")
            return
        finally:
            member.awaited = False
        if member.behind:  # else it has asked for itself meanwhile
            await self._bring(member, cursor)

    async def _bring(self, member: Member, cursor: Cursor | None, *, first: bool = False) -> None:
        """Bring a socket to the head, however long the store is away."""
        for attempt in itertools.count():
            try:
                await self._catch_up(member, cursor, first=first)
            except StoreUnavailable:
                if attempt == 0:
                    member.connection.insist(
                        messages.degraded("store_unavailable", "the store cannot be read just now")
                    )
                await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            except Exception:
                log.exception("could not bring a socket to the head", recipient=member.recipient)
                member.connection.end(AGAIN, "internal")
                return
            else:
                return

    async def _read_all(self, asked: Sequence[tuple[str, Cursor | None]]) -> list[Missed]:
        # Who hears of changes before reading cannot miss one in between.
        await self._hints.joined({recipient for recipient, _ in asked})
        return await self._store.catch_up(asked, SNAPSHOT_LIMIT)

    async def _catch_up(self, member: Member, cursor: Cursor | None, *, first: bool = False) -> Head:
        """Send what is missing since `cursor`: a delta, or pages of a snapshot, all of one moment."""
        read = self._read_afresh if cursor is None else self._read_changes
        entries, page = await read((member.recipient, cursor))
        for _ in range(READ_AGAIN):
            if not self._push.is_past(member.recipient, page.head.revision):
                break  # else the room was told of more while we read
            entries, page = await read((member.recipient, cursor))
        told = self._delta(cursor, entries, page)
        if told is None and cursor is not None and entries is not None:  # it is too large to be told as one
            return await self._catch_up(member, None, first=first)
        member.greeted, member.behind = True, False
        if first:
            member.connection.offer(messages.encode(self._forms.connected(page.head, person_of(member.recipient))))
        # Of a snapshot as many pages as the window takes; the last one says that there are more.
        if not member.connection.offer_some([told] if told else messages.snapshot(self._forms, page)):
            self.fell_behind(member, cursor if told else None)
        self._push.reached(member.recipient, page.head.revision)
        if not member.behind and self._push.is_past(member.recipient, page.head.revision):
            self.refresh(member, self._store.cursor(page.head))  # of what came in between it was not told
        return page.head

    def _delta(self, cursor: Cursor | None, entries: tuple[Entry, ...] | None, page: Page) -> Encoded | None:
        if entries is None or cursor is None:
            return None
        return messages.delta(self._forms, page.head, cursor.revision, entries)

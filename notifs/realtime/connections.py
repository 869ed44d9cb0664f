"""One WebSocket each: what waits to be sent on it, how much it may say, and how it ends.

A window bounds what a client costs that does not read: what waits here and in the transport below is at most WINDOW
bytes, and what would go beyond is not sent to it at all.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from notifs.errors import TooManySockets
from notifs.metrics import Metrics
from notifs.realtime.messages import Frame

WINDOW = 262_144
"""Bytes that may wait for one client."""
ROOM = 16_384
"""A window with no more than this in it has room again, even for the largest message."""
ROOM_SECONDS = (0.002, 0.2)
"""How often a window that is being waited for is looked at: often at first, then more and more seldom."""
SPARE = 65_536
"""Bytes beyond the window for acks and control, which are not held back; what goes beyond them ends the connection."""
OVER = 4
"""Seconds' worth of events that may be refused before whoever sends them is ended."""
LINGER_SECONDS = 5.0
"""How long a connection that is ended may take to tell its client so, before it is cut."""
UNKNOWN_BYTES = 128
"""What a packet of Engine.IO's own counts for, beside its data."""

NORMAL, RESTART, AGAIN, POLICY, PROTOCOL = 1000, 1012, 1013, 1008, 1002
"""WebSocket close codes (IANA registry): goodbye; come back a little later; the same; not so; not the protocol."""


@dataclass(slots=True, eq=False)
class Connection:
    """One WebSocket.

    Args:
        recipient: who is at the other end; empty until a token has said it. `session` is the key of their sign-in, if
            it has one.
        network: the client's.
        rate: events that it may send in a second.
        admitted_at: the event loop's time just before it was asked who it is.
        transport: asyncio's, where the server below hands it out.
    """

    recipient: str
    session: str | None
    network: str
    rate: int
    admitted_at: float = 0.0
    transport: asyncio.Transport | None = None
    socket: Any = None
    """Engine.IO's."""
    closing: tuple[int, str] | None = None
    """The code and the reason that it is to end with."""
    gone: bool = False
    """It was cut."""
    waiting: int = 0
    _sizes: deque[int] = field(default_factory=deque)
    _at_work: set[asyncio.Task[Any]] = field(default_factory=set)
    _tokens: float | None = None
    _refused: float = 0
    _counted_at: float = 0
    _join_timer: asyncio.TimerHandle | None = None
    _cut_timer: asyncio.TimerHandle | None = None
    _expiry: asyncio.TimerHandle | None = None

    def queued(self, packet: Any) -> None:
        """A packet waits to be sent."""
        size = packet.size if isinstance(packet, Frame) else UNKNOWN_BYTES + len(packet.data or "")
        self._sizes.append(size)
        self.waiting += size
        if self.unsent > WINDOW + 2 * SPARE:  # of what the libraries send by themselves
            self.end(AGAIN, "behind")

    def sent(self) -> None:
        """The server below has taken the packet that waited longest."""
        if self._sizes:
            self.waiting -= self._sizes.popleft()

    @property
    def unsent(self) -> int:
        """Bytes that wait, here and in the transport."""
        below = self.transport.get_write_buffer_size() if self.transport and not self.transport.is_closing() else 0
        return self.waiting + below

    @property
    def full(self) -> bool:
        """Whether there is no room left for an ordinary message."""
        return self.unsent > WINDOW - SPARE

    def offer(self, frame: Frame) -> bool:
        """Send it if the window has room for it, and say whether it had."""
        if self.unsent + frame.size > WINDOW:
            return False
        self._put(frame)
        return True

    def offer_some(self, frames: Iterable[Frame]) -> bool:
        """Send as many of them as the window takes, and say whether that was one at least."""
        for n, frame in enumerate(frames):
            if not self.offer(frame):
                return n > 0
        return True

    def insist(self, frame: Frame) -> None:
        """Send what must not be left out: an ack, or that it is behind."""
        if self.unsent + frame.size > WINDOW + SPARE:
            self.end(AGAIN, "behind")
        else:
            self._put(frame)

    async def room(self) -> None:
        """Wait until the client has read enough. Whoever waits says for how long."""
        pause, longest = ROOM_SECONDS
        while self.unsent > ROOM:  # the transport tells nobody what it has sent
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    def allows(self, now: float) -> bool:
        """Whether it may send one more event; each second brings `rate` of them, and no more are saved up."""
        passed, self._counted_at = (now - self._counted_at) * self.rate, now
        self._tokens = min(self.rate, self.rate if self._tokens is None else self._tokens + passed)
        self._refused = max(0.0, self._refused - passed)
        if self._tokens >= 1:
            self._tokens -= 1
            return True
        self._refused += 1
        if self._refused > OVER * self.rate:  # to refuse costs as well
            self.end(POLICY, "too_many_events")
        return False

    def must_join(self, seconds: float) -> None:
        """End it unless it has joined the namespace by then."""
        self.joined()
        self._join_timer = asyncio.get_running_loop().call_later(seconds, self.end, POLICY, "not_joined")

    def joined(self) -> None:
        """It need not be hurried any more."""
        if self._join_timer is not None:
            self._join_timer.cancel()
            self._join_timer = None

    def expires(self, seconds: float) -> None:
        """End it by then, and not when it was to end before: its token is good for so long.

        There is no DISCONNECT packet, so that a client comes back by itself, with a fresh token if it has one.
        """
        if self._expiry is not None:
            self._expiry.cancel()
        self._expiry = asyncio.get_running_loop().call_later(seconds, self.end, POLICY, "token_expired")

    @property
    def by_token(self) -> bool:
        """Whether it lasts as long as a token."""
        return self._expiry is not None

    def done(self) -> None:
        """It is over. Engine.IO's socket outlives it by a heartbeat; what waited to be sent does not."""
        self.joined()
        for timer in (self._cut_timer, self._expiry):
            if timer is not None:
                timer.cancel()
        if self.socket is not None:
            self.socket.queue.drop()
            self.socket = None

    def end(self, code: int, reason: str, within: float | None = None) -> None:
        """Close it with this code and reason; cut it if the client does not take even that within so many seconds."""
        if self.closing is not None:
            return
        self.closing = (code, reason)
        if self.socket is not None:
            self.socket.queue.put_nowait(None)  # ends the writer, which then closes the WebSocket
        seconds = LINGER_SECONDS if within is None else within
        self._cut_timer = asyncio.get_running_loop().call_later(seconds, self.cut)

    def cut(self) -> None:
        """Be done with it at once, whatever its client does."""
        if self.gone:
            return
        self.gone = True
        if self.transport is not None:
            self.transport.abort()
        for task in self._at_work:
            task.cancel()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While the server below sends or receives for it, which may take until it is cut.

        Raises:
            ConnectionAbortedError: it was cut.
        """
        if self.gone:
            raise ConnectionAbortedError
        task = cast(asyncio.Task[Any], asyncio.current_task())
        self._at_work.add(task)
        try:
            yield
        finally:
            self._at_work.discard(task)

    def _put(self, frame: Frame) -> None:
        if self.socket is not None and self.closing is None and not self.socket.closed:
            self.socket.queue.put_nowait(frame)


class Connections:
    """The open WebSockets of one worker, and how many each person and each network has.

    Args:
        per_user: at most; `per_network` likewise, where 0 is any number.
        metrics: counts those that were ended here.
    """

    def __init__(self, per_user: int, per_network: int, metrics: Metrics) -> None:
        self._metrics = metrics
        self._per_user = per_user
        self._per_network = per_network
        self._all: set[Connection] = set()
        self._empty = asyncio.Event()
        self._users: Counter[str] = Counter()
        self._networks: Counter[str] = Counter()

    def add(self, connection: Connection) -> None:
        """Take it in.

        Raises:
            TooManySockets: this person, or this network, has as many as one may have.
        """
        if self._per_network and self._networks[connection.network] >= self._per_network:
            raise TooManySockets(f"{self._per_network} sockets are open from your network; close one, then try again")
        if connection.recipient:
            self.name(connection, connection.recipient)
        self._all.add(connection)
        self._empty.clear()
        self._networks[connection.network] += 1

    def name(self, connection: Connection, recipient: str) -> None:
        """Count it as this person's.

        Raises:
            TooManySockets: they have as many as one may have.
        """
        if self._users[recipient] >= self._per_user:
            raise TooManySockets(f"{self._per_user} sockets of yours are open; close one, then try again")
        connection.recipient = recipient
        self._users[recipient] += 1

    def remove(self, connection: Connection) -> None:
        self._all.discard(connection)
        if not self._all:
            self._empty.set()
        if connection.closing is not None:
            self._metrics.ended.labels(connection.closing[1]).inc()
        for counter, key in ((self._users, connection.recipient), (self._networks, connection.network)):
            counter[key] -= 1
            if counter[key] <= 0:
                del counter[key]

    async def empty(self) -> None:
        """Wait until the last one is gone."""
        if self._all:
            await self._empty.wait()

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._all))

    def __len__(self) -> int:
        return len(self._all)

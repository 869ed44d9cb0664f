"""One client each: how much may wait to be sent to it, how much it may say, and how it ends.

A window bounds what a client costs that does not read: of messages at most WINDOW bytes wait for it, of acks and
control SPARE beside; what would go beyond is not sent to it at all.

An end has four steps: `end` says goodbye, `cut` does not wait for the client any more, `lost` is what the line says
when it is gone, and `done` is when nothing is left of it.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from notifs.errors import TooManySockets
from notifs.metrics import Metrics
from notifs.realtime.frames import Frame
from notifs.realtime.lines import NOWHERE, Line

log = structlog.get_logger("notifs.realtime")
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

NORMAL, RESTART, AGAIN, POLICY, PROTOCOL, TOO_LARGE = 1000, 1012, 1013, 1008, 1002, 1009
"""WebSocket close codes (IANA registry): goodbye; come back a little later; the same; not so; not the protocol; too
large."""


class Keeper(Protocol):
    """What Engine.IO does with a connection."""

    def take(self, connection: "Connection", data: str | bytes) -> Awaitable[None] | None:
        """Do what a client says; what is returned must be awaited before it may say more."""

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this, as a task."""

    def lost(self, connection: "Connection") -> None:
        """The client is gone."""


@dataclass(slots=True, eq=False)
class Connection:
    """One client.

    Args:
        recipient: who is at the other end; empty until a token has said it. `session` is the key of their sign-in, if
            it has one.
        network: the client's.
        rate: events that it may send in a second.
        admitted_at: the event loop's time just before it was asked who it is.
    """

    recipient: str
    session: str | None
    network: str
    rate: int
    admitted_at: float = 0.0
    sid: str = ""
    """Engine.IO's id; empty before its handshake."""
    caller: str = ""
    """Who its first request was of: the recipient, or nobody where a token says later who it is."""
    line: Line = NOWHERE
    keeper: Keeper | None = None
    closing: tuple[int, str] | None = None
    """The code and the reason that it is to end with."""
    awaited: bytes | None = None
    """What the ping of the WebSocket's own had in it that is to be answered."""
    heard: bool = True
    """Whether Engine.IO's last ping was answered."""
    late: int = 0
    """How often it was given more time for that."""
    _owner: "Connections | None" = None
    _said: deque[str | bytes] | None = None
    """What it has said while something else is being done for it; None while nothing is."""
    _tokens: float | None = None
    _refused: float = 0
    _counted_at: float = 0
    _join_timer: asyncio.TimerHandle | None = None
    _cut_timer: asyncio.TimerHandle | None = None
    _expiry: asyncio.TimerHandle | None = None

    # What goes out.

    @property
    def unsent(self) -> int:
        """Bytes that wait."""
        return self.line.unsent

    @property
    def full(self) -> bool:
        """Whether there is no room left for an ordinary message."""
        return self.unsent > WINDOW - SPARE

    def offer(self, frame: Frame, *, now: bool = False) -> bool:
        """Send it if the window has room for it, and say whether it had; `now` as in Line."""
        line = self.line
        if line.unsent + frame.size > WINDOW:
            return False
        if self.closing is None:
            line.write(frame, now=now)
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
        elif self.closing is None:
            self.line.write(frame)

    async def room(self) -> None:
        """Wait until the client has read enough. Whoever waits says for how long."""
        pause, longest = ROOM_SECONDS
        while self.unsent > ROOM:  # the transport tells nobody what it has sent
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    # What comes in: one thing after the other, and no more is read while one takes its time.

    @property
    def busy(self) -> bool:
        """Whether something is being done for it, and what it says is not heard meanwhile."""
        return self._said is not None

    @property
    def answered(self) -> bool:
        """Whether it has answered all that it was pinged with."""
        return self.heard and self.awaited is None

    def received(self, data: str | bytes) -> None:
        """It says this."""
        if self._said is not None:
            self._said.append(data)
        elif self.keeper is not None and (work := self._take(data)) is not None:
            self._said = deque()
            self.line.pause()
            self.keeper.run(self._work_on(work))

    def ponged(self, payload: bytes) -> None:
        """It has answered a ping of the WebSocket's own."""
        if payload == self.awaited:
            self.awaited = None

    def lost(self) -> None:
        """It is gone."""
        if self.keeper is not None:
            self.keeper.lost(self)

    def move(self, line: Line) -> None:
        """Go on by another line; what is under way goes on."""
        before, self.line = self.line, line
        before.resume()

    def _take(self, data: str | bytes) -> Awaitable[None] | None:
        if self.keeper is None or self.closing is not None:
            return None
        try:
            return self.keeper.take(self, data)
        except Exception as error:
            self._failed(error)
            return None

    async def _work_on(self, work: Awaitable[None] | None) -> None:
        try:
            while True:
                if work is not None:
                    await self._do(work)
                if not self._said:
                    break
                work = self._take(self._said.popleft())
        finally:
            self._said = None
            self.line.resume()

    async def _do(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        """What it said was too much for us."""
        log.error("could not do what a client says", exc_info=error)
        self.end(AGAIN, "internal")

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

    # How it begins and ends.

    def begin(self, sid: str, line: Line, keeper: Keeper) -> None:
        """Engine.IO has let it in, under this id."""
        self.sid, self.line, self.keeper, self.caller = sid, line, keeper, self.recipient

    def must_join(self, seconds: float) -> None:
        """End it unless it has joined a namespace by then."""
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

    def end(self, code: int, reason: str, within: float | None = None) -> None:
        """Close it with this code and reason; cut it if the client does not take even that within so many seconds."""
        if self.closing is None:
            self.closing = (code, reason)
            self.line.close(code, reason)
        elif within is None or self._cut_timer is None:
            return
        else:
            self._cut_timer.cancel()
        seconds = LINGER_SECONDS if within is None else within
        self._cut_timer = asyncio.get_running_loop().call_later(seconds, self.cut)

    def cut(self) -> None:
        """Be done with it at once, whatever its client does."""
        self.line.abort()

    def done(self) -> None:
        """It is over: nothing is sent, done or counted for it any more."""
        self.joined()
        for timer in (self._cut_timer, self._expiry):
            if timer is not None:
                timer.cancel()
        self.move(NOWHERE)
        self.keeper = None
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.remove(self)


class Connections:
    """The clients of one worker, and how many each person and each network has.

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
        connection._owner = self

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
        """It is gone."""
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

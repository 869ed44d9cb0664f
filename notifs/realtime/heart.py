"""The heartbeat of all connections of a worker: one timer, however many there are."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable

from notifs.realtime.connections import Connection
from notifs.realtime.frames import Frame

_PING = Frame(b"2")


class Heart:
    """Pings each connection so many seconds after it has come or was pinged, and finds those that do not answer.

    All wait for the same time, so that who waits longest is always first. Where the line is a WebSocket that can be
    pinged itself, both pings go out together: a client can answer Engine.IO's without having read it, but not the
    other one, whose payload it cannot guess (RFC 6455, section 5.5.3).

    Args:
        interval: seconds between two pings.
        timeout: seconds until an answer must be there.
        silent: told of who has not answered in time.
    """

    def __init__(self, interval: float, timeout: float, silent: Callable[[Connection], None]) -> None:
        self._interval = interval
        self._timeout = timeout
        self._silent = silent
        self._to_ping: OrderedDict[Connection, float] = OrderedDict()
        self._to_check: OrderedDict[Connection, float] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Connection) -> None:
        """It has come."""
        self._to_ping[connection] = _now() + self._interval
        if self._timer is None:
            self._wait()

    def remove(self, connection: Connection) -> None:
        """It is gone."""
        self._to_ping.pop(connection, None)
        self._to_check.pop(connection, None)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        """Until the first one is due."""
        first = [next(iter(each.values())) for each in (self._to_ping, self._to_check) if each]
        self._timer = asyncio.get_running_loop().call_at(min(first), self._beat) if first else None

    def _beat(self) -> None:
        payload = secrets.token_bytes(4)
        now = _now()
        for connection in _due(self._to_check, now):
            self._check(connection, now)
        for connection in _due(self._to_ping, now):
            connection.heard = False
            connection.awaited = payload if connection.line.ping(_PING, payload) else None
            self._to_check[connection] = now + self._timeout
        self._wait()

    def _check(self, connection: Connection, now: float) -> None:
        if connection.busy:  # what it says is not heard meanwhile
            connection.heard, connection.awaited = True, None
        if connection.heard and connection.awaited is None:
            self._to_ping[connection] = now - self._timeout + self._interval
        else:
            self._silent(connection)


def _due(waiting: OrderedDict[Connection, float], now: float) -> list[Connection]:
    due = []
    while waiting and next(iter(waiting.values())) <= now:
        due.append(waiting.popitem(last=False)[0])
    return due


def _now() -> float:
    return asyncio.get_running_loop().time()

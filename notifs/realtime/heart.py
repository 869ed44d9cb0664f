"""The heartbeat of all connections of a worker: one timer, however many there are."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import structlog

from notifs.realtime.connections import Connection
from notifs.realtime.frames import Frame

log = structlog.get_logger("notifs.realtime")
LATE = 3
"""How many times as long somebody may take to answer whose event is under way all the time."""
_PING = Frame(b"2")


class Heart:
    """Pings each connection so many seconds after it has come or was pinged, and finds those that do not answer.

    All wait for the same time from the moment when they were pinged, so that who waits longest is always first. Where
    the line is a WebSocket that can be pinged itself, both pings go out together: a client can answer Engine.IO's
    without having read it, but not the other one, whose payload it cannot guess (RFC 6455, section 5.5.3).

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
        """Ping nobody any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        """Until the first one is due."""
        first = [next(iter(each.values())) for each in (self._to_ping, self._to_check) if each]
        self._timer = asyncio.get_running_loop().call_at(min(first), self._beat) if first else None

    def _beat(self) -> None:
        now, payload = _now(), secrets.token_bytes(4)
        for connection in _due(self._to_check, now):
            if not connection.answered:
                self._try(self._wait_or_end, connection, now)
        for connection in _due(self._to_ping, now):
            self._to_ping[connection] = now + self._interval
            if connection not in self._to_check or connection.answered:
                self._try(self._ping, connection, now, payload)
        self._wait()

    def _ping(self, connection: Connection, now: float, payload: bytes) -> None:
        self._to_check.pop(connection, None)
        self._to_check[connection] = now + self._timeout
        connection.heard, connection.late = False, 0
        connection.awaited = payload if connection.line.ping(_PING, payload) else None

    def _wait_or_end(self, connection: Connection, now: float) -> None:
        if connection.busy and connection.late < LATE:  # what it says is not heard meanwhile
            connection.late += 1
            self._to_check[connection] = now + self._timeout
        else:
            self._silent(connection)

    def _try(self, act: Callable[..., None], connection: Connection, *arguments: Any) -> None:
        """Whatever is wrong with one, the hearts of the others beat on."""
        try:
            act(connection, *arguments)
        except Exception:
            log.exception("a connection could not be pinged")
            connection.cut()


def _due(waiting: OrderedDict[Connection, float], now: float) -> list[Connection]:
    due = []
    while waiting and next(iter(waiting.values())) <= now:
        due.append(waiting.popitem(last=False)[0])
    return due


def _now() -> float:
    return asyncio.get_running_loop().time()

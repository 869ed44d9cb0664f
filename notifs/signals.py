"""What happens in the life of a notification, told inside the process to whoever listens.

A listener observes and cannot veto: it runs after the fact, in a task of its own, and what it raises is logged.
"""

import asyncio
import inspect
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

log = structlog.get_logger("notifs.signals")


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that happened. The root of all signals: listen to it to hear every one."""


@dataclass(frozen=True, slots=True)
class Created(Signal):
    """A notification was committed, in a transaction of notifs' own or in the caller's.

    One that goes to many is told of part by part, as they get it, by the worker that gave it to them.
    """

    id: str
    kind: str
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Announced(Signal):
    """A notification for everyone was committed."""

    id: str
    kind: str


@dataclass(frozen=True, slots=True)
class Updated(Signal):
    """A notification has got another content."""

    id: str


@dataclass(frozen=True, slots=True)
class Retracted(Signal):
    """Notifications were taken back, or have expired."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changed(Signal):
    """A recipient's copies changed: `act` is read, unread, seen, archive, unarchive, snooze or unsnooze.

    Or it is wake: they are back, since their time has come. `ids` is empty where the act was told by a cursor. `count`
    says how many copies really changed.
    """

    recipient: str
    act: str
    ids: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Pushed(Signal):
    """A message was given to the room of a recipient who has sockets on this worker."""

    recipient: str
    type: str
    revision: int


@dataclass(frozen=True, slots=True)
class Connected(Signal):
    """A socket entered its recipient's room."""

    recipient: str
    sid: str


@dataclass(frozen=True, slots=True)
class Disconnected(Signal):
    """A socket left."""

    recipient: str
    sid: str
    reason: str


@dataclass(frozen=True, slots=True)
class SignedIn(Signal):
    """Somebody signed in on the sign-in page of notifs."""

    user: str


@dataclass(frozen=True, slots=True)
class SignedOut(Signal):
    """Somebody signed out."""

    user: str


@dataclass(frozen=True, slots=True)
class Delivered(Signal):
    """A webhook has taken a delivery."""

    id: str
    webhook: str


@dataclass(frozen=True, slots=True)
class DeliveryFailed(Signal):
    """A delivery to a webhook was given up."""

    id: str
    webhook: str
    error: str


S = TypeVar("S", bound=Signal)
Listener = Callable[[S], Awaitable[None] | None]


class Signals:
    """Who listens to what, in one application."""

    def __init__(self) -> None:
        self._listeners: defaultdict[type[Signal], list[Listener[Any]]] = defaultdict(list)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def on(self, kind: type[S]) -> Callable[[Listener[S]], Listener[S]]:
        """Decorate a function, plain or async, that is called with each signal of this class and its subclasses."""

        def register(listener: Listener[S]) -> Listener[S]:
            self._listeners[kind].append(listener)
            return listener

        return register

    def send(self, signal: Signal) -> None:
        """Tell the listeners, without waiting for them. Needs a running event loop if there are any."""
        for kind in type(signal).__mro__[:-1]:
            for listener in self._listeners.get(kind, ()):
                task = asyncio.get_running_loop().create_task(_call(listener, signal))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Wait until every listener that was called has finished."""
        while self._tasks:
            await asyncio.gather(*self._tasks)


async def _call(listener: Listener[Any], signal: Signal) -> None:
    try:
        result = listener(signal)
        if inspect.isawaitable(result):
            await result
    except Exception:
        log.exception("listener failed", listener=getattr(listener, "__qualname__", repr(listener)))

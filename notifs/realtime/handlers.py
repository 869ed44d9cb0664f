"""The table of client events, for the built-in ones and for anybody's.

    handlers = Handlers()

    @handlers.on("pin")
    async def pin(ctx: Context, data: PinRequest) -> PinReply: ...

`PinRequest` and `PinReply` are pydantic models. What is sent is checked before the handler runs; what it returns is
the ack, with `ok: true`; a NotifsError that it raises is the ack, with `ok: false`. A client is never left without one.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError

from notifs.acts import Acts
from notifs.errors import NotifsError
from notifs.forms import Forms
from notifs.notifier import Notifier
from notifs.requests import explain
from notifs.store import Head, Store
from notifs.wire import Cursor, refusal

log = structlog.get_logger("notifs.handlers")
RESERVED = frozenset({"connect", "disconnect", "connect_error", "disconnecting", "newListener", "removeListener"})
"""Names that Socket.IO keeps to itself, in its clients and servers."""


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, and what a handler may use. `recipient` comes from the connection, never from the client's data."""

    recipient: str
    sid: str
    notifier: Notifier
    acts: Acts
    store: Store
    forms: Forms
    catch_up: Callable[[Cursor | None], Awaitable[Head]]
    """Sends this socket what it missed since a cursor, and returns the head that it then stands at."""
    refresh: Callable[[str], float]
    """Lets this socket last as long as a fresh token of the same person; returns for how many seconds."""


Reply = BaseModel | Mapping[str, Any] | None
Handler = Callable[[Context, Any], Awaitable[Reply]]
H = TypeVar("H", bound=Callable[[Context, Any], Awaitable[Any]])


@dataclass(frozen=True, slots=True)
class _Entry:
    handler: Handler
    request: TypeAdapter[Any]


class Handlers:
    """Client events by name."""

    def __init__(self, *tables: "Handlers") -> None:
        self._entries: dict[str, _Entry] = {}
        for table in tables:
            self._take(table._entries.items())

    def on(self, event: str) -> Callable[[H], H]:
        """Decorate the handler of a client event: `async def handler(ctx: Context, data: SomeRequest) -> reply`.

        Raises:
            TypeError: a reserved or taken name, or a function of another shape.
        """

        def register(handler: H) -> H:
            parameters = list(inspect.signature(handler).parameters.values())
            is_async: bool = inspect.iscoroutinefunction(handler)
            if not is_async or len(parameters) != 2:
                raise TypeError(f"the handler of {event!r} must be: async def handler(ctx: Context, data: SomeRequest)")
            hint = get_type_hints(handler).get(parameters[1].name, dict[str, Any])
            self._take([(event, _Entry(handler, TypeAdapter(hint)))])
            return handler

        return register

    def names(self) -> list[str]:
        return sorted(self._entries)

    async def answer(self, ctx: Context, event: str, data: Any) -> Mapping[str, Any]:
        """The ack of one event: what its handler returns, or why it was refused. Never raises."""
        entry = self._entries.get(event)
        if entry is None:
            return refusal("unknown_event", f"there is no such event; known are: {', '.join(self.names())}")
        try:
            request = entry.request.validate_python({} if data is None else data)
            reply = await entry.handler(ctx, request)
        except ValidationError as error:
            return refusal("bad_request", explain(error))
        except NotifsError as error:
            return refusal(error.code, error.message)
        except Exception:
            log.exception("handler failed", handled=event)
            return refusal("internal", "something went wrong here; it was logged, and can be tried again")
        fields = reply.model_dump(mode="json") if isinstance(reply, BaseModel) else reply or {}
        return {"ok": True, **fields}

    def _take(self, entries: Iterable[tuple[str, _Entry]]) -> None:
        for event, entry in entries:
            if event in RESERVED:
                raise TypeError(f"{event!r} is a name that Socket.IO keeps to itself; choose another")
            if event in self._entries:
                raise TypeError(f"there are two handlers for {event!r}")
            self._entries[event] = entry

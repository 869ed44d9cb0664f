"""How each defence is switched off, in the process of a server that is to be attacked. Not a part of the package.

A function here takes one defence away by replacing what does it, and leaves everything else as it is.
"""

import uuid
from collections.abc import Callable
from typing import Any

import uvicorn
from sqlalchemy import select
from starlette.datastructures import Headers

from notifs import serve
from notifs.origins import Origins
from notifs.realtime import guard, server
from notifs.realtime.connections import Connection, Connections
from notifs.realtime.guard import Guard
from notifs.realtime.server import Server
from notifs.store import Store
from notifs.store.models import Receipt
from notifs.web.middleware import BoundedBody
from notifs.web.sessions import Sessions
from notifs.wire import NAMESPACE

DEFENCES: dict[str, Callable[[], None]] = {}


def defence(function: Callable[[], None]) -> Callable[[], None]:
    """Register what switches a defence off; attacks name it by its function's name."""
    DEFENCES[function.__name__] = function
    return function


def switch_off(names: str) -> None:
    """Switch off the defences with these names, which commas separate."""
    for name in filter(None, names.split(",")):
        DEFENCES[name]()


def replace(owner: Any, name: str, value: Any) -> None:
    """Put another value in the place of one that is there; a defence that has moved is noticed."""
    assert hasattr(owner, name), f"{owner!r} has no {name}"
    setattr(owner, name, value)


@defence
def origins_are_not_checked() -> None:
    replace(Origins, "allows", lambda self, origin, scope: True)
    replace(Origins, "same_site", lambda self, scope: True)


@defence
def origins_may_be_missing() -> None:
    replace(guard, "_needs_origin", lambda scope: False)


# S9


@defence
def mailboxes_are_not_told_apart() -> None:
    change, one = Store.change, Store.one

    async def owner(store: Store, id: uuid.UUID) -> str | None:
        statement = select(Receipt.recipient).where(Receipt.notification_id == id)
        return await store.database.read(lambda c: c.scalar(statement))

    async def change_anybodys(self: Store, recipient: str, act: Any, *, ids: Any = None, up_to: Any = None) -> Any:
        whose = await owner(self, ids[0]) if ids else None
        return await change(self, whose or recipient, act, ids=ids, up_to=up_to)

    async def one_of_anybodys(self: Store, recipient: str, id: uuid.UUID) -> Any:
        return await one(self, await owner(self, id) or recipient, id)

    replace(Store, "change", change_anybodys)
    replace(Store, "one", one_of_anybodys)


@defence
def clients_say_who_they_are() -> None:
    async def believe(self: Sessions, scope: Any) -> str | None:
        person = await self.person(scope)
        return Headers(scope=scope).get("x-user") or (person and person.id)

    replace(Sessions, "identify", believe)


# S10


@defence
def messages_have_no_room() -> None:
    everybody: list[Connection] = []
    add, offer = Connections.add, Connection.offer

    def add_and_keep(self: Connections, connection: Connection) -> None:
        add(self, connection)
        everybody.append(connection)

    replace(Connections, "add", add_and_keep)
    replace(Connection, "offer", lambda self, frame: all([offer(each, frame) for each in everybody]))


# S12


@defence
def events_are_not_checked() -> None:
    replace(server, "_problem", lambda packet: None)


@defence
def events_reach_lifecycle_handlers() -> None:
    async def answer(self: Server, sid: str, event: str, data: Any = None) -> Any:
        return await self._trigger_event(event, NAMESPACE, sid, data)

    replace(Server, "_answer", answer)


@defence
def events_are_not_counted() -> None:
    replace(server, "_pressure", lambda connection: None)


@defence
def frames_are_not_bounded() -> None:
    replace(server, "FRAME_LIMIT", 2**24)
    replace(serve, "FRAME_LIMIT", 2**24)


# S13


@defence
def compression_is_offered() -> None:
    init = uvicorn.Config.__init__

    def init_with_it(self: uvicorn.Config, *args: Any, **options: Any) -> None:
        init(self, *args, **{**options, "ws_per_message_deflate": True})

    replace(uvicorn.Config, "__init__", init_with_it)


# S14


@defence
def windows_are_not_bounded() -> None:
    replace(Connection, "unsent", property(lambda self: 0))


# S15


@defence
def polling_is_on() -> None:
    call, init = Guard.__call__, Server.__init__

    def init_with_it(self: Server) -> None:
        init(self)
        self.eio.transports = ["polling", "websocket"]

    async def let_in(self: Guard, scope: Any, receive: Any, send: Any) -> None:
        await (call(self, scope, receive, send) if scope["type"] == "websocket" else self._app(scope, receive, send))

    replace(Server, "__init__", init_with_it)
    replace(Guard, "__call__", let_in)


@defence
def bodies_are_not_bounded() -> None:
    async def pass_on(self: BoundedBody, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    replace(BoundedBody, "__call__", pass_on)

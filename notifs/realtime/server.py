"""python-socketio's server with the hazards closed that it has today.

A client's events never reach a lifecycle handler: they go to `answer` and nowhere else, whatever they are called.
Whoever is dropped leaves no trace in a room. What cannot be read, or is binary, is refused without a stack trace.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import engineio
import orjson
import socketio
from engineio import packet as eio_packet
from socketio import packet as sio_packet

from notifs.realtime.connections import AGAIN, NORMAL, POLICY, PROTOCOL, Connection
from notifs.realtime.guard import connection as guarded
from notifs.realtime.messages import Frame
from notifs.wire import DEPTH_LIMIT, FRAME_LIMIT, NAMESPACE, Refusal, refusal

JOIN_SECONDS = 5.0
"""How long a socket may take to join the namespace."""

SIGNED_OUT_SECONDS = 1.0
"""How long a socket may still be sent what waited for it, once its sign-in has ended."""

BEHIND = refusal("behind", "much of what was sent to you waits to be read; read it, then ask again")


class _Json:
    """orjson in the shape of the json module that python-socketio wants."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


class Packet(sio_packet.Packet):  # type: ignore[misc]
    """A packet of the Socket.IO protocol v5. Data that is not JSON makes it `garbled`: its id was read before."""

    json = _Json
    uses_binary_events = False
    garbled = False

    def decode(self, encoded_packet: str) -> int:
        try:
            return int(super().decode(encoded_packet) or 0)
        except orjson.JSONDecodeError:
            self.garbled = True
            return 0


class Outbox(asyncio.Queue[Any]):
    """What waits to be sent to one client; its connection keeps the count."""

    connection: Connection | None = None

    def _put(self, item: Any) -> None:
        if item is not None and self.connection is not None:
            self.connection.queued(item)
        super()._put(item)

    def belong_to(self, connection: Connection, socket: Any) -> None:
        """Count what waits already, and from now on."""
        for item in self._queue:  # type: ignore[attr-defined]
            connection.queued(item)
        self.connection, connection.socket = connection, socket

    def drop(self) -> None:
        """Nobody is there to whom it could be sent."""
        self._queue.clear()  # type: ignore[attr-defined]
        self.connection = None


class Engine(engineio.AsyncServer):  # type: ignore[misc]
    """Engine.IO with bounded queues."""

    def create_queue(self, *_: Any, **__: Any) -> Outbox:
        return Outbox()


class Server(socketio.AsyncServer):  # type: ignore[misc]
    """An AsyncServer for WebSocket alone, with one namespace, whose `answer` gives the ack of a client's event.

    Args:
        wait: counts an event of a recipient; gives the seconds to wait if there were too many, else 0.
    """

    def __init__(self, wait: Callable[[str], int]) -> None:
        self._wait = wait
        super().__init__(
            async_mode="asgi",
            transports=["websocket"],
            serializer=Packet,
            cors_allowed_origins=[],  # the guard has looked at the origin already, and more exactly
            max_http_buffer_size=FRAME_LIMIT,
            ping_interval=25,
            ping_timeout=20,
            logger=False,
            engineio_logger=False,
        )

    async def close(self, sid: str, connection: Connection) -> None:
        """End a socket for good: told so by the DISCONNECT packet, and not waited for."""
        await self.disconnect(sid, namespace=NAMESPACE)
        connection.end(POLICY, "signed_out", SIGNED_OUT_SECONDS)

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        if (connection := guarded(environ["asgi.scope"])) is not None:
            socket = self.eio.sockets[eio_sid]
            socket.queue.belong_to(connection, socket)
            connection.must_join(JOIN_SECONDS)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        if isinstance(data, bytes):
            return  # an attachment of a binary event, which was refused, or of none
        connection = self._connection(eio_sid)
        if connection is None or connection.closing is not None:
            return
        try:
            packet = Packet(encoded_packet=data)
        except (ValueError, TypeError, IndexError, AttributeError):
            connection.end(PROTOCOL, "not_socketio")
            return
        match packet.packet_type:
            case sio_packet.CONNECT if not packet.garbled:
                if connection.allows(asyncio.get_running_loop().time()):
                    await self._handle_connect(eio_sid, packet.namespace, packet.data)
            case sio_packet.DISCONNECT:
                await self._handle_disconnect(eio_sid, packet.namespace, self.reason.CLIENT_DISCONNECT)
                if packet.namespace == NAMESPACE:
                    connection.end(NORMAL, "left")  # to hold a socket and be in no namespace is no use
            case sio_packet.EVENT | sio_packet.BINARY_EVENT:
                await self._handle_packet(eio_sid, packet, connection)
            case sio_packet.ACK | sio_packet.BINARY_ACK:
                pass  # this server never asks for one
            case _:
                connection.end(PROTOCOL, "not_socketio")

    def _connection(self, eio_sid: str) -> Connection | None:
        socket = self.eio.sockets.get(eio_sid)
        return socket.queue.connection if socket is not None else None

    async def _handle_packet(self, eio_sid: str, packet: Packet, connection: Connection) -> None:
        sid = self.manager.sid_from_eio_sid(eio_sid, packet.namespace or "/")
        if packet.namespace != NAMESPACE or not self.manager.is_connected(sid, NAMESPACE):
            return
        ack = self._pressure(connection) or _problem(packet) or await self._answer(sid, *packet.data)
        if packet.id is not None and not connection.offer(_ack(packet.id, ack)):
            connection.insist(_ack(packet.id, BEHIND))

    def _pressure(self, connection: Connection) -> Refusal | None:
        """Why a client may not ask for anything just now, or None."""
        if not connection.allows(asyncio.get_running_loop().time()):
            return refusal("too_many_events", f"at most {connection.rate} events a second; wait, then try again")
        if wait := self._wait(connection.recipient):
            return refusal("too_many_events", f"all your sockets together say too much; wait {wait} s, then try again")
        # What it asked for would be done, and it would not hear of it.
        return BEHIND if connection.full else None

    async def _answer(self, sid: str, event: str, data: Any = None) -> Any:
        return await self.namespace_handlers[NAMESPACE].answer(sid, event, data)

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        socket = self.eio.sockets.get(eio_sid)
        if socket is None or socket.closed:
            return
        await super()._handle_connect(eio_sid, namespace, data)
        connection = self._connection(eio_sid)
        if socket.closed:
            await self._forget(eio_sid)
        elif namespace == NAMESPACE and connection and self.manager.sid_from_eio_sid(eio_sid, NAMESPACE) is None:
            connection.end(POLICY, "refused")  # the CONNECT_ERROR packet before it has said why

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        connection = self._connection(eio_sid)
        await super()._handle_eio_disconnect(eio_sid, reason)
        await self._forget(eio_sid)
        if connection is not None and reason != self.reason.TRANSPORT_CLOSE:
            # Engine.IO has given it up; its WebSocket may still be there.
            connection.end(AGAIN, "ping_timeout" if reason == self.reason.PING_TIMEOUT else "left")

    async def _forget(self, eio_sid: str) -> None:
        """Take a socket that is gone out of every room; the stock server leaves it there if it went on connecting."""
        sid = self.manager.sid_from_eio_sid(eio_sid, NAMESPACE)
        if sid is not None:
            await self._trigger_event("disconnect", NAMESPACE, sid, self.reason.TRANSPORT_CLOSE)
            await self.manager.disconnect(sid, NAMESPACE, ignore_queue=True)


def _ack(number: int, ack: Any) -> Frame:
    text: str = Packet(sio_packet.ACK, namespace=NAMESPACE, id=number, data=[ack]).encode()
    return Frame(f"{eio_packet.MESSAGE}{text}".encode())


def _problem(packet: Packet) -> Refusal | None:
    """Why an event packet cannot be an event, or None."""
    if packet.packet_type == sio_packet.BINARY_EVENT:
        return refusal("binary_refused", "send JSON; binary data is not taken")
    if packet.garbled:
        return refusal("bad_json", "the event's data is not JSON")
    data = packet.data
    if not isinstance(data, list) or not data or not isinstance(data[0], str) or len(data) > 2:
        return refusal("bad_request", "an event is its name and at most one object with its data")
    if _depth(data, DEPTH_LIMIT + 1) > DEPTH_LIMIT + 1:
        return refusal("too_deep", f"the data is nested deeper than {DEPTH_LIMIT} levels")
    return None


def _depth(value: Any, limit: int) -> int:
    """How deep lists and objects are nested, counted no further than just past `limit`."""
    level, depth = [value], 0
    while level and depth <= limit:
        containers = [v for v in level if isinstance(v, (list, dict))]
        level = [child for c in containers for child in (c.values() if isinstance(c, dict) else c)]
        depth += bool(containers)
        if not containers:
            break
    return depth

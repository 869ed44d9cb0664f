"""python-socketio's server over our engine, with the hazards closed that it has today.

A client's events never reach a lifecycle handler: those of `/notifs` go to `answer` and nowhere else, whatever they are
called. Whoever is gone leaves no trace in a room. What cannot be read, or is binary, is refused without a stack trace.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import socketio
import structlog
from socketio import packet as sio_packet
from socketio.exceptions import ConnectionRefusedError
from starlette.types import Scope

from notifs.realtime.connections import AGAIN, NORMAL, POLICY, PROTOCOL, TOO_LARGE, WINDOW, Connection
from notifs.realtime.engine import Engine, environ_of
from notifs.realtime.frames import Frame
from notifs.realtime.manager import Manager, frames_of
from notifs.wire import DEPTH_LIMIT, FRAME_LIMIT, NAMESPACE, Refusal, refusal

log = structlog.get_logger("notifs.realtime")
JOIN_SECONDS = 5.0
"""How long a socket may take to join a namespace."""

SIGNED_OUT_SECONDS = 1.0
"""How long a socket may still be sent what waited for it, once its sign-in has ended."""

BEHIND = refusal("behind", "much of what was sent to you waits to be read; read it, then ask again")
ATTACHMENTS = 100
"""Of one packet in a namespace of the host's."""
LIFECYCLE = frozenset({"connect", "connect_error", "disconnect", "disconnecting"})
"""What the library itself says to handlers, and a client may not."""


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
    garbled = False

    def decode(self, encoded_packet: str) -> int:
        try:
            return int(super().decode(encoded_packet) or 0)
        except orjson.JSONDecodeError:
            self.garbled = True
            return 0


class Server(socketio.AsyncServer):  # type: ignore[misc]
    """An AsyncServer whose namespace `/notifs` is notifs' own; any other may be registered beside it as usual.

    Args:
        wait: counts an event of a recipient; gives the seconds to wait if there were too many, else 0.
        polling: whether a client may come by long-polling too.
        ping_interval: seconds; `ping_timeout` likewise.
        max_payload: bytes that a client may send at once.
    """

    def __init__(
        self,
        wait: Callable[[str], int],
        *,
        polling: bool = False,
        ping_interval: float = 25.0,
        ping_timeout: float = 20.0,
        max_payload: int = FRAME_LIMIT,
    ) -> None:
        self._wait = wait
        self._held: dict[tuple[str, str], list[Frame]] = {}
        self._engine = Engine(
            above=self,
            polling=polling,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            max_payload=max_payload,
        )
        super().__init__(client_manager=Manager(), async_mode="asgi", serializer=Packet, logger=False)

    def _engineio_server_class(self) -> Callable[..., Engine]:
        return lambda **_: self._engine

    async def close(self, sid: str, connection: Connection) -> None:
        """End a socket for good: told so by the DISCONNECT packet, and not waited for."""
        await self.disconnect(sid, namespace=NAMESPACE)
        connection.end(POLICY, "signed_out", SIGNED_OUT_SECONDS)

    def deliver(self, eio_sid: str, namespace: str, frames: list[Frame]) -> None:
        """Send to one client; after its CONNECT packet, if that is still to come."""
        connection = self.eio.sockets.get(eio_sid)
        if connection is None:
            return
        held = self._held.get((eio_sid, namespace))
        if held is None:
            for frame in frames:
                connection.insist(frame)
        elif sum(frame.size for frame in held) <= WINDOW:
            held += frames
        else:
            connection.end(AGAIN, "behind")

    async def _send_packet(self, eio_sid: str, pkt: Any) -> None:
        self.deliver(eio_sid, pkt.namespace or "/", frames_of(pkt))

    # What the engine tells.

    async def opened(self, connection: Connection, scope: Scope) -> None:
        connection.must_join(JOIN_SECONDS)
        if self.handlers or self.namespace_handlers.keys() - {NAMESPACE}:
            self.environ[connection.sid] = await environ_of(scope)

    def message(self, connection: Connection, data: str | bytes) -> Awaitable[None] | None:
        if isinstance(data, bytes):
            return self._attach(connection, data)
        try:
            packet = Packet(encoded_packet=data)
        except (ValueError, TypeError, IndexError, AttributeError):
            connection.end(PROTOCOL, "not_socketio")
            return None
        take = self._take if packet.namespace == NAMESPACE else self._take_elsewhere
        return take(connection, packet)

    def left(self, connection: Connection, reason: str) -> None:
        eio_sid = connection.sid
        self._part(connection, reason)
        self.environ.pop(eio_sid, None)
        self._binary_packet.pop(eio_sid, None)
        for namespace in self.manager.namespaces_of(eio_sid):
            if self._held.pop((eio_sid, namespace), None) is not None:  # its connect handler still waits
                self.manager.basic_disconnect(self.manager.sid_from_eio_sid(eio_sid, namespace), namespace)
            else:
                self.eio.run(self._handle_disconnect(eio_sid, namespace, reason))

    # The namespace of notifs: nothing in its connect handler waits, so that a client is either there or not.

    def _take(self, connection: Connection, packet: Packet) -> Awaitable[None] | None:
        match packet.packet_type:
            case sio_packet.CONNECT if not packet.garbled:
                if connection.allows(_now()):
                    self._join(connection, packet.data)
            case sio_packet.DISCONNECT:
                self._part(connection, self.reason.CLIENT_DISCONNECT)
                connection.end(NORMAL, "left")  # to hold a socket and be in no namespace is no use
            case sio_packet.EVENT | sio_packet.BINARY_EVENT:
                return self._handle(connection, packet)
            case sio_packet.ACK | sio_packet.BINARY_ACK:
                pass  # this server never asks for one
            case _:
                connection.end(PROTOCOL, "not_socketio")
        return None

    def _join(self, connection: Connection, auth: Any) -> None:
        sid = self.manager.take_seat(connection.sid, NAMESPACE)
        if sid is None:
            connection.insist(_connect_error(NAMESPACE, {"message": "Unable to connect"}))
            return
        try:
            self.namespace_handlers[NAMESPACE].on_connect(sid, connection, auth)
        except ConnectionRefusedError as refused:
            self.manager.basic_disconnect(sid, NAMESPACE)
            connection.insist(_connect_error(NAMESPACE, refused.error_args))
            connection.end(POLICY, "refused")
        else:
            self.manager.stay(sid, NAMESPACE)
            connection.insist(_connected(NAMESPACE, sid))

    def _part(self, connection: Connection, reason: str) -> None:
        sid = self.manager.sid_from_eio_sid(connection.sid, NAMESPACE)
        if sid is not None:
            self.namespace_handlers[NAMESPACE].on_disconnect(sid, reason)
            self.manager.basic_disconnect(sid, NAMESPACE)

    async def _handle(self, connection: Connection, packet: Packet) -> None:
        sid = self.manager.sid_from_eio_sid(connection.sid, NAMESPACE)
        if not self.manager.is_connected(sid, NAMESPACE):
            return
        ack = self._pressure(connection) or _problem(packet) or await self._answer(sid, *packet.data)
        if packet.id is None:
            return
        try:
            frame = _ack(packet.id, ack)
        except TypeError:  # of orjson
            log.exception("an ack is no JSON", event_name=packet.data[0])
            frame = _ack(packet.id, refusal("internal", "something went wrong here; it was logged"))
        if not connection.offer(frame):
            connection.insist(_ack(packet.id, BEHIND))

    def _pressure(self, connection: Connection) -> Refusal | None:
        """Why a client may not ask for anything just now, or None."""
        if not connection.allows(_now()):
            return refusal("too_many_events", f"at most {connection.rate} events a second; wait, then try again")
        if wait := self._wait(connection.recipient):
            return refusal("too_many_events", f"all your sockets together say too much; wait {wait} s, then try again")
        # What it asked for would be done, and it would not hear of it.
        return BEHIND if connection.full else None

    async def _answer(self, sid: str, event: str, data: Any = None) -> Any:
        return await self.namespace_handlers[NAMESPACE].answer(sid, event, data)

    # Any other namespace: the handlers of python-socketio.

    def _take_elsewhere(self, connection: Connection, packet: Packet) -> Awaitable[None] | None:
        namespace, eio_sid = packet.namespace or "/", connection.sid
        if packet.garbled:
            connection.end(PROTOCOL, "not_socketio")
            return None
        match packet.packet_type:
            case sio_packet.CONNECT if connection.allows(_now()):
                return self._come_in(connection, namespace, packet.data)
            case sio_packet.DISCONNECT:
                leaving: Awaitable[None] = self._handle_disconnect(eio_sid, namespace, self.reason.CLIENT_DISCONNECT)
                return leaving
            case sio_packet.EVENT if connection.allows(_now()):
                return self._handle_event(eio_sid, namespace, packet.id, packet.data)
            case sio_packet.ACK:
                acked: Awaitable[None] = self._handle_ack(eio_sid, namespace, packet.id, packet.data)
                return acked
            case sio_packet.BINARY_EVENT | sio_packet.BINARY_ACK if not 0 < packet.attachment_count <= ATTACHMENTS:
                connection.end(PROTOCOL, "not_socketio")
            case sio_packet.BINARY_EVENT | sio_packet.BINARY_ACK if connection.allows(_now()):
                if self.manager.is_connected(self.manager.sid_from_eio_sid(eio_sid, namespace), namespace):
                    self._binary_packet[eio_sid] = packet
            case sio_packet.CONNECT | sio_packet.EVENT | sio_packet.BINARY_EVENT | sio_packet.BINARY_ACK:
                pass  # too many of them
            case _:
                connection.end(PROTOCOL, "not_socketio")
        return None

    def _attach(self, connection: Connection, data: bytes) -> Awaitable[None] | None:
        """Take an attachment; without a packet that waits for it, it is one of an event that was refused."""
        eio_sid = connection.sid
        packet = self._binary_packet.get(eio_sid)
        if packet is None:
            return None
        if len(data) + sum(map(len, packet.attachments)) > self.eio.max_http_buffer_size:
            connection.end(TOO_LARGE, "too_large")
            return None
        try:
            complete = packet.add_attachment(data)
        except (ValueError, IndexError, KeyError, TypeError):
            connection.end(PROTOCOL, "not_socketio")
            return None
        if not complete:
            return None
        del self._binary_packet[eio_sid]
        handle = self._handle_event if packet.packet_type == sio_packet.BINARY_EVENT else self._handle_ack
        handled: Awaitable[None] = handle(eio_sid, packet.namespace, packet.id, packet.data)
        return handled

    async def _come_in(self, connection: Connection, namespace: str, auth: Any) -> None:
        eio_sid = connection.sid
        known = namespace in self.handlers or namespace in self.namespace_handlers
        sid = self.manager.take_seat(eio_sid, namespace) if known and connection.recipient else None
        if sid is None:
            why = "Unable to connect" if known else "Invalid namespace"
            connection.insist(_connect_error(namespace, {"message": why}))
            return
        self._held[eio_sid, namespace] = []
        refused = await self._refused(namespace, sid, self.environ.get(eio_sid, {}), auth)
        held = self._held.pop((eio_sid, namespace), None)
        if held is None:  # it left while the handler waited
            await self._trigger_event("disconnect", namespace, sid, self.reason.TRANSPORT_CLOSE)
            return
        if refused is not None:
            self.manager.basic_disconnect(sid, namespace)
            connection.insist(_connect_error(namespace, refused))
            return
        self.manager.stay(sid, namespace)
        connection.joined()
        for frame in (_connected(namespace, sid), *held):
            connection.insist(frame)

    async def _refused(self, namespace: str, sid: str, environ: Any, auth: Any) -> Any:
        """What a client is told that its connect handler does not let in; None if it does."""
        try:
            handler = self.handlers.get(namespace, {}).get("connect") or getattr(
                self.namespace_handlers.get(namespace), "on_connect", None
            )
            arguments = (sid, environ, auth) if handler is None or _takes(handler, 3) else (sid, environ)
            allowed = await self._trigger_event("connect", namespace, *arguments)
        except ConnectionRefusedError as refused:
            return refused.error_args
        except Exception:
            log.exception("a connect handler failed", namespace=namespace)
            return {"message": "Connection rejected by server"}
        return {"message": "Connection rejected by server"} if allowed is False else None

    async def _handle_event(self, eio_sid: str, namespace: str, id: int | None, data: Any) -> None:
        if isinstance(data, list) and data and isinstance(data[0], str) and data[0] not in LIFECYCLE:
            await super()._handle_event(eio_sid, namespace, id, data)
        elif (connection := self.eio.sockets.get(eio_sid)) is not None:
            connection.end(PROTOCOL, "not_socketio")


def _now() -> float:
    return asyncio.get_running_loop().time()


def _takes(handler: Callable[..., Any], count: int) -> bool:
    """Whether a handler takes so many arguments."""
    try:
        inspect.signature(handler).bind(*range(count))
    except TypeError:
        return False
    return True


def _prefix(number: int, namespace: str) -> bytes:
    """What a message of Engine.IO begins with that is a packet of Socket.IO of this type."""
    return f"4{number}{namespace},".encode() if namespace != "/" else f"4{number}".encode()


def _connected(namespace: str, sid: str) -> Frame:
    return Frame(_prefix(sio_packet.CONNECT, namespace) + orjson.dumps({"sid": sid}))


def _connect_error(namespace: str, why: Any) -> Frame:
    return Frame(_prefix(sio_packet.CONNECT_ERROR, namespace) + orjson.dumps(why))


def _ack(number: int, ack: Any) -> Frame:
    return Frame(b"%b%d%b" % (_prefix(sio_packet.ACK, NAMESPACE), number, orjson.dumps([ack])))


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

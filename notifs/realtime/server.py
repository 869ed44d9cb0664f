"""python-socketio's server with the hazards closed that it has today.

A client's events never reach a lifecycle handler: they go to `answer` and nowhere else, whatever they are called.
Whoever is dropped leaves no trace in a room. What cannot be read, or is binary, is refused without a stack trace.
"""

from typing import Any

import orjson
import socketio
from engineio import packet as eio_packet
from socketio import packet as sio_packet

from notifs.wire import DEPTH_LIMIT, FRAME_LIMIT, NAMESPACE, Refusal, refusal


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


class Server(socketio.AsyncServer):  # type: ignore[misc]
    """An AsyncServer for WebSocket alone, with one namespace, whose `answer` gives the ack of a client's event."""

    def __init__(self) -> None:
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

    def push(self, sids: list[str], event: str, message: Any) -> None:
        """Give one message to several sockets: encoded once, queued at once, in order with what was queued before."""
        packet = Packet(sio_packet.EVENT, namespace=NAMESPACE, data=[event, message])
        frame = eio_packet.Packet(eio_packet.MESSAGE, packet.encode())
        for sid in sids:
            socket = self.eio.sockets.get(self.manager.eio_sid_from_sid(sid, NAMESPACE))
            if socket is not None and not socket.closed:
                socket.queue.put_nowait(frame)

    async def close(self, sid: str) -> None:
        """End a socket, whatever it is doing: told why by the DISCONNECT packet, and not waited for."""
        socket = self.eio.sockets.get(self.manager.eio_sid_from_sid(sid, NAMESPACE))
        await self.disconnect(sid, namespace=NAMESPACE)
        await self._end(socket)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        if isinstance(data, bytes):
            return  # an attachment of a binary event, which was refused, or of none
        try:
            packet = Packet(encoded_packet=data)
        except (ValueError, TypeError, IndexError, AttributeError):
            await self._drop(eio_sid)
            return
        match packet.packet_type:
            case sio_packet.CONNECT if not packet.garbled:
                await self._handle_connect(eio_sid, packet.namespace, packet.data)
            case sio_packet.DISCONNECT:
                await self._handle_disconnect(eio_sid, packet.namespace, self.reason.CLIENT_DISCONNECT)
            case sio_packet.EVENT | sio_packet.BINARY_EVENT:
                await self._handle_packet(eio_sid, packet)
            case sio_packet.ACK | sio_packet.BINARY_ACK:
                pass  # this server never asks for one
            case _:
                await self._drop(eio_sid)

    async def release(self) -> None:
        """Let every socket go, so that its client comes back by itself, and stop the server's own task."""
        for socket in list(self.eio.sockets.values()):
            await self._end(socket)
        await self.shutdown()

    async def _drop(self, eio_sid: str) -> None:
        await self._end(self.eio.sockets.get(eio_sid))

    async def _end(self, socket: Any) -> None:
        if socket is not None:
            await socket.close(wait=False, reason=self.reason.SERVER_DISCONNECT)
            socket.queue.put_nowait(None)  # ends the writer, which then closes the WebSocket

    async def _handle_packet(self, eio_sid: str, packet: Packet) -> None:
        sid = self.manager.sid_from_eio_sid(eio_sid, packet.namespace or "/")
        if packet.namespace != NAMESPACE or not self.manager.is_connected(sid, NAMESPACE):
            return
        problem = _problem(packet)
        ack = problem or await self._answer(sid, *packet.data)
        if packet.id is not None:
            reply = Packet(sio_packet.ACK, namespace=NAMESPACE, id=packet.id, data=[ack])
            await self._send_packet(eio_sid, reply)

    async def _answer(self, sid: str, event: str, data: Any = None) -> Any:
        return await self.namespace_handlers[NAMESPACE].answer(sid, event, data)

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        socket = self.eio.sockets.get(eio_sid)
        if socket is None or socket.closed:
            return
        await super()._handle_connect(eio_sid, namespace, data)
        if socket.closed:
            await self._forget(eio_sid)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        await super()._handle_eio_disconnect(eio_sid, reason)
        await self._forget(eio_sid)

    async def _forget(self, eio_sid: str) -> None:
        """Take a socket that is gone out of every room; the stock server leaves it there if it went on connecting."""
        sid = self.manager.sid_from_eio_sid(eio_sid, NAMESPACE)
        if sid is not None:
            await self._trigger_event("disconnect", NAMESPACE, sid, self.reason.TRANSPORT_CLOSE)
            await self.manager.disconnect(sid, NAMESPACE, ignore_queue=True)


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

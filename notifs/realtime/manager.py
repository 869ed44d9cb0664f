"""Who is in which room of which namespace. Each act costs the same, however many are there."""

from collections.abc import Iterable, Iterator
from typing import Any

import socketio
from socketio import packet as sio_packet

from notifs.realtime.engine import frame_of
from notifs.realtime.frames import Frame

COMING, HERE, LEAVING = range(3)


class Seat:
    """A client's place in a namespace."""

    __slots__ = ("eio_sid", "rooms", "state")

    def __init__(self, eio_sid: str) -> None:
        self.eio_sid = eio_sid
        self.rooms: set[str] = set()
        self.state = COMING


class Manager(socketio.AsyncManager):  # type: ignore[misc]
    """An AsyncManager without its scans: the stock one looks through all rooms whenever somebody leaves.

    Nor does it make a task for each who gets a message: that is encoded once, and written to each.
    """

    rooms: dict[str, dict[str, dict[str, str]]]
    """Of each namespace, by name: who is in it, and their ids of Engine.IO. Everybody's own room is not kept."""

    def __init__(self) -> None:
        super().__init__()
        self._seats: dict[str, dict[str, Seat]] = {}
        self._sids: dict[tuple[str, str], str] = {}

    # Who is there.

    def get_namespaces(self) -> Iterable[str]:
        return self._seats.keys()

    def namespaces_of(self, eio_sid: str) -> list[str]:
        """The namespaces that a client is in."""
        return [namespace for namespace in self._seats if (eio_sid, namespace) in self._sids]

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        seats = self._seats.get(namespace, {})
        if room is None:
            found = {sid: seat.eio_sid for sid, seat in seats.items()}
        elif isinstance(room, str):
            found = self._members(namespace, room)
        else:
            found = {sid: eio_sid for each in room for sid, eio_sid in self._members(namespace, each).items()}
        yield from found.items()

    def _members(self, namespace: str, room: str) -> dict[str, str]:
        seat = self._seats.get(namespace, {}).get(room)
        return {room: seat.eio_sid} if seat else dict(self.rooms.get(namespace, {}).get(room, {}))

    def sid_from_eio_sid(self, eio_sid: str, namespace: str) -> str | None:
        return self._sids.get((eio_sid, namespace))

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str | None:
        seat = self._seat(sid, namespace)
        return seat.eio_sid if seat else None

    def is_pre_connected(self, sid: str, namespace: str) -> bool:
        seat = self._seat(sid, namespace)
        return seat is not None and seat.state == COMING

    def is_connected(self, sid: str, namespace: str) -> bool:
        seat = self._seat(sid, namespace)
        return seat is not None and seat.state == HERE

    def get_rooms(self, sid: str, namespace: str) -> list[str]:
        seat = self._seat(sid, namespace)
        return [sid, *seat.rooms] if seat else []

    def is_sid_room(self, namespace: str, room: str) -> bool:
        return room in self._seats.get(namespace, {})

    def _seat(self, sid: str, namespace: str) -> Seat | None:
        return self._seats.get(namespace, {}).get(sid)

    # Coming and going.

    def take_seat(self, eio_sid: str, namespace: str) -> str | None:
        """A client comes. Its id there, or None if it is there already."""
        if (eio_sid, namespace) in self._sids:
            return None
        sid: str = self.server.eio.generate_id()
        self._sids[eio_sid, namespace] = sid
        self._seats.setdefault(namespace, {})[sid] = Seat(eio_sid)
        return sid

    async def pre_connect(self, eio_sid: str, namespace: str) -> str | None:
        return self.take_seat(eio_sid, namespace)

    def stay(self, sid: str, namespace: str) -> None:
        """A client has come, and may stay."""
        if (seat := self._seat(sid, namespace)) is not None:
            seat.state = HERE

    async def connect(self, sid: str, namespace: str) -> str:
        self.stay(sid, namespace)
        return sid

    def pre_disconnect(self, sid: str, namespace: str) -> str | None:
        seat = self._seat(sid, namespace)
        if seat is None:
            return None
        seat.state = LEAVING
        return seat.eio_sid

    def basic_disconnect(self, sid: str, namespace: str, **_: Any) -> None:
        seats = self._seats.get(namespace, {})
        seat = seats.get(sid)
        if seat is None:
            return
        for room in list(seat.rooms):
            self.basic_leave_room(sid, namespace, room)
        self.callbacks.pop(sid, None)
        del self._sids[seat.eio_sid, namespace], seats[sid]
        if not seats:
            del self._seats[namespace]

    def basic_enter_room(self, sid: str, namespace: str, room: str, eio_sid: str | None = None) -> None:
        seat = self._seat(sid, namespace)
        if seat is None:
            raise ValueError("sid is not connected to requested namespace")
        if sid == room:
            return
        if self.is_sid_room(namespace, room):
            raise ValueError("cannot enter a sid room")
        seat.rooms.add(room)
        self.rooms.setdefault(namespace, {}).setdefault(room, {})[sid] = seat.eio_sid

    def basic_leave_room(self, sid: str, namespace: str, room: str) -> None:
        seat = self._seat(sid, namespace)
        if seat is None or room not in seat.rooms:
            return
        seat.rooms.discard(room)
        rooms = self.rooms[namespace]
        del rooms[room][sid]
        if not rooms[room]:
            del rooms[room]
            if not rooms:
                del self.rooms[namespace]

    # Messages.

    async def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Any = None,
        to: Any = None,
        **_: Any,
    ) -> None:
        """Send an event to a room, or to all who are in the namespace.

        Args:
            callback: called with the ack of each, if one comes.
        """
        arguments = list(data) if isinstance(data, tuple) else [] if data is None else [data]
        skipped = set(skip_sid) if isinstance(skip_sid, (list, set, tuple)) else {skip_sid}
        frames: list[Frame] | None = None
        for sid, eio_sid in self.get_participants(namespace, to or room):
            if sid in skipped:
                continue
            if frames is None or callback:
                number = self._generate_ack_id(sid, callback) if callback else None
                frames = frames_of(self.server.packet_class(
                    sio_packet.EVENT, namespace=namespace, data=[event, *arguments], id=number
                ))  # fmt: skip
            self.server.deliver(eio_sid, namespace, frames)


def frames_of(packet: sio_packet.Packet) -> list[Frame]:
    """A packet of Socket.IO and its attachments."""
    encoded = packet.encode()
    return [frame_of(part) for part in (encoded if isinstance(encoded, list) else [encoded])]

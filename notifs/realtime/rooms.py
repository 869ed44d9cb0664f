"""Who is here: the sockets of each recipient and each session on this worker, and fan-out to them.

A room's `head` is the revision up to which everything was pushed to it; None while its first socket is still
reading the mailbox.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from notifs.realtime.connections import Connection


@dataclass(slots=True, eq=False)
class Member:
    """One socket in the namespace."""

    sid: str
    connection: Connection
    greeted: bool = False
    """It was brought to the head: from now on it is told what follows."""
    behind: bool = False
    """Its window is full: it is told nothing until it reads again."""
    awaited: bool = False
    """There is somebody who waits for that."""

    @property
    def recipient(self) -> str:
        return self.connection.recipient

    @property
    def session(self) -> str | None:
        """The key of the sign-in it came with, if it came with one."""
        return self.connection.session


@dataclass(slots=True)
class Room:
    """The sockets of one recipient."""

    members: dict[str, Member] = field(default_factory=dict)
    head: int | None = None
    stale: bool = False
    """Something changed that was not pushed: look again."""


class Rooms:
    """The rooms of one worker. Plain dictionaries: nothing here waits."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}
        self._members: dict[str, Member] = {}
        self._sessions: defaultdict[str, set[str]] = defaultdict(set)

    def enter(self, member: Member) -> Room:
        self._members[member.sid] = member
        if member.session is not None:
            self._sessions[member.session].add(member.sid)
        room = self._rooms.setdefault(member.recipient, Room())
        room.members[member.sid] = member
        return room

    def leave(self, sid: str) -> Member | None:
        member = self._members.pop(sid, None)
        if member is None:
            return None
        room = self._rooms[member.recipient]
        del room.members[sid]
        if not room.members:
            del self._rooms[member.recipient]
        if member.session is not None:
            self._sessions[member.session].discard(sid)
            if not self._sessions[member.session]:
                del self._sessions[member.session]
        return member

    def room(self, recipient: str) -> Room | None:
        return self._rooms.get(recipient)

    def member(self, sid: str) -> Member | None:
        return self._members.get(sid)

    def recipients(self) -> list[str]:
        return list(self._rooms)

    def rooms(self) -> list[Room]:
        return list(self._rooms.values())

    def sessions(self) -> list[str]:
        return list(self._sessions)

    def of_session(self, session: str) -> list[Member]:
        """The sockets that came with a sign-in."""
        return [self._members[sid] for sid in self._sessions.get(session, ())]

    def of_recipient(self, recipient: str) -> list[Member]:
        """The sockets of a recipient."""
        room = self._rooms.get(recipient)
        return list(room.members.values()) if room else []

    def __len__(self) -> int:
        return len(self._members)

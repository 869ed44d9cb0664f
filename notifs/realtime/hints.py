"""Hints: what workers tell each other of changes, so that nobody has to wait for the next head check.

A hint is `this mailbox moved from prev to revision`, with the message itself where that is small. It is sealed with a
key that only this deployment has. While one key takes another's place, the first seals, and all are heard. A lost,
doubled, late or forged hint is harmless: the store is the truth.
"""

import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import orjson
import structlog

from notifs.realtime.messages import Encoded
from notifs.wire import room_for

log = structlog.get_logger("notifs.hints")
WHOLE_LIMIT = 4096
"""Bytes of a message that goes along whole; of a larger one only the numbers are told."""
_SEAL_BYTES = 16
_ALL = "ends"
"""The channel that all workers hear: sign-ins that have ended, and that there is something to look for."""


class Bus(Protocol):
    """Channels between workers; `bus.RedisBus` is one."""

    @property
    def state(self) -> str: ...
    def start(self) -> None: ...
    async def close(self) -> None: ...
    async def flush(self) -> None: ...
    def join(self, channel: str) -> None: ...
    def leave(self, channel: str) -> None: ...
    async def joined(self, channels: Iterable[str]) -> None: ...
    def publish(self, channel: str, data: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Moved:
    """A mailbox has changed. Without `revision` the sender does not know how far; without `message` it was large."""

    recipient: str
    epoch: str
    prev: int | None = None
    revision: int | None = None
    message: Encoded | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The sockets of a sign-in, or of a whole recipient, are to end."""

    session: str | None
    recipient: str | None


@dataclass(frozen=True, slots=True)
class Look:
    """Many mailboxes have changed, or all: compare those that you have sockets of with the store."""

    look: str
    """Who says so."""


class Listener(Protocol):
    """Who is told what was heard."""

    def moved(self, hint: Moved) -> None: ...
    def ended(self, hint: Ended) -> None: ...
    def look(self) -> None: ...
    def restored(self) -> None: ...


class Seal:
    """What one of the deployment's secrets does for hints: it keys what they are sealed with, and names channels.

    So deployments with other secrets may share the server, and do not even hear each other.
    """

    def __init__(self, secret_key: str) -> None:
        self._key = hmac.digest(secret_key.encode(), b"notifs hints 1", "sha256")
        self.prefix = f"{hmac.digest(self._key, b'channels', 'sha256').hex()[:12]}:"

    def of(self, room: str, text: bytes) -> bytes:
        """The seal of a text that is said to a room; in another room it is worth nothing."""
        return hmac.digest(self._key, room.encode() + b"\0" + text, "sha256")[:_SEAL_BYTES]


class Hints:
    """Sends and hears hints.

    Args:
        url: of the Redis server; empty for none, then nothing is sent or heard.
        secret_keys: the deployment's, the one to seal with first; what is sealed with none of them is not believed.
        listener: told of what the other workers say.
    """

    def __init__(self, url: str, secret_keys: Sequence[str], listener: Listener) -> None:
        self._seals = [Seal(key) for key in secret_keys]
        self._listener = listener
        self._name = secrets.token_hex(8)
        self._bus: Bus | None = None
        if url:
            bus = import_module("notifs.realtime.bus")  # Redis is an extra
            self._bus = bus.RedisBus(url, "notifs:", heard=self._heard, restored=listener.restored)

    @property
    def state(self) -> str:
        """`none` where there is no Redis, else `up` or `cut off`."""
        return self._bus.state if self._bus else "none"

    def start(self) -> None:
        """Hear what concerns everybody, and the rooms that are joined from now on."""
        if self._bus:
            self._join(_ALL)
            self._bus.start()

    async def close(self) -> None:
        if self._bus:
            await self._bus.close()

    async def flush(self) -> None:
        """Wait until what was sent has left this process; not longer than a moment."""
        if self._bus:
            await self._bus.flush()

    def join(self, recipient: str) -> None:
        """There are sockets of this recipient here."""
        self._join(room_for(recipient))

    def leave(self, recipient: str) -> None:
        """There are none any more."""
        if self._bus:
            for channel in self._channels(room_for(recipient)):
                self._bus.leave(channel)

    async def joined(self, recipients: Iterable[str]) -> None:
        """Wait until what concerns these recipients is heard; not longer than a moment."""
        if self._bus:
            await self._bus.joined(channel for each in recipients for channel in self._channels(room_for(each)))

    def moved(self, hint: Moved) -> None:
        """Tell the workers that hold sockets of this recipient."""
        message = hint.message if hint.message and hint.message.size <= WHOLE_LIMIT else None
        body = {"recipient": hint.recipient, "epoch": hint.epoch, "prev": hint.prev, "revision": hint.revision}
        if message is not None:
            body["type"] = message.type
        self._send(room_for(hint.recipient), body, message.json if message else b"")

    def ended(self, hint: Ended) -> None:
        """Tell every worker."""
        self._send(_ALL, {"session": hint.session, "recipient": hint.recipient})

    def look(self) -> None:
        """Tell every other worker that there is something to look for in the store."""
        self._send(_ALL, {"look": self._name})

    def _channels(self, room: str) -> list[str]:
        return [seal.prefix + room for seal in self._seals]

    def _join(self, room: str) -> None:
        if self._bus:
            for channel in self._channels(room):
                self._bus.join(channel)

    def _send(self, room: str, body: dict[str, Any], message: bytes = b"") -> None:
        if self._bus:
            text = orjson.dumps(body) + b"\n" + message
            seal = self._seals[0]
            self._bus.publish(seal.prefix + room, seal.of(room, text) + text)

    def _heard(self, channel: str, data: bytes) -> None:
        given, text = data[:_SEAL_BYTES], data[_SEAL_BYTES:]
        seal = next(each for each in self._seals if channel.startswith(each.prefix))
        if not hmac.compare_digest(given, seal.of(channel.removeprefix(seal.prefix), text)):
            log.warning("a hint with a wrong seal was dropped", channel=channel)
            return
        body, _, message = text.partition(b"\n")
        try:
            hint = _read(orjson.loads(body), message)
        except (ValueError, TypeError, KeyError):
            return  # of a newer version than ours: the head check finds what it meant
        match hint:
            case Ended():
                self._listener.ended(hint)
            case Look():
                if hint.look != self._name:
                    self._listener.look()
            case Moved():
                self._listener.moved(hint)


def _read(body: dict[str, Any], message: bytes) -> Moved | Ended | Look:
    if "session" in body:
        return Ended(**body)
    if "look" in body:
        return Look(**body)
    type = body.pop("type", None)
    return Moved(**body, message=Encoded(type, message) if type else None)

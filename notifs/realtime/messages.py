"""Messages as they go out: encoded once, whoever gets them, and none larger than a window can take."""

from collections.abc import Iterable, Iterator
from typing import Any, cast

import orjson
from engineio import packet as eio_packet

from notifs.forms import Forms
from notifs.store import Entry, Head, Page
from notifs.wire import META, NAMESPACE, PAGE, Message, Type

PAGE_BYTES = 65_536
"""Bytes of the notifications in one page of a snapshot."""
MESSAGE_BYTES = 240_000
"""Bytes of one message: a window that has room takes it. What is larger is told as a snapshot."""

_BEFORE, _AFTER = f'{eio_packet.MESSAGE}2{NAMESPACE},["response",', "]"


class Frame(eio_packet.Packet):  # type: ignore[misc]
    """A packet of Engine.IO that was encoded already; `size` is that of its text in bytes."""

    def __init__(self, encoded: str, size: int) -> None:
        super().__init__(eio_packet.MESSAGE)
        self.size = size
        self._encoded = encoded

    def encode(self, b64: bool = False) -> str:
        return self._encoded


class Encoded(Frame):
    """A message of the server, to be given to any number of sockets."""

    def __init__(self, type: Type, json: bytes) -> None:
        super().__init__(f"{_BEFORE}{json.decode()}{_AFTER}", len(_BEFORE) + len(json) + len(_AFTER))
        self.type = type

    @property
    def json(self) -> bytes:
        """The message itself."""
        return self._encoded[len(_BEFORE) : -len(_AFTER)].encode()


def encode(message: Message) -> Encoded:
    """Any message."""
    return Encoded(message["type"], orjson.dumps(message))


def step(forms: Forms, head: Head, prev: int, entries: Iterable[Entry], *, created: bool) -> Encoded | None:
    """One step or several of a mailbox; None where that is too large for a message."""
    return _bounded(forms.step(head, prev, entries, created=created))


def delta(forms: Forms, head: Head, since: int, entries: Iterable[Entry]) -> Encoded | None:
    """What changed after the revision `since`; None where that is too large for a message."""
    return _bounded(forms.delta(head, since, entries))


def snapshot(forms: Forms, page: Page) -> list[Encoded]:
    """The messages that a snapshot is sent in, the newest notifications first."""
    parts = list(_parts(forms, page.entries)) or [([], [])]
    messages, before = [], None
    for n, (entries, notifs) in enumerate(parts, 1):
        message = forms.snapshot(Page(page.head, (), page.more or n < len(parts)), before)
        messages.append(encode({**message, "notifs": cast(Any, notifs)}))
        before = entries[-1].position if entries else None
    return messages


def degraded(code: str, said: str) -> Encoded:
    """Updates may be late, and why: no counts, because none is known."""
    return encode(
        {
            "meta": META["degraded"],
            "type": "degraded",
            "notif_count": None,
            "unseen_count": None,
            "notifs": [],
            "cursor": None,
            "error": {"code": code, "message": said},
        }
    )


def fitting(forms: Forms, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """As many of these lines, from the first on, as fit into a message; at least one."""
    size = 0
    for n, entry in enumerate(entries):
        size += len(orjson.dumps(forms.notification(entry)))
        if n and size > PAGE_BYTES:
            return entries[:n]
    return entries


def _bounded(message: Message) -> Encoded | None:
    encoded = encode(message)
    return encoded if encoded.size <= MESSAGE_BYTES else None


def _parts(forms: Forms, entries: tuple[Entry, ...]) -> Iterator[tuple[list[Entry], list[orjson.Fragment]]]:
    """Lines and their encoded forms, a page at a time."""
    part: tuple[list[Entry], list[orjson.Fragment]] = ([], [])
    size = 0
    for entry, form in zip(entries, forms.notifications(entries), strict=True):
        text = orjson.dumps(form)
        if part[0] and (len(part[0]) == PAGE or size + len(text) > PAGE_BYTES):
            yield part
            part, size = ([], []), 0
        part[0].append(entry)
        part[1].append(orjson.Fragment(text))
        size += len(text)
    if part[0]:
        yield part

"""Messages as they go out: encoded once, whoever gets them, and none larger than a window can take."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import orjson

from notifs.forms import Forms
from notifs.realtime.frames import Frame
from notifs.store import Entry, Head, Page
from notifs.wire import META, NAMESPACE, PAGE, RESPONSE, Message, Step, Type

PAGE_BYTES = 65_536
"""Bytes of the notifications in one page of a snapshot."""
MESSAGE_BYTES = 240_000
"""Bytes of one message: a window that has room takes it. What is larger is told as a snapshot."""

_BEFORE, _AFTER = f'42{NAMESPACE},["{RESPONSE}",'.encode(), b"]"
"""Of Engine.IO a message, of Socket.IO an event."""


class Encoded(Frame):
    """A message of the server, to be given to any number of sockets."""

    __slots__ = ("type",)

    def __init__(self, type: Type, json: bytes) -> None:
        super().__init__(_BEFORE + json + _AFTER)
        self.type = type

    @property
    def json(self) -> bytes:
        """The message itself."""
        return self.payload[len(_BEFORE) : -len(_AFTER)]


def encode(message: Message) -> Encoded:
    """Any message."""
    return Encoded(message["type"], orjson.dumps(message))


def step(forms: Forms, type: Step, head: Head, prev: int, entries: Sequence[Entry]) -> Encoded | None:
    """One step or several of a mailbox; None where that is too large for a message."""
    return _bounded(forms.step(type, head, prev, entries))


def delta(forms: Forms, head: Head, since: int, entries: Sequence[Entry]) -> Encoded | None:
    """What changed after the revision `since`; None where that is too large for a message."""
    return _bounded(forms.delta(head, since, entries))


def snapshot(forms: Forms, page: Page) -> Iterator[Encoded]:
    """The messages that a snapshot is sent in, the newest notifications first; each is made when it is asked for."""
    entries, before = page.entries, None
    while True:
        part, notifs = _part(forms, entries)
        entries = entries[len(part) :]
        message = forms.snapshot(Page(page.head, (), page.more or bool(entries)), before)
        yield encode({**message, "notifs": cast(Any, notifs)})
        if not entries:
            return
        before = part[-1].position


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


def _part(forms: Forms, entries: tuple[Entry, ...]) -> tuple[list[Entry], list[orjson.Fragment]]:
    """The first lines, as many as make a page, and their encoded forms."""
    part: list[Entry] = []
    notifs, size = [], 0
    for entry, form in zip(entries[:PAGE], forms.notifications(entries[:PAGE]), strict=True):
        text = orjson.dumps(form)
        if part and size + len(text) > PAGE_BYTES:
            break
        part.append(entry)
        notifs.append(orjson.Fragment(text))
        size += len(text)
    return part, notifs

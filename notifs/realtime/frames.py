"""Packets of Engine.IO as they go out: encoded once, whoever gets them and however they travel."""

from struct import Struct

_TEXT, _BINARY = 0x81, 0x82
"""The first byte of a WebSocket frame: it is whole, and what is in it (RFC 6455, section 5.2)."""
_SHORT, _MIDDLE, _LONG = (Struct(form).pack for form in ("!BB", "!BBH", "!BBQ"))


class Frame:
    """One packet, framed for a WebSocket already: a server does not mask, so that all who get it get the same bytes.

    Args:
        payload: the packet; kept as bytes, because one emoji makes a str four times as large.
        binary: whether it is an attachment, and no text.
    """

    __slots__ = ("_start", "binary", "size", "wire")

    def __init__(self, payload: bytes, *, binary: bool = False) -> None:
        first, length = _BINARY if binary else _TEXT, len(payload)
        # A length in its shortest form (RFC 6455, section 5.2).
        if length < 126:
            head = _SHORT(first, length)
        elif length < 65_536:
            head = _MIDDLE(first, 126, length)
        else:
            head = _LONG(first, 127, length)
        self._start = len(head)
        self.wire = head + payload
        self.size = self._start + length
        self.binary = binary

    @property
    def payload(self) -> bytes:
        """The packet without its frame."""
        return self.wire[self._start :]

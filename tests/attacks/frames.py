"""Hostile frames: those of Engine.IO and Socket.IO, changed where a reader may stumble, and WebSocket's own wrong ways.

Each seed gives the same frames again. A frame is bytes as they go over the wire (RFC 6455, section 5.2).
"""

import json
import random
import struct
from collections.abc import Iterator

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
EVENTS = (
    "sync", "fetch", "mark_read", "mark_unread", "mark_seen", "mark_all_read", "archive", "unarchive", "snooze",
    "unsnooze", "refresh",
)  # fmt: skip
NAMES = (
    *EVENTS, "connect", "disconnect", "connect_error", "message", "response", "", "__proto__", "on_connect", "sync ",
    "\u017fync",
)  # fmt: skip
NAMESPACES = (
    "/notifs,", "/notifs", "", ",", "/", "/,", "/admin,", "/notifs?x=1,", "/notifs/,", "//notifs,", "/\0,",
    "/" + "n" * 5000 + ",",
)  # fmt: skip
IDS = ("", "1", "0", "00", "-1", "1.5", "9" * 100, "9" * 101, "٣", "1e9", "2147483648", "18446744073709551616")
COUNTS = ("", "0-", "1-", "2-", "10737418240-", "9" * 50 + "-", "-", "1-1-", "a-", "-1-")
NUMBERS = (
    "0", "-0", "1e400", "-1e400", "NaN", "Infinity", "9" * 400, "0." + "1" * 400, "1E-400", "01", "+1",
    "18446744073709551616",
)  # fmt: skip
WORDS = (
    '"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\\x00"', '"\U0001f4a5"', '"\u202e\u2066"', '"\ufeff"', "'x'", '"',
    '"' + "é" * 3000 + '"',
)  # fmt: skip
PLACEHOLDERS = ('{"_placeholder":true,"num":0}', '{"_placeholder":true,"num":-1}', '{"_placeholder":true,"num":1e9}')
FIELDS = (
    "ids", "up_to", "at", "until", "cursor", "filter", "before", "limit", "kind", "actor", "text", "token", "recipient",
    "__proto__", "constructor", "",
)  # fmt: skip
CURSORS = (
    '"3f9a0c1e5b7d2468:42"', '"x:1"', '":"', '"0123456789abcdef:99999999999999999999"', '"0123456789abcdef:-1"',
    '"0123456789abcdef:٣"',
)  # fmt: skip
MOMENTS = (
    '"2026-11-27T09:00:00Z"', '"9999-12-31T23:59:59-23:59"', '"0001-01-01T00:00:00+23:59"', '"2026-W48-5"',
    '"٢٠٢٦-01-01"',
)  # fmt: skip
VALUES = (NUMBERS, WORDS, CURSORS, MOMENTS, PLACEHOLDERS, ("null", "true", "[]", "{}"), ('"x"', "7"))
ENGINE = (
    "0", "1", "2", "3", "4", "5", "6", "7", "9", "2probe", "3probe", "5 ", "0{}", "b4AAA", "4" * 100, "", " ", "\0",
    "44{}", "4\u0664",
)  # fmt: skip


def frame(payload: bytes, opcode: int = TEXT, *, first: int = 0x80, masked: bool = True) -> bytes:
    """A frame as a client sends it; `first` has its FIN and RSV bits."""
    bit, size = 0x80 * masked, len(payload)
    if size < 126:
        head = struct.pack("!BB", first | opcode, bit | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first | opcode, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first | opcode, bit | 127, size)
    return head + (bytes(4) if masked else b"") + payload  # a mask of zeros changes nothing


class Frames:
    """An endless row of hostile frames.

    Args:
        seed: which row.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __iter__(self) -> Iterator[bytes]:
        choose = self._random.choices
        makers = (self._event, self._connect, self._engine, self._spoilt, self._packet, self._deep, self._websocket)
        while True:
            (make,) = choose(makers, weights=(40, 6, 4, 10, 30, 4, 6))
            yield make()

    def _one(self, *values: str) -> str:
        return self._random.choice(values)

    def _value(self, depth: int = 0) -> str:
        """JSON, or nearly."""
        kind = self._random.randrange(9 if depth < 4 else 6)
        if kind > 5:
            inner = [self._value(depth + 1) for _ in range(self._random.randrange(4))]
            if kind == 6:
                return f"[{','.join(inner)}]"
            return "{" + ",".join(f"{json.dumps(self._one(*FIELDS))}:{each}" for each in inner) + "}"
        return self._one(*self._random.choice(VALUES))

    def _data(self) -> str:
        fields = ",".join(f'"{self._one(*FIELDS)}":{self._value()}' for _ in range(self._random.randrange(4)))
        return "{" + fields + "}"

    def _event(self) -> bytes:
        """An event as it should be, but for its name and its data."""
        number = self._random.randrange(1000)
        return frame(f"42/notifs,{number}[{json.dumps(self._one(*NAMES))},{self._data()}]".encode())

    def _packet(self) -> bytes:
        """A Socket.IO packet, each part of which may be wrong."""
        kind = self._one(*"0123456789", "2", "2", "5", "6", "٢", "")
        value, fields = self._value(), self._data()
        data = self._one("", "[]", value, f"[{value}]", f'["sync",{fields}]', f'["sync",{fields}')
        parts = (kind, self._one(*COUNTS), self._one(*NAMESPACES), self._one(*IDS), data)
        return frame(("4" + "".join(parts)).encode())

    def _connect(self) -> bytes:
        auth = self._one("", "{}", self._data(), self._value(), '{"token":"' + "e30." * 500 + '"}')
        return frame(f"40{self._one(*NAMESPACES)}{auth}".encode())

    def _engine(self) -> bytes:
        return frame(self._one(*ENGINE).encode())

    def _spoilt(self) -> bytes:
        """A good event with some of its bytes gone, changed, or said twice; perhaps no UTF-8 any more."""
        text = bytearray(f'42/notifs,7["{self._one(*EVENTS)}",{{"ids":["é\U0001f4a5"],"limit":1}}]'.encode())
        for _ in range(self._random.randrange(1, 4)):
            at = self._random.randrange(len(text) or 1)
            match self._random.randrange(4):
                case 0:
                    del text[at:]
                case 1:
                    text[at : at + 1] = bytes([self._random.randrange(256)])
                case 2:
                    text[at:at] = text[: self._random.randrange(40)]
                case 3:
                    del text[at : at + self._random.randrange(8)]
        return frame(bytes(text))

    def _deep(self) -> bytes:
        depth = self._random.choice((8, 9, 100, 1_000, 10_000, 30_000))
        opening, closing = self._random.choice((("[", "]"), ('{"a":', "}")))
        depth = min(depth, 10_000) if closing == "}" else depth
        closed = self._random.choice((depth, depth, 0))
        return frame(f'42/notifs,7["sync",{opening * depth}{"" if closing == "]" else "1"}{closing * closed}]'.encode())

    def _websocket(self) -> bytes:
        """What is wrong, or rare, below Socket.IO: control frames, pieces, opcodes, lengths, masks."""
        event = b'42/notifs,7["fetch",{"limit":1}]'
        return self._random.choice(
            (
                frame(bytes(self._random.randrange(125)), PING),
                frame(b"unasked", PONG),
                frame(bytes(126), PING),
                frame(struct.pack("!H", self._random.choice((1000, 1001, 1005, 1006, 3000, 4999, 0, 65_535))), CLOSE),
                frame(b"\x03", CLOSE),
                frame(b"\x03\xe8" + b"\xff" * 20, CLOSE),
                frame(event[:9], first=0) + frame(b"", PING) + frame(event[9:], 0),
                frame(event[:9], first=0) + frame(event),
                frame(event[9:], 0),
                frame(event, self._random.choice((3, 7, 11, 15))),
                frame(event, first=0x80 | self._random.choice((0x40, 0x20, 0x10))),
                frame(event, masked=False),
                frame(bytes(self._random.randrange(200)), BINARY),
                frame(b"\xed\xa0\x80"),
                frame(b'42/notifs,7["sync",{"cursor":"\xf0\x9f\x92'),
                frame(b'42/notifs,7["sync",{"cursor":"' + b"x" * 65_400 + b'"}]'),
                frame(b"4" * 70_000),
                b"\x81\xff" + b"\xff" * 8 + bytes(4),
                b"\x81\xff" + bytes(8) + bytes(4),
                event,
            )
        )

"""A great many clients in few tasks: they join with a cursor, take in what comes, and come back after any end."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException


class Face:
    """One client of a crowd. It knows its cursor and no more. It comes back within `spread` seconds."""

    def __init__(self, recipient: str, cookie: str, entrance: Callable[[], str], spread: float) -> None:
        self.recipient = recipient
        self.cookie = cookie
        self.cursor: str | None = None
        self.here = False
        self.came_at = 0.0
        """When it had last been told where it stands, after joining."""
        self.recovered: bool | None = None
        self.latencies: list[float] = []
        """Seconds from a notification's title, which is the time when it was sent, to here."""
        self._entrance = entrance
        self._spread = spread

    async def run(self) -> None:
        """Come, and come again, for ever."""
        while True:
            with contextlib.suppress(OSError, TimeoutError, WebSocketException):
                url = self._entrance()
                address = f"{url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
                headers = {"cookie": self.cookie, "origin": url}
                async with connect(
                    address,
                    additional_headers=headers,
                    proxy=None,
                    compression=None,
                    ping_interval=None,
                    open_timeout=60,
                ) as connection:
                    await self._follow(connection)
            self.here = False
            await asyncio.sleep(0.2 + random.uniform(0, self._spread))

    async def _follow(self, connection: ClientConnection) -> None:
        async for frame in connection:
            text = str(frame)
            if text == "2":
                await connection.send("3")
            elif text.startswith("0"):
                await connection.send("40/notifs," + orjson.dumps({"cursor": self.cursor}).decode())
            elif text.startswith("42/notifs,"):
                self._take(orjson.loads(text.removeprefix("42/notifs,"))[1])

    def _take(self, message: dict[str, object]) -> None:
        if isinstance(cursor := message["cursor"], str):
            self.cursor = cursor
        if message["type"] in ("snapshot", "delta"):
            self.here, self.came_at, self.recovered = True, time.monotonic(), bool(message["recovered"])
        elif message["type"] == "created":
            self.latencies += [time.time() - float(n["title"]) for n in message["notifs"]]  # type: ignore[attr-defined]


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)]

"""The load client, a process of its own: sockets that wait for notifications, and HTTP requests that make them.

It gets a `Load` in JSON in a file, and says in JSON in another one what it has `Seen`.
"""

import asyncio
import contextlib
import itertools
import os
import re
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import uvloop
from pydantic import TypeAdapter
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks.measure import Unmeasured, cpu_seconds, must

PATIENCE = 120
"""Seconds until what does not come is missing."""
CONNECTIONS = 500
"""HTTP connections at most; who finds none waits, and that counts."""
IDLE_SECONDS = 2.0
"""How long a connection is kept that nobody uses: servers close them after 5 seconds."""
TOGETHER = 50
"""Sockets that are opened at a time."""

_TITLE = re.compile(r'"title":\s?"new-(\d+)"')
_OLD = re.compile(r'"title":\s?"old-\d+"')


@dataclass(frozen=True, slots=True)
class Target:
    """A server.

    Args:
        url: where it is.
        pid: its process.
        namespace: the Socket.IO namespace, like "/notifs"; "" for the main one.
        recipients: one for each socket.
        cookies: the cookie of each.
        path: where a notification is posted.
        headers: of each post.
        unread: how many unread notifications, with the title old-N, everybody has.
    """

    url: str
    pid: int
    namespace: str
    recipients: list[Any]
    cookies: list[str]
    path: str
    headers: dict[str, str]
    unread: int


@dataclass(frozen=True, slots=True)
class Load:
    """What to do to a server: `count` notifications, of which each goes to the next recipient.

    Args:
        at_once: so many requests are always under way; for 0, one request asks the server to make them all.
        rate: a second, from the clock, however long the answers take. 0: as many as go.
        aside: what to post to `path` meanwhile, once, after `aside_after` of them; then go on until its job is done.
    """

    target: Target
    count: int
    at_once: int = 0
    rate: float = 0.0
    aside: dict[str, Any] | None = None
    aside_after: int = 0


@dataclass(slots=True)
class Seen:
    """What happened.

    Args:
        seconds: from the first post to the last arrival.
        cpu_seconds: of the server, meanwhile.
        own_cpu_seconds: of the load client, meanwhile.
        latencies: seconds from when a post was to go out until it was on its screen, in the order of the posts.
        aside: from which to which of the posts the job ran.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    own_cpu_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    aside: tuple[int, int] = (0, 0)


class Http:
    """One kept-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.used = time.perf_counter()

    async def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Any:
        """The JSON that is answered, which must be a success."""
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body:
            lines.append("Content-Type: application/json")
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = re.search(rb"content-length: (\d+)", head)
        answer = await self._reader.readexactly(int(length[1]) if length else 0)
        must(head.split(None, 2)[1] in (b"200", b"201", b"202"), f"{method} {path}: {head!r} {answer!r}")
        self.used = time.perf_counter()
        return orjson.loads(answer)

    def close(self) -> None:
        self._writer.close()


class Https:
    """A pool of connections to one server."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._free: deque[Http] = deque()
        self._turns = asyncio.Semaphore(CONNECTIONS)
        host, _, port = target.url.rpartition("//")[2].partition(":")
        self._address = host, int(port)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with self._turns:
            one = self._kept() or Http(*await asyncio.open_connection(*self._address))
            answer = await one.ask(method, path, self._target.headers, b"" if body is None else orjson.dumps(body))
            self._free.append(one)
            return answer

    async def post(self, body: Any) -> Any:
        return await self.ask("POST", self._target.path, body)

    def _kept(self) -> Http | None:
        """A connection that the server has not closed, and is not about to."""
        while self._free and self._free[0].used < time.perf_counter() - IDLE_SECONDS:
            self._free.popleft().close()
        return self._free.pop() if self._free else None

    def close(self) -> None:
        for one in self._free:
            one.close()


class Screens:
    """Everybody's socket. `arrived` says when each new notification came to the one whom it was for."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._prefix = f"{target.namespace}," if target.namespace else ""
        self._changed = asyncio.Event()
        self._readers: list[asyncio.Task[None]] = []
        self._joined = 0
        self.arrived: dict[int, float] = {}
        self.old = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """All connected, and each shows what was unread."""
        cookies, opened = self._target.cookies, list[ClientConnection]()
        unread = len(cookies) * self._target.unread
        try:
            async with asyncio.TaskGroup() as group:
                for first in range(0, len(cookies), TOGETHER):
                    opened += await asyncio.gather(*map(self._connect, cookies[first : first + TOGETHER]))
                    for n, connection in enumerate(opened[first:], first):
                        self._readers.append(group.create_task(self._read(n, connection)))
                await self.until(lambda: self._joined == len(cookies) and self.old >= unread)
                must(self.old == unread, f"{self.old} unread ones were shown, and not {unread}")
                yield
                for reader in self._readers:
                    reader.cancel()
        finally:
            for connection in opened:
                connection.transport.abort()

    async def until(self, condition: Any) -> None:
        """Wait until it holds.

        Raises:
            TimeoutError: it does not.
        """
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def _connect(self, cookie: str) -> ClientConnection:
        origin = self._target.url
        url = f"{origin.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
        return await connect(
            url,
            additional_headers={"Cookie": cookie, "Origin": origin},
            proxy=None,
            compression=None,
            ping_interval=None,
            max_size=None,
        )

    async def _read(self, n: int, connection: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for frame in connection:
                now = time.perf_counter()
                if frame == "2":
                    await connection.send("3")
                elif str(frame).startswith("0"):
                    await connection.send(f"40{self._prefix}")
                elif str(frame).startswith("4"):
                    self._take(n, str(frame), now)
                self._changed.set()
        raise Unmeasured(f"the server of {self._target.path} has closed a socket")

    def _take(self, n: int, frame: str, now: float) -> None:
        must(not frame.startswith("44"), f"not let in: {frame}")
        self._joined += frame.startswith("40")
        for found in _TITLE.findall(frame):
            number = int(found)
            must(number % len(self._target.recipients) == n, "it came to another one's screen")
            self.arrived.setdefault(number, now)
        if not self.arrived:  # a peer shows all that is unread again and again
            self.old += len(_OLD.findall(frame))


class Run:
    """One load, while it goes on."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._target = load.target
        self._screens = Screens(load.target)
        self._http = Https(load.target)
        self._due: dict[int, float] = {}
        self._seen = Seen()

    async def run(self) -> Seen:
        async with self._screens.open():
            pids = self._target.pid, os.getpid()
            began, used = time.perf_counter(), [cpu_seconds(pid) for pid in pids]
            await self._post()
            await self._screens.until(lambda: len(self._screens.arrived) >= len(self._due))
            spent = [cpu_seconds(pid) - before for pid, before in zip(pids, used, strict=True)]
            arrived = self._screens.arrived
            must(arrived.keys() == self._due.keys(), "what came is not what was sent")
            self._seen.seconds = max(arrived.values()) - began
            self._seen.cpu_seconds, self._seen.own_cpu_seconds = spent
            self._seen.latencies = [arrived[n] - self._due[n] for n in sorted(self._due)]
        self._http.close()
        return self._seen

    async def _post(self) -> None:
        load = self._load
        if load.rate:
            await self._at_rate()
        elif load.at_once:
            numbers = iter(range(load.count))

            async def caller() -> None:
                for n in numbers:
                    await self._send(n, time.perf_counter())

            await asyncio.gather(*(caller() for _ in range(load.at_once)))
        else:
            self._due = dict.fromkeys(range(load.count), time.perf_counter())
            await self._http.post({"count": load.count})

    async def _at_rate(self) -> None:
        load, began = self._load, time.perf_counter()
        aside: asyncio.Task[None] | None = None
        async with asyncio.TaskGroup() as group:
            for n in itertools.count():
                if n >= load.count and (aside is None or aside.done()):
                    break
                due = began + n / load.rate
                await asyncio.sleep(due - time.perf_counter())
                if load.aside and n == load.aside_after:
                    aside = group.create_task(self._aside(load.aside))
                group.create_task(self._send(n, due))

    async def _aside(self, body: dict[str, Any]) -> None:
        """A large job, from its beginning to its end."""
        first = len(self._due)
        job = (await self._http.post(body))["job"]
        async with asyncio.timeout(PATIENCE):
            while not (await self._http.ask("GET", f"/api/v1/jobs/{job}"))["finished_at"]:
                await asyncio.sleep(0.1)
        self._seen.aside = first, len(self._due)

    async def _send(self, n: int, due: float) -> None:
        recipients: Sequence[Any] = self._target.recipients
        self._due[n] = due
        await self._http.post({"to": [recipients[n % len(recipients)]], "title": f"new-{n}"})


async def load(wanted: Path, said: Path) -> None:
    """Do what a file says."""
    seen = await Run(TypeAdapter(Load).validate_json(wanted.read_bytes())).run()
    said.write_bytes(orjson.dumps(seen))


if __name__ == "__main__":
    uvloop.run(load(*map(Path, sys.argv[1:])))

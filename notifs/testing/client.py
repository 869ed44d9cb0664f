"""A socket in `/notifs` that says exactly what it is told, frame by frame, and remembers all that came."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from notifs.testing.check import Unmet, expect
from notifs.testing.rule import Mailbox
from notifs.wire import NAMESPACE, RESPONSE, SNAPSHOT_LIMIT

Json = dict[str, Any]
LONGEST_FRAME = 2**22
AGAIN = 0.1
"""Seconds until an event is said again that was one too many."""


class Client:
    """One socket. What comes is sorted into `messages` and acks while nobody looks; `mailbox` is what they fold to.

    Args:
        connection: the WebSocket.
        patience: seconds until something that is waited for is given up.
        heard: called with each message.
        mailbox: what this client knows already.
    """

    def __init__(
        self, connection: ClientConnection, patience: float, heard: Callable[[Json], None], mailbox: Mailbox
    ) -> None:
        self._connection = connection
        self._patience = patience
        self._heard = heard
        self._ids = itertools.count(1)
        self._changed = asyncio.Condition()
        self.frames: list[str] = []
        self.messages: list[Json] = []
        self.acks: dict[int, Any] = {}
        self.mailbox = mailbox
        self.broken: str | None = None
        """Why a message could not be taken in."""
        self.closed = False
        self._reader = asyncio.create_task(self._read())

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        headers: dict[str, str],
        patience: float,
        heard: Callable[[Json], None],
        mailbox: Mailbox | None = None,
    ) -> AsyncIterator[Self]:
        """A socket that was let in, and has joined nothing yet."""
        address = f"{url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
        try:
            opening = connect(
                address, additional_headers=headers, proxy=None, open_timeout=patience, max_size=LONGEST_FRAME
            )
            connection = await opening
        except InvalidStatus as refused:
            body = refused.response.body[:200].decode(errors="replace")
            raise Unmet("to be let in: 101", f"{refused.response.status_code} {body}") from None
        async with connection:
            client = cls(connection, patience, heard, mailbox or Mailbox())
            try:
                await client.until(lambda: client.frames, "the frame that opens Engine.IO")
                yield client
            finally:
                client._reader.cancel()
                with suppress(asyncio.CancelledError):
                    await client._reader

    async def join(self, auth: Any = None, namespace: str = NAMESPACE) -> str:
        """Send CONNECT, and return the frame that answers it."""
        seen = len(self.frames)
        await self.send(f"40{namespace}," + ("" if auth is None else orjson.dumps(auth).decode()))
        answers = (f"40{namespace}", f"44{namespace}")
        await self.until(
            lambda: any(f.startswith(answers) for f in self.frames[seen:]), f"an answer to CONNECT {namespace}"
        )
        return next(f for f in self.frames[seen:] if f.startswith(answers))

    async def greeted(self) -> None:
        """Wait until the first `delta` or the whole first `snapshot` is there."""

        def whole() -> bool:
            first = [m for m in self.messages if m.get("type") in ("snapshot", "delta")]
            count = sum(len(m["notifs"]) for m in first)
            return bool(first) and (not first[-1].get("has_more") or count >= SNAPSHOT_LIMIT)

        await self.until(whole, "a delta, or a snapshot to its last page")

    async def send(self, frame: str | bytes) -> None:
        """Send a frame as it is."""
        try:
            await self._connection.send(frame)
        except ConnectionClosed:
            raise Unmet("a socket that stays open", self.last_words()) from None

    async def ask(self, event: str, data: Any = None) -> Any:
        """Send a client event, and wait for its ack."""
        return await self.ask_raw(orjson.dumps([event] if data is None else [event, data]).decode())

    async def ask_raw(self, text: str) -> Any:
        """Send an event whose data is `text` as it is, and wait for its ack."""
        number = next(self._ids)
        await self.send(f"42{NAMESPACE},{number}{text}")
        return await self.ack(number, text)

    async def ack(self, number: int, text: str) -> Any:
        """Wait for the ack with this number; `text` says of what it is."""
        await self.until(lambda: number in self.acks, f"an ack of {text[:80]}")
        return self.acks[number]

    async def do(self, event: str, data: Any = None) -> Any:
        """Send a client event that must be carried out; said again where it was one too many in a second."""
        give_up = asyncio.get_running_loop().time() + self._patience
        while True:
            ack = await self.ask(event, data)
            expect(isinstance(ack, dict) and "ok" in ack, f"{{ok, ...}} from {event}", ack)
            too_many = not ack["ok"] and ack["error"]["code"] == "too_many_events"
            if not too_many or asyncio.get_running_loop().time() > give_up:
                expect(ack["ok"] is True, f"{event} to be carried out", ack)
                return ack
            await asyncio.sleep(AGAIN)

    async def until(self, condition: Callable[[], Any], expected: str) -> None:
        """Wait until something that came makes `condition` true.

        Raises:
            Unmet: it did not, or the connection is closed.
        """
        try:
            async with asyncio.timeout(self._patience), self._changed:
                await self._changed.wait_for(lambda: condition() or self.closed or self.broken)
        except TimeoutError:
            pass
        if not condition():
            raise Unmet(expected, self.broken or self.last_words())

    async def ended(self) -> tuple[int | None, str | None]:
        """Wait until the server has closed the connection; with which code and reason."""
        await self.until(lambda: self.closed, "the connection to end")
        return self._connection.close_code, self._connection.close_reason

    def drop(self) -> None:
        """Be gone, without a word."""
        self._connection.transport.abort()

    def of(self, *types: str) -> list[Json]:
        """The messages of these types that have come so far."""
        return [m for m in self.messages if m.get("type") in types]

    def last_words(self) -> str:
        """What came last, for a report."""
        state = f"closed with {self._connection.close_code} {self._connection.close_reason}" if self.closed else "open"
        last = " ".join(frame[:160] for frame in self.frames[-2:])
        return f"{len(self.frames)} frames ({state}), at last: {last or 'none'}"

    async def _read(self) -> None:
        try:
            async for frame in self._connection:
                async with self._changed:
                    await self._take(frame if isinstance(frame, str) else repr(frame))
                    self._changed.notify_all()
        except ConnectionClosed:
            pass
        finally:
            self.closed = True
            async with self._changed:
                self._changed.notify_all()

    async def _take(self, frame: str) -> None:
        self.frames.append(frame)
        if frame == "2":
            await self._connection.send("3")
        elif frame.startswith(f"42{NAMESPACE},"):
            self._message(*orjson.loads(frame.removeprefix(f"42{NAMESPACE},")))
        elif frame.startswith(f"43{NAMESPACE},"):
            number, bracket, rest = frame.removeprefix(f"43{NAMESPACE},").partition("[")
            self.acks[int(number)] = next(iter(orjson.loads(bracket + rest)), None)

    def _message(self, event: str, message: Any = None, *more: Any) -> None:
        try:
            expect(event == RESPONSE and isinstance(message, dict) and not more, "the event `response`", event)
            self.messages.append(message)
            self._heard(message)
            self.mailbox.take(message)
        except Exception as error:
            self.broken = f"a message that the client's rule cannot take in: {error!r}"

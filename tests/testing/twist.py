"""What stands between a server and the world, and may twist what passes."""

from collections.abc import Callable, Iterable
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Json = dict[str, Any]
Frames = Callable[[str], Iterable[str]]
"""What becomes of one frame on a connection."""
EVENT, ACK = "42/notifs,", "43/notifs,"


def as_it_is(frame: str) -> list[str]:
    return [frame]


class Wrong:
    """An ASGI application around `app` that twists nothing; each way to be wrong overrides one method."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.everybody: list[Send] = []

    def outgoing(self) -> Frames:
        """What becomes of the frames of a new connection on their way out."""
        return as_it_is

    def incoming(self, frame: str) -> str | None:
        """What becomes of a frame on its way in; None if it is lost."""
        return frame

    def request(self, scope: Scope) -> Response | None:
        """What is answered in place of the application."""
        return None

    def close(self, message: Message) -> Message:
        """What becomes of the message that ends a connection."""
        return message

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif (response := self.request(scope)) is not None:
            await response(scope, receive, send)
        else:
            scope.get("extensions", {}).pop("notifs.line", None)  # all that passes shall pass here
            await self.app(scope, self._receive(receive), self._send(send))

    def _receive(self, receive: Receive) -> Receive:
        async def twisted() -> Message:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive" or message.get("text") is None:
                    return message
                if (frame := self.incoming(message["text"])) is not None:
                    return {**message, "text": frame}

        return twisted

    def _send(self, send: Send) -> Send:
        twist = self.outgoing()
        self.everybody.append(send)

        async def twisted(message: Message) -> None:
            if message["type"] == "websocket.send" and message.get("text") is not None:
                for frame in twist(message["text"]):
                    await send({"type": "websocket.send", "text": frame})
            else:
                await send(self.close(message) if message["type"] == "websocket.close" else message)

        return twisted


class Messages(Wrong):
    """Twists messages of `response` by `message`, which changes them in place."""

    def message(self, message: Json) -> None:
        raise NotImplementedError

    def outgoing(self) -> Frames:
        def twist(frame: str) -> list[str]:
            if not frame.startswith(EVENT):
                return [frame]
            event, message = orjson.loads(frame.removeprefix(EVENT))
            self.message(message)
            return [EVENT + orjson.dumps([event, message]).decode()]

        return twist


class Acks(Wrong):
    """Twists acks by `ack`, which changes them in place."""

    def ack(self, ack: Json) -> None:
        raise NotImplementedError

    def outgoing(self) -> Frames:
        def twist(frame: str) -> list[str]:
            if not frame.startswith(ACK):
                return [frame]
            number, _, rest = frame.removeprefix(ACK).partition("[")
            (ack,) = orjson.loads("[" + rest)
            self.ack(ack)
            return [f"{ACK}{number}{orjson.dumps([ack]).decode()}"]

        return twist

"""A server that answers as it is told to, in front of the real one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Fault = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


@dataclass
class Flaky:
    """Hands requests on, once the faults are used up; keeps what each request's idempotency key was."""

    app: ASGIApp
    faults: list[Fault] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.keys.append(Headers(scope=scope).get("idempotency-key"))
        if self.faults:
            await self.faults.pop(0)(self.app, scope, receive, send)
        else:
            await self.app(scope, receive, send)


def answers(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Fault:
    """Answer this instead, without doing anything."""

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await Response(body, status, headers)(scope, receive, send)

    return fault


def does_and_answers(status: int) -> Fault:
    """Do it, and then say something else: as a proxy does whose link to the server broke."""

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, _into([]))
        await Response(b"Bad Gateway", status)(scope, receive, send)

    return fault


def does_and_hangs_up() -> Fault:
    """Do it, and break the connection in the middle of the answer."""

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, _into([]))
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b'{"id"', "more_body": True})
        # Returning before all of it is sent makes uvicorn drop the connection.

    return fault


def _into(messages: list[Message]) -> Send:
    async def send(message: Message) -> None:
        messages.append(message)

    return send


def times(count: int, fault: Fault) -> Sequence[Fault]:
    """The same fault several times."""
    return [fault] * count

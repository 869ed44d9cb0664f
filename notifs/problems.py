"""Errors over HTTP: problem details (RFC 9457) with a stable `code`, and nothing that should not be seen."""

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from notifs.errors import NotifsError


def problem(error: NotifsError) -> Response:
    """The response that tells of an error."""
    body = {
        "type": f"urn:notifs:error:{error.code}",
        "title": error.code.replace("_", " "),
        "status": error.status,
        "detail": error.message,
        "code": error.code,
    }
    headers = {"cache-control": "no-store"}
    if (retry_after := getattr(error, "retry_after", None)) is not None:
        headers["retry-after"] = str(retry_after)
    if error.status == 401:
        headers["www-authenticate"] = getattr(error, "challenge", "Session")
    return Response(orjson.dumps(body), error.status, headers, media_type="application/problem+json")


async def refuse(error: NotifsError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request with an error, or a WebSocket that is not accepted yet."""
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": error.code})  # the server answers 403
        return
    await problem(error)(scope, receive, send)

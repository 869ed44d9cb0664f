"""python-socketio as it comes, on uvicorn."""

import asyncio
import gc
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import orjson
import socketio
import uvicorn

MESSAGE = orjson.loads((Path(__file__).parent / "message.json").read_bytes())
SLICE = 100

server = socketio.AsyncServer(async_mode="asgi", transports=["websocket"])


async def connect(sid: str, environ: dict[str, Any], auth: Any = None) -> None:
    """Into the room of all, and into one's own, which the cookie names."""
    await server.enter_room(sid, "all")
    await server.enter_room(sid, environ["HTTP_COOKIE"])


def message(n: int) -> dict[str, Any]:
    """Message n."""
    return {**MESSAGE, "notifs": [{**MESSAGE["notifs"][0], "title": f"new-{n}"}]}


async def to_all(first: int, count: int) -> dict[str, Any]:
    """Send so many messages to all."""
    for n in range(first, first + count):
        await server.emit("response", message(n), room="all")
        await asyncio.sleep(0)
    return {}


async def to_each(first: int, count: int) -> dict[str, Any]:
    """Send so many messages, each to the next one."""
    people = await connected() or 1
    for n in range(first, first + count):
        await server.emit("response", message(n), room=f"user-{n % people}")
        if n % SLICE == SLICE - 1:
            await asyncio.sleep(0)
    return {}


async def connected() -> int:
    """How many are here."""
    return len(server.manager.rooms.get("/", {}).get("all", ()))


async def answer(path: str, asked: dict[str, int]) -> dict[str, Any]:
    """What this path is for."""
    match path:
        case "/all":
            return await to_all(**asked)
        case "/each":
            return await to_each(**asked)
        case "/count":
            return {"connected": await connected()}
        case "/collect":
            gc.collect()
    return {}


async def control(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application beside the sockets."""
    if scope["type"] == "lifespan":
        for event in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
        return
    asked = {name: int(value) for name, (value,) in parse_qs(scope["query_string"].decode()).items()}
    body = orjson.dumps(await answer(scope["path"], asked))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    server.on("connect", connect)
    uvicorn.run(
        socketio.ASGIApp(server, control),
        port=int(sys.argv[1]),
        log_level="warning",
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        backlog=4096,
    )

"""Flask-SocketIO on gevent, with nothing around it."""

from gevent import monkey

monkey.patch_all()

import gc
import json
import sys
from pathlib import Path
from typing import Any

import gevent
from flask import Flask, request
from flask_socketio import SocketIO, join_room

MESSAGE = json.loads((Path(__file__).parent / "message.json").read_bytes())
SLICE = 100

app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent", ping_timeout=120)


def joined(auth: Any = None) -> None:
    """Into the room of all, and into one's own, which the cookie names."""
    join_room("all")
    join_room(request.headers["Cookie"])


def message(n: int) -> dict[str, Any]:
    """Message n."""
    return {**MESSAGE, "notifs": [{**MESSAGE["notifs"][0], "title": f"new-{n}"}]}


def asked() -> range:
    """Which messages are to be sent."""
    first, count = (int(request.args[name]) for name in ("first", "count"))
    return range(first, first + count)


def to_all() -> dict[str, Any]:
    """Send so many messages to all."""
    for n in asked():
        socketio.emit("response", message(n), to="all")
        gevent.sleep(0)
    return {}


def to_each() -> dict[str, Any]:
    """Send so many messages, each to the next one."""
    people = connected()["connected"]
    for n in asked():
        socketio.emit("response", message(n), to=f"user-{n % people}")
        if n % SLICE == SLICE - 1:
            gevent.sleep(0)
    return {}


def connected() -> dict[str, Any]:
    """How many are here."""
    return {"connected": len(socketio.server.manager.rooms.get("/", {}).get("all", ()))}


def collect() -> dict[str, Any]:
    """Keep nothing that nobody needs."""
    gc.collect()
    return {}


def healthz() -> dict[str, Any]:
    """It serves."""
    return {}


if __name__ == "__main__":
    views = {"/all": to_all, "/each": to_each, "/count": connected, "/collect": collect, "/healthz": healthz}
    for path, view in views.items():
        app.add_url_rule(path, view_func=view)
    socketio.on_event("connect", joined)
    socketio.run(app, "127.0.0.1", int(sys.argv[1]), log_output=False)

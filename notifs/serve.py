"""`notifs serve`: see that the database is ready, then serve with uvicorn in the way that suits sockets."""

import http.client
import secrets
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from notifs.errors import SettingsError
from notifs.settings import Settings
from notifs.store import Store, accounts, schema
from notifs.store.accounts import Person
from notifs.store.database import Database
from notifs.wire import FRAME_LIMIT

Tell = Callable[[str], None]
DEMO = (("ada@example.org", "Ada Lovelace", True), ("grace@example.org", "Grace Hopper", False))
"""Address, name, and who is an admin."""


async def prepare(settings: Settings, tell: Tell) -> None:
    """See that the database can be served from; in development, make it so.

    Raises:
        SchemaError: migrations are pending, and this is not an empty SQLite file in development.
    """
    database = Database(settings.database_url)
    try:
        playground = not settings.production and settings.sqlite_path is not None
        if playground and await schema.is_empty(database):
            await schema.upgrade(database)
        await schema.check(database)
        store = await Store(database).open()
        if playground and not await store.users():
            await _add_demo_people(store, tell)
    finally:
        await database.close()


async def _add_demo_people(store: Store, tell: Tell) -> None:
    password = secrets.token_urlsafe(12)
    password_hash = accounts.hash_password(password)

    async def add(connection: Any) -> list[Person]:
        if await accounts.everybody(connection):
            return []  # another process was quicker
        return [await accounts.add(connection, email, name, password_hash, admin=admin) for email, name, admin in DEMO]

    people = await store.database.write(add)
    if not people:
        return
    tell("This is a new database. Two people can sign in:")
    for person in people:
        tell(f"    {person.email}    password: {password}" + ("    (an admin)" if person.admin else ""))
    tell(f'Send one a notification, from another terminal in this folder: {_program()} send {DEMO[0][0]} "Hello"')


def _program() -> str:
    """How the command line is called where this one was: with its path, unless it is on the PATH."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "notifs" and shutil.which("notifs") is None else "notifs"


def bind(host: str, port: int) -> socket.socket:
    """The socket to serve on. Nobody can connect before it is served.

    Raises:
        SettingsError: the address is taken, or none of ours.
    """
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise SettingsError(f"cannot listen on {host}, port {port}: {error.strerror}; see --host and --port") from None
    bound.set_inheritable(True)
    return bound


def run(settings: Settings, bound: socket.socket, *, host: str, workers: int, tell: Tell) -> None:
    """Serve until told to stop. Says `notifs is ready: URL` as soon as connections are accepted."""
    config = uvicorn.Config(
        "notifs.standalone:create_worker",
        factory=True,
        workers=workers,
        http="notifs.web.transport:Http",
        ws="notifs.realtime.transport:WebSocket",
        ws_max_size=FRAME_LIMIT,
        ws_per_message_deflate=False,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        timeout_graceful_shutdown=10,
        timeout_worker_healthcheck=15,  # a worker may take some seconds to start, on a machine that is busy
        server_header=False,
        log_level=settings.log_level if settings.log_level == "debug" else "warning",
    )
    port: int = bound.getsockname()[1]
    threading.Thread(target=_tell_when_ready, args=(host, port, tell), daemon=True).start()
    if workers > 1:
        Multiprocess(config, sockets=[bound]).run()
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))  # uvicorn raises it again once it has shut down
    server = uvicorn.Server(config)
    server.run(sockets=[bound])
    if not server.started:
        sys.exit(1)


def _tell_when_ready(host: str, port: int, tell: Tell) -> None:
    shown = f"[{host}]" if ":" in host else host
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    while True:
        connection = http.client.HTTPConnection(reachable, port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                tell(f"notifs is ready: http://{shown}:{port}")
                return
        except OSError:
            pass  # not yet
        finally:
            connection.close()
        time.sleep(0.05)

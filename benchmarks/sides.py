"""The sides of the engine's benchmarks: servers that push to their sockets when they are asked to by HTTP.

Each has GET /all and /each (with `first` and `count`: which messages), /count (of its sockets), and /collect (garbage).
"""

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from benchmarks.load import Target
from benchmarks.measure import SERVER_CORE
from benchmarks.places import place
from benchmarks.sites import PEERS_PYTHON, SECRET, client, running, seed
from benchmarks.tasks import Numbers, Task
from notifs import Notifs, Settings
from tests.servers import node

FOLDER = Path(__file__).parent / "peers"
UNBOUNDED = "10000000"

Side = Callable[[int], AbstractAsyncContextManager[Target]]
"""Makes a server for so many sockets."""


@asynccontextmanager
async def ours(
    sockets: int,
    *,
    one: bool = False,
    unread: int = 0,
    workers: int = 1,
    redis: str = "",
    cores: str = str(SERVER_CORE),
) -> AsyncIterator[Target]:
    """The application as `notifs serve` serves it, and people who are signed in.

    Args:
        one: whether all sockets are the same person's; else each has one of their own.
        unread: how many unread notifications each person has.
        workers: processes, which talk by `redis`.
        cores: where they run.
    """
    async with place("sqlite") as here, here.fresh() as url:
        async with Notifs(Settings(database_url=url, secret_key=SECRET)).open() as notifs:
            recipients, cookies = await seed(notifs, 1 if one else sockets, unread)
        env = {
            "NOTIFS_DATABASE_URL": url,
            "NOTIFS_SECRET_KEY": SECRET,
            "NOTIFS_REDIS_URL": redis,
            "NOTIFS_SOCKETS_PER_ADDRESS": "0",
            "NOTIFS_SOCKETS_PER_USER": UNBOUNDED,
            "NOTIFS_CONNECTS_PER_MINUTE": UNBOUNDED,
            "NOTIFS_EVENTS_PER_SECOND": UNBOUNDED,
        }
        serve = [sys.executable, "-m", "benchmarks.pushing"]
        async with running(lambda port: [*serve, port, "--workers", str(workers)], env, cores) as (address, pid):
            cookies = cookies * sockets if one else cookies
            yield Target(address, pid, "/notifs", recipients, cookies, "", {}, unread)


def peer(*command: str) -> Side:
    """A peer: what its sockets are called is in their cookies."""

    @asynccontextmanager
    async def serve(sockets: int) -> AsyncIterator[Target]:
        async with running(lambda port: [*command, port]) as (address, pid):
            names = [f"user-{n}" for n in range(sockets)]
            yield Target(address, pid, "", names, names, "", {}, 0)

    return serve


NODE, STOCK, FLASK = "Node's Socket.IO", "stock python-socketio", "Flask-SocketIO on gevent"
LIMIT = "send loop"
PEERS: Mapping[str, Side] = {
    NODE: peer(node(), "--expose-gc", str(FOLDER / "node.mjs")),
    STOCK: peer(sys.executable, "-m", "benchmarks.peers.stock"),
    FLASK: peer(str(PEERS_PYTHON), str(FOLDER / "bare.py")),
    LIMIT: peer(sys.executable, "-m", "benchmarks.peers.limit"),
}


async def put(side: AbstractAsyncContextManager[Target], name: str, clients: int, **options: Any) -> Numbers:
    """What a crowd measures of a server by this task; see `Task`."""
    async with side as target:
        numbers: Numbers = orjson.loads(await client("benchmarks.tasks", Task(name, target, clients, **options)))
    return numbers

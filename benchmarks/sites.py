"""Servers to load, each pinned to one core, with people who are signed in and have unread notifications."""

import asyncio
import http.client
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.load import Load, Seen, Target
from benchmarks.measure import CLIENT_CORE, SERVER_CORE, must
from benchmarks.places import place
from notifs import Notifs, Settings
from notifs.signing import Signer
from notifs.store import accounts, sessions
from tests.programs import Child, free_port, run
from tests.servers import REPOSITORY, clean_environment, notifs_command

PEERS_PYTHON = REPOSITORY / ".venv-bench" / "bin" / "python"
"""Where the peers' packages are; scripts/bench puts them there."""
SECRET = "only for benchmarks, and as long as it must be"
TOPIC = "everybody"
CROWD = 1_000
"""Recipients of one notification that is no job."""


@asynccontextmanager
async def origin(people: int, unread: int) -> AsyncIterator[Target]:
    """The origin's pattern, on SQLite."""
    with tempfile.TemporaryDirectory(prefix="notifs-benchmarks-") as folder:
        script = [str(PEERS_PYTHON), str(REPOSITORY / "benchmarks" / "peers" / "origin.py")]
        options = [f"{folder}/origin.db", str(people), str(unread)]
        async with running(lambda port: [*script, port, *options]) as (url, pid):
            recipients = list(range(1, people + 1))
            cookies = await asyncio.to_thread(_sign_in, url, recipients)
            yield Target(url, pid, "", recipients, cookies, "/notify", {"Cookie": cookies[0]}, unread)


@asynccontextmanager
async def mirror(people: int, unread: int) -> AsyncIterator[Target]:
    """A server that does nothing but send back."""
    async with running(lambda port: [sys.executable, "-m", "benchmarks.peers.mirror", port, str(unread)]) as (
        url,
        pid,
    ):
        names = [f"user-{n}" for n in range(people)]
        yield Target(url, pid, "", names, names, "/", {}, unread)


@asynccontextmanager
async def ours(
    people: int, unread: int, *, hosted: bool = False, followers: int = 0, kind: str = "sqlite"
) -> AsyncIterator[Target]:
    """`notifs serve`; `hosted`: an application of ours that notifies by itself when it is asked to.

    Args:
        followers: of TOPIC: everybody, and so many in all.
    """
    async with place(kind) as here, here.fresh() as url:
        settings = Settings(database_url=url, secret_key=SECRET)
        async with Notifs(settings).open() as notifs:
            recipients, cookies = await seed(notifs, people, unread)
            if followers:
                others = [f"user-{n}" for n in range(followers - people)]
                await notifs.store.topics.follow(TOPIC, [*recipients, *others])
            _, token = await notifs.store.keys.create("benchmarks", ["admin"])
        serve = [sys.executable, "-m", "benchmarks.hosted"] if hosted else [*notifs_command(), "serve", "--port"]
        env = {
            "NOTIFS_DATABASE_URL": url,
            "NOTIFS_SECRET_KEY": SECRET,
            "NOTIFS_SOCKETS_PER_ADDRESS": "0",
            "NOTIFS_API_REQUESTS_PER_MINUTE": "10000000",
            "NOTIFS_EVENTS_PER_SECOND": "10000000",
        }
        async with running(lambda port: [*serve, port], env) as (address, pid):
            path = "/benchmark" if hosted else "/api/v1/notifications"
            headers = {"Authorization": f"Bearer {token}"}
            yield Target(address, pid, "/notifs", recipients, cookies, path, headers, unread)


async def put(load: Load) -> Seen:
    """Have a load client of its own put a load on a server."""
    return TypeAdapter(Seen).validate_json(await client("benchmarks.load", load))


async def client(module: str, asked: Any) -> bytes:
    """What a client of this module says when it is asked this; it runs on a core of its own."""
    with tempfile.TemporaryDirectory(prefix="notifs-benchmarks-") as folder:
        task, said = Path(folder) / "task.json", Path(folder) / "said.json"
        task.write_bytes(orjson.dumps(asked))
        command = pinned(str(CLIENT_CORE), [sys.executable, "-m", module, str(task), str(said)])
        status, lines = await run(command, env=clean_environment(), cwd=REPOSITORY, seconds=None)
        must(status == 0, "\n".join(["the load client failed:", *lines]))
        return said.read_bytes()


def pinned(cores: str, command: Sequence[str]) -> Sequence[str]:
    """A command that runs on these cores alone."""
    return ["taskset", "--cpu-list", cores, *command]


async def seed(notifs: Notifs, people: int, unread: int) -> tuple[list[str], list[str]]:
    """People with accounts, signed in, with so many unread notifications. Returns their ids and cookies."""
    tokens = [secrets.token_urlsafe(32) for _ in range(people)]

    async def work(connection: AsyncConnection) -> list[str]:
        ids = []
        for n, token in enumerate(tokens):
            person = await accounts.add(connection, f"user-{n:06}@example.org", f"User {n}", "no password")
            await sessions.start(connection, person.id, Signer([SECRET]).hashes(token)[0], 1)
            ids.append(person.id)
        return ids

    ids = await notifs.store.database.write(work)
    for n in range(unread):
        for first in range(0, people, CROWD):
            await notifs.notify(to=ids[first : first + CROWD], title=f"old-{n}")
    return ids, [f"notifs={token}" for token in tokens]


@asynccontextmanager
async def running(
    command: Callable[[str], Sequence[str]], env: Mapping[str, str] | None = None, cores: str = str(SERVER_CORE)
) -> AsyncIterator[tuple[str, int]]:
    """A server on a free port, once it answers: its URL and its process."""
    port = free_port()
    its_env = {**clean_environment(), **(env or {})}
    with Child(pinned(cores, command(str(port))), ready="$^", env=its_env, cwd=REPOSITORY) as child:
        await asyncio.to_thread(_wait_for, port, child)
        yield f"http://127.0.0.1:{port}", child.pid


def _wait_for(port: int, child: Child) -> None:
    while child.running:
        with suppress(OSError), closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", "/healthz")
            if connection.getresponse().status < 300:
                return
        time.sleep(0.02)
    must(False, "\n".join(["the server ended before it served:", *child.lines]))


def _sign_in(url: str, users: Sequence[int]) -> list[str]:
    cookies = []
    with closing(http.client.HTTPConnection(url.rpartition("/")[2])) as connection:
        for user in users:
            connection.request("POST", "/login", orjson.dumps({"user_id": user}), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            cookies.append((answer.getheader("Set-Cookie") or "").partition(";")[0])
    return cookies

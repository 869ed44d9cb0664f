"""The command line as people use it, in a folder with a database.

`serve` and `run` are processes of their own. The other commands are run in this process, by the same entry point: to
start Python takes longer than all that they do.
"""

import asyncio
import io
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from unittest import mock

import pytest

from notifs import Notifs, Settings, cli
from notifs.store import accounts
from tests import servers
from tests.nursery import Born
from tests.programs import STOP_SECONDS
from tests.web.site import CHEAP, HASHER


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def refusal(self) -> str:
        """The one line that it has said, and nothing else."""
        (line,) = self.err.splitlines()
        assert (self.status, self.out, line[:8]) == (1, "", "notifs: "), self
        return line.removeprefix("notifs: ")


class Process:
    """A running `notifs`, with a pipe for each of its streams."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        (its_in, in_), (out, its_out), (err, its_err) = (os.pipe() for _ in range(3))
        self._in, self._out, self._err = os.fdopen(in_, "wb"), os.fdopen(out, "rb"), os.fdopen(err, "rb")
        self._born = Born(command, env=env, cwd=cwd, end=signal.SIGKILL, streams=[its_in, its_out, its_err])
        self._born.stdout.close()

    async def line(self) -> str:
        """The next that it says."""
        return (await asyncio.to_thread(self._out.readline)).decode()

    def send(self, number: signal.Signals) -> None:
        self._born.send_signal(number)

    async def ended(self, stdin: bytes = b"") -> Result:
        """Tell it the last that it will hear, and wait for its end."""

        def say() -> None:
            with self._in:
                self._in.write(stdin)

        def hear(stream: BinaryIO) -> str:
            with stream:
                return stream.read().decode()

        hearing = [asyncio.to_thread(hear, stream) for stream in (self._out, self._err)]
        (out, err), _ = await asyncio.gather(asyncio.gather(*hearing), asyncio.to_thread(say))
        return Result(await asyncio.to_thread(self._born.wait, STOP_SECONDS), out, err)


@dataclass(frozen=True)
class Folder:
    """A folder to run `notifs` in."""

    path: Path

    def start(self, *args: str, **env: str) -> "Process":
        """Start `notifs` with these arguments, with `env` on top of a clean environment."""
        env = {**servers.clean_environment(), "COLUMNS": "200", **env}
        return Process([*servers.notifs_command(), *args], env, self.path)

    async def run(self, *args: str, stdin: bytes | None = None, **env: str) -> Result:
        """Run it to its end."""
        if args[0] not in PROCESSES:
            return await asyncio.to_thread(_run_here, args, self.path, stdin or b"", env)
        return await self.start(*args, **env).ended(stdin or b"")


PROCESSES = ("serve", "run")


def _run_here(args: Sequence[str], cwd: Path, stdin: bytes, env: Mapping[str, str]) -> Result:
    """Run a command in this process, as if it were one of its own."""
    out, err = io.StringIO(), io.StringIO()
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, {"COLUMNS": "200", **env}))
        stack.enter_context(mock.patch.object(sys, "argv", ["notifs", *args]))
        stack.enter_context(mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))))
        stack.enter_context(chdir(cwd))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        with pytest.raises(SystemExit) as ended:
            cli.main()
    status = ended.value.code
    return Result(status if isinstance(status, int) else 0, out.getvalue(), err.getvalue())


Main = Callable[..., Result]


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "hasher", HASHER)


@pytest.fixture
def main(tmp_path: Path) -> Main:
    """`notifs` in this very process and the folder `cwd`, with arguments, `stdin` and `env`."""

    def run(*args: str, stdin: bytes = b"", cwd: Path = tmp_path, **env: str) -> Result:
        return _run_here(args, cwd, stdin, env)

    return run


@pytest.fixture
def empty(tmp_path: Path) -> Folder:
    """A folder with nothing in it."""
    path = tmp_path / "empty"
    path.mkdir()
    return Folder(path)


@pytest.fixture
async def notifs(sqlite_url: str) -> AsyncIterator[Notifs]:
    """What is in the folder's database; Ada has an account there."""
    async with Notifs(Settings(database_url=sqlite_url)).open() as notifs:
        await notifs.store.add_user("ada@example.org", "Ada", CHEAP)
        yield notifs


@pytest.fixture
def folder(tmp_path: Path, notifs: Notifs) -> Folder:
    """A folder with a migrated database."""
    return Folder(tmp_path)

"""The command line as people use it, in a folder with a database.

`serve` and `run` are processes of their own. The other commands are run in this process, by the same entry point: to
start Python takes longer than all that they do.
"""

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from notifs import Notifs, Settings, cli
from notifs.store import accounts
from tests import servers
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


@dataclass(frozen=True)
class Folder:
    """A folder to run `notifs` in."""

    path: Path

    async def start(self, *args: str, **env: str) -> asyncio.subprocess.Process:
        """Start `notifs` with these arguments, with `env` on top of a clean environment."""
        pipe, dies_with_us = asyncio.subprocess.PIPE, ("setpriv", "--pdeathsig", "KILL")
        return await asyncio.create_subprocess_exec(
            *dies_with_us, *servers.notifs_command(), *args, cwd=self.path, stdin=pipe, stdout=pipe, stderr=pipe,
            env={**servers.clean_environment(), "COLUMNS": "200", **env},
        )  # fmt: skip

    async def run(self, *args: str, stdin: bytes | None = None, **env: str) -> Result:
        """Run it to its end."""
        if args[0] not in PROCESSES:
            return await asyncio.to_thread(_run_here, args, self.path, stdin or b"", env)
        process = await self.start(*args, **env)
        out, err = await process.communicate(stdin)
        return Result(process.returncode or 0, out.decode(), err.decode())


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

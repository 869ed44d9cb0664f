"""The command line as people use it: a real process in a folder with a database.

What is refused is so often tried that it is tried in this process, by the same entry point.
"""

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from notifs import Notifs, Settings, cli
from tests import servers
from tests.web.site import CHEAP


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
        process = await self.start(*args, **env)
        out, err = await process.communicate(stdin)
        return Result(process.returncode or 0, out.decode(), err.decode())


Main = Callable[..., Result]


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Main:
    """`notifs` in this very process and the folder `cwd`, with arguments, `stdin` and `env`."""

    def run(*args: str, stdin: bytes = b"", cwd: Path = tmp_path, **env: str) -> Result:
        monkeypatch.chdir(cwd)
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["notifs", *args])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        status = ended.value.code
        return Result(status if isinstance(status, int) else 0, *capfd.readouterr())

    monkeypatch.setenv("COLUMNS", "200")
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

"""Programs that tests run: what they say is kept, they can be ended in any way, and they die with the test process."""

import asyncio
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

import pytest

from tests.nursery import Born, can_bear

START_SECONDS = 30
STOP_SECONDS = 10


def find(*programs: str, package: str, folders: Iterable[Path] = ()) -> str:
    """Where the first of `programs` is that there is: on the PATH, or else in one of `folders`."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, folders)])
    for program in programs:
        if found := shutil.which(program, path=path):
            return found
    pytest.fail(f"{programs[0]} is not installed; on Debian: apt-get install {package}", pytrace=False)


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
        self._process = self._start(command, env, cwd, privileges)
        # A thread, so that the pipe never fills up, whatever the event loop does.
        self._reader = threading.Thread(target=self._read, args=[self._process.stdout], daemon=True)
        self._reader.start()

    def _start(
        self,
        command: Sequence[str | Path],
        env: Mapping[str, str] | None,
        cwd: Path | None,
        privileges: Sequence[str],
    ) -> "subprocess.Popen[str] | Born":
        if env is not None and not privileges and can_bear(command):
            return Born(command, env=env, cwd=cwd, end=self._end)
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", self._end.name.removeprefix("SIG"), *privileges, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=env,
            cwd=cwd,
            start_new_session=True,
        )

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
            self._process.wait(STOP_SECONDS)
            self._reader.join(STOP_SECONDS)

    def wait(self, seconds: float | None = STOP_SECONDS) -> int:
        """Wait until it has ended by itself, for so many seconds or for ever, and return its exit status."""
        return self._process.wait(seconds)

    @property
    def pid(self) -> int:
        """Its process; setpriv(1) becomes the command itself."""
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal that it lives on with, like SIGSTOP, to all of its group."""
        os.killpg(self._process.pid, number)

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


async def run(
    command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, seconds: float | None = 60
) -> tuple[int, list[str]]:
    """The exit status of a program that ends by itself, and the lines that it said."""
    with Child(command, ready="$^", env=env, cwd=cwd) as child:
        status = await asyncio.to_thread(child.wait, seconds)
    return status, list(child.lines)


_random = random.SystemRandom()  # pytest-randomly gives all processes of a run the same seed


def free_port(first: int = 20_000, last: int = 32_000) -> int:
    """A port that nobody has, and that no outgoing connection can be given: a server can come back to it."""
    while True:
        port = _random.randrange(first, last)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Restarted:
    """A server that can be ended in any way, and started again in the same place with what it has kept.

    Args:
        launch: starts it.
        end: the signal that ends it immediately, without a chance to write anything.
    """

    def __init__(self, launch: Callable[[], Child], *, end: signal.Signals = signal.SIGKILL) -> None:
        self._launch = launch
        self._end = end
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        assert self._child is not None, "it was not started yet"
        return self._child

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    def begin(self) -> None:
        """Start it, and let everything wait until it serves."""
        self._child = self._launch()
        self._child.wait_ready()

    async def start(self) -> None:
        """Start it, or start it again, and wait until it serves."""
        self._child = self._launch()
        await asyncio.to_thread(self._child.wait_ready)

    async def stop(self, number: signal.Signals | None = None) -> int:
        """End it and all that belongs to it, immediately or by the signal `number`; returns its exit status."""
        return await asyncio.to_thread(self.child.send, number or self._end)

    async def restart(self) -> None:
        """End it immediately, and start it again."""
        await self.stop()
        await self.start()

    def pause(self) -> None:
        """Let it answer nothing (SIGSTOP), until `resume`."""
        self.child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.child.signal(signal.SIGCONT)

    def end(self) -> None:
        """End it for good."""
        if self.running:
            self.child.send(self._end)

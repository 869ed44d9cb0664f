"""Python programs that start at once: each is forked from a process that has imported already what they import.

To import notifs and its libraries takes more than a second of a core, and the tests start some two hundred programs.
A program that is born here is a process of its own like any other, but for its parent: it has that one's limits, say,
and none that the test process has set since. Run as a program, this is the parent: `nursery.py FD`.
"""

import asyncio
import atexit
import ctypes
import gc
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import typer.main

from notifs import Notifs, Settings, cli
from notifs.serve import prepare
from notifs.web.render import environment
from tests import spawning
from tests.wire import hosted, http_client

IMPORTED = (
    "anyio._backends._asyncio",
    "asyncpg",
    "notifs.app",
    "notifs.cli.serve",
    "notifs.realtime.transport",
    "notifs.serve",
    "notifs.standalone",
    "notifs.tokens",
    "notifs.web.oidc.flow",
    "notifs.web.transport",
    "tests.attacks.defences",
    "typer._adapters",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvloop",
    "websockets.asyncio.client",
    "zxcvbn",
)
LARGEST = 2**18
"""Bytes of an order: a command, its environment, its folder."""
LOADED = ("LD_PRELOAD", "FAKETIME_DONT_FAKE_MONOTONIC", "FAKETIME_NO_CACHE")
"""What a library that is loaded before all others, like libfaketime, reads in the environment once and for all."""
NUMBER = struct.Struct("i")
PR_SET_PDEATHSIG = 1


def can_bear(command: Sequence[str | Path]) -> bool:
    """Whether it is a program of our Python, without options."""
    return len(command) > 1 and str(command[0]) == sys.executable and _is_program(str(command[1]))


def _is_program(argument: str) -> bool:
    return argument in ("-c", "-m") or argument.endswith(".py")


class Born:
    """A process like `subprocess.Popen`, as far as tests need one: it leads a session of its own.

    `streams`: descriptors that are to be its standard streams from 0 on, and are closed here; else `stdout` has all
    that it says.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path | None,
        end: signal.Signals,
        streams: Sequence[int] = (),
    ) -> None:
        self.args = [str(word) for word in command]
        output, its_output = os.pipe()
        self._status, its_status = os.pipe()
        folder = str(cwd or Path.cwd())
        order = json.dumps({"args": self.args[1:], "env": dict(env), "cwd": folder, "end": int(end)}).encode()
        assert len(order) < LARGEST, "this does not fit into one message"
        nursery = _nursery(*(env.get(name, "") for name in LOADED))
        with nursery.lock:
            socket.send_fds(nursery.orders, [order], [its_output, its_status, *streams])
        for fd in (its_output, its_status, *streams):
            os.close(fd)
        (self.pid,) = NUMBER.unpack(os.read(self._status, NUMBER.size))
        self.stdout = open(output, errors="replace")  # noqa: PTH123, SIM115 - who reads it closes it
        self.returncode: int | None = None
        self._waiting, self._news = threading.Lock(), select.poll()
        self._news.register(self._status, select.POLLIN)

    def poll(self) -> int | None:
        """Its exit status, or minus the signal that ended it; None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None) -> int:
        """The same, once it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not, within `timeout` seconds.
        """
        status = self._ended(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _ended(self, timeout: float | None) -> int | None:
        with self._waiting:
            if self.returncode is None and self._news.poll(timeout and 1000 * timeout):
                (status,) = NUMBER.unpack(os.read(self._status, NUMBER.size))
                os.close(self._status)
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


class _Nursery:
    """The parent of this test process's programs, which ends with it."""

    def __init__(self, loaded: Mapping[str, str]) -> None:
        self.lock = threading.Lock()
        self.orders, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = ["setpriv", "--pdeathsig", "KILL", sys.executable, __file__, str(its.fileno())]
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), **loaded}
        with its:
            self._process = subprocess.Popen(command, env=env, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL)
        atexit.register(self._close)

    def _close(self) -> None:
        self.orders.close()
        self._process.wait()


@cache
def _nursery(*values: str) -> _Nursery:
    return _Nursery({name: value for name, value in zip(LOADED, values, strict=True) if value})


def bear(orders: socket.socket) -> list[str]:
    """Fork for each order, tell how each program ends; end with who gives the orders. Returns in the new process only.

    What it returns is what is to be run, with its arguments.
    """
    running: dict[int, tuple[int, int]] = {}
    while True:
        for ready in select.select([orders.fileno(), *running], [], [])[0]:
            if ready != orders.fileno():
                pid, its_status = running.pop(ready)
                with suppress(BrokenPipeError):  # nobody wants to know
                    os.write(its_status, NUMBER.pack(os.waitpid(pid, 0)[1]))
                os.close(its_status)
                os.close(ready)
                continue
            order, fds, _, _ = socket.recv_fds(orders, LARGEST, 5)
            if not order:
                os._exit(0)
            its_output, its_status, *streams = fds
            pid = os.fork()
            if pid == 0:
                orders.detach()
                return _begin(json.loads(order), its_status, streams or [0, its_output, its_output])
            for fd in (its_output, *streams):
                os.close(fd)
            running[os.pidfd_open(pid)] = pid, its_status


def _begin(order: dict[str, Any], status: int, streams: Sequence[int]) -> list[str]:
    """Become what a new process would be, then tell its id."""
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, order["end"])
    os.write(status, NUMBER.pack(os.getpid()))
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
    os.closerange(3, 1024)
    os.chdir(order["cwd"])
    spawning.become(order["env"])
    args: list[str] = order["args"]
    return (spawning.prepare() if "--workers" in args else None) or args


def compile_templates() -> None:
    """What an application without a path does when each of its pages is asked for first."""
    for transport in ("http", "socket"):
        templates = environment("", "/login/", transport, frozenset())
        for name in templates.list_templates():
            templates.get_template(name)


async def serve_once(folder: Path) -> None:
    """What a server does when it starts and is asked for the first time: libraries remember of it what they can."""
    settings = Settings(database_url=f"sqlite+aiosqlite:///{folder}/notifs.db", secret_key="x" * 32)
    notifs = Notifs(settings)
    async with hosted(notifs) as url, http_client(url) as client:
        await notifs.store.add_user("ada@example.org", "Ada", "")
        await prepare(settings, print)
        await client.get("/login/")


def run(program: str, *args: str) -> None:
    """Run a program as Python would."""
    if program == "-":
        run("-c", sys.stdin.read(), *args)
    elif program == "-c":
        code, *args_of_code = args
        sys.argv, sys.path[0] = ["-c", *args_of_code], ""
        del globals()["__file__"]
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
    elif program == "-m":
        module, *args_of_module = args
        sys.argv, sys.path[0] = [module, *args_of_module], str(Path.cwd())
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = [program, *args], str(Path(program).parent)
        runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    for name in IMPORTED:
        __import__(name)
    compile_templates()
    # To put the command line together, for each program anew, takes as long as to put an application together.
    typer.main.get_command = cache(typer.main.get_command)
    typer.main.get_command(cli.app)
    # A thread that holds a lock of the library at the moment of a fork leaves it locked for ever in the new process.
    if not any(os.environ.get(name) for name in LOADED):
        with tempfile.TemporaryDirectory(prefix="notifs-nursery-") as name:
            asyncio.run(serve_once(Path(name)))
        for thread in {*threading.enumerate()} - {threading.main_thread()}:
            thread.join()
    gc.collect()
    gc.freeze()
    run(*bear(socket.socket(fileno=int(sys.argv[1]))))

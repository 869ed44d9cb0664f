"""Programs that a shell starts are born in the nursery, too: `notifs` and `python` in a folder for its PATH.

Each is a small Python that imports next to nothing. It hands over what it is given (arguments, environment, folder,
standard streams), and ends as the program does that is born in its place, or takes it along if it is killed.
"""

import asyncio
import itertools
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.nursery import LARGEST, Born
from tests.servers import notifs_command

PROGRAM = """#!{python} -IS
import json, os, socket, sys
door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
door.connect({address!r})
order = {{"args": {words!r} + sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd()}}
socket.send_fds(door, [json.dumps(order).encode()], [0, 1, 2])
sys.exit(int(door.recv(16)))
"""
_numbers = itertools.count()


@asynccontextmanager
async def programs(folder: Path) -> AsyncIterator[Path]:
    """A folder with this very code as `notifs`, and Python as `python`; whatever still runs at the end is killed."""
    loop, running = asyncio.get_running_loop(), set[asyncio.Task[None]]()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        address = f"\0notifs-shells-{os.getpid()}-{next(_numbers)}"
        listener.bind(address)
        listener.listen()
        _write(folder, address)

        def let_in() -> None:
            task = loop.create_task(_bear(listener.accept()[0]))
            running.add(task)
            task.add_done_callback(running.discard)

        loop.add_reader(listener, let_in)
        try:
            yield folder
        finally:
            loop.remove_reader(listener)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


def _write(folder: Path, address: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, words in (("notifs", notifs_command()), ("python", [sys.executable])):
        (folder / name).write_text(PROGRAM.format(python=sys.executable, address=address, words=words))
        (folder / name).chmod(0o755)


async def _bear(door: socket.socket) -> None:
    """Do what one of the programs asks for, and tell it how that has ended."""
    loop = asyncio.get_running_loop()
    with door:
        text, streams, _, _ = socket.recv_fds(door, LARGEST, 3)
        order = json.loads(text)
        born = Born(order["args"], env=order["env"], cwd=Path(order["cwd"]), end=signal.SIGKILL, streams=streams)
        born.stdout.close()  # it has streams of its own

        def kill() -> None:
            loop.remove_reader(door)
            with suppress(ProcessLookupError):
                os.killpg(born.pid, signal.SIGKILL)

        loop.add_reader(door, kill)  # nothing comes there but the end of who has asked
        try:
            status = await asyncio.to_thread(born.wait, None)
        finally:
            kill()
        with suppress(BrokenPipeError):
            door.send(str(status if status >= 0 else 128 - status).encode())

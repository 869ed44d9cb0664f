"""Processes that a born program starts by `multiprocessing` as with a Python of their own: they are forked as well.

They come from a process that has done nothing since it was born, and which the program has beside it. Each becomes
the program's child, as it would be without us: whose parent ends is given to the next one above that asks for such.
"""

import ctypes
import fcntl
import json
import os
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from functools import partial
from multiprocessing import util
from pathlib import Path
from typing import Any

LARGEST = 2**18
"""Bytes of an order: what is to be run, its environment, its folder."""
MOST, HIGH, LAST = 16, 512, 1024
"""File descriptors: how many come with an order, and where none is in use."""
NUMBER = struct.Struct("i")
PR_SET_CHILD_SUBREAPER = 36


def prepare() -> list[str] | None:
    """From now on what this process spawns is forked from what it is now.

    Returns None here, and in each that is spawned what it is to run.
    """
    program, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    if os.fork() == 0:
        program.close()
        return _fork(its)
    its.close()
    util.spawnv_passfds = partial(_spawn, program)
    return None


def _spawn(program: socket.socket, path: bytes, args: Sequence[str], fds: Sequence[int]) -> int:
    """What `multiprocessing.util.spawnv_passfds` does: run our Python with these file descriptors. Returns its id."""
    command = args[args.index("-c") :]
    order = {"args": command, "env": dict(os.environ), "cwd": str(Path.cwd()), "fds": list(fds)}
    socket.send_fds(program, [json.dumps(order).encode()], fds)
    (pid,) = NUMBER.unpack(program.recv(NUMBER.size))
    return int(pid)


def _fork(orders: socket.socket) -> list[str]:
    """Fork for each order, and end with who gives them. Returns in the new process only, what it is to run."""
    told, tell = os.pipe()
    while True:
        order, fds, _, _ = socket.recv_fds(orders, LARGEST, MOST)
        if not order:
            os._exit(0)
        between = os.fork()
        if between == 0:
            pid = os.fork()
            if pid == 0:
                orders.detach()
                return _begin(json.loads(order), fds)
            os.write(tell, NUMBER.pack(pid))
            os._exit(0)
        os.waitpid(between, 0)
        orders.send(os.read(told, NUMBER.size))
        for fd in fds:
            os.close(fd)


def _begin(order: Mapping[str, Any], fds: Sequence[int]) -> list[str]:
    """Become what a new process would be."""
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD, HIGH) for fd in fds]
    os.closerange(3, HIGH)
    for fd, number in zip(moved, order["fds"], strict=True):
        os.dup2(fd, number)
    os.closerange(HIGH, LAST)
    os.chdir(order["cwd"])
    become(order["env"])
    args: list[str] = order["args"]
    # The function that it calls, by which one tells it from others.
    Path("/proc/self/comm").write_text(args[1].partition(" import ")[2].partition(";")[0])
    return args


def become(env: Mapping[str, str]) -> None:
    """Have this environment alone."""
    os.environ.clear()
    os.environ.update(env)
    time.tzset()

"""What a crowd does to a server, in a process of its own: it gets a `Task` in a file, and gives numbers in another."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import uvloop
from pydantic import TypeAdapter

from benchmarks.crowd import Crowd
from benchmarks.load import PATIENCE, Https, Target
from benchmarks.measure import cpu_seconds, must, resident_of

BATCH = 4_000
"""Deliveries that the server is asked for at once; to all at least one message."""
AHEAD = 2
"""Batches that may be under way."""
WARM = 100
"""Sockets that are opened before anything is measured."""
SETTLE_SECONDS = 1.0
"""Until what was done on opening is done with."""

Numbers = dict[str, float]


@dataclass(frozen=True, slots=True)
class Task:
    """What to do.

    Args:
        name: one of TASKS.
        target: to which server.
        clients: how many sockets there are; of `idle`, at the end.
        together: whether each message goes to all of them; else each to the next.
        slow: how many more there are that do not read.
        warm: how many are opened before anything is measured.
        warm_seconds, seconds: of pushing, before anything is measured and then.
    """

    name: str
    target: Target
    clients: int
    together: bool = True
    slow: int = 0
    warm: int = WARM
    warm_seconds: float = 0.0
    seconds: float = 0.0


class Moment(NamedTuple):
    """How far everything is."""

    time: float
    received: int
    server: float


class Pushing:
    """The server is asked to push, again and again, and never has more than AHEAD batches that were not read."""

    def __init__(self, crowd: Crowd, control: Https, task: Task) -> None:
        self._crowd = crowd
        self._control = control
        self._task = task
        self._each = task.clients if task.together else 1
        """Deliveries of one message."""
        self._sent = 0
        self._over = False

    async def measure(self) -> Numbers:
        feeding = asyncio.ensure_future(self._feed())
        await asyncio.wait([feeding], timeout=self._task.warm_seconds)
        began = ended = self._moment()
        # In a short time a server may not have had its turn.
        while not (feeding.done() or (ended.server > began.server and ended.received > began.received)):
            await asyncio.wait([feeding], timeout=self._task.seconds)
            ended = self._moment()
        self._over = True
        await feeding
        await self._see_that_all_came()
        delivered, seconds = ended.received - began.received, ended.time - began.time
        return {"clock": delivered / seconds, "cpu": delivered / (ended.server - began.server)}

    async def _feed(self) -> None:
        messages = max(1, BATCH // self._each)
        path = "/all" if self._task.together else "/each"
        while not self._over:
            await self._control.ask("GET", f"{path}?first={self._sent}&count={messages}")
            self._sent += messages
            await self._crowd.until((self._sent - AHEAD * messages) * self._each)

    async def _see_that_all_came(self) -> None:
        await self._crowd.until(self._sent * self._each)
        rounds, more = (self._sent, 0) if self._task.together else divmod(self._sent, self._task.clients)
        wrong = [c.number for c in self._crowd.clients if not c.slow and c.frames != rounds + (c.number < more)]
        must(not wrong, f"not all got what was theirs: {wrong[:10]}")

    def _moment(self) -> Moment:
        pid = self._task.target.pid
        return Moment(time.perf_counter(), self._crowd.received, cpu_seconds(pid))


@contextlib.contextmanager
def awake() -> Iterator[None]:
    """Keep this process from falling asleep while it waits for frames.

    Where both ends are on one machine, whoever sends to a process that sleeps has the work to wake it. A server that
    sends faster than its clients read has never to do that, and a slower one for each frame: as much again as to send
    it. Clients elsewhere cost neither of them anything.
    """
    loop, going = asyncio.get_running_loop(), True

    def go_on() -> None:
        if going:
            loop.call_soon(go_on)

    go_on()
    try:
        yield
    finally:
        going = False


async def push(task: Task, control: Https) -> Numbers:
    """Deliveries per second: by the clock, and per CPU-second of the server."""
    crowd = Crowd(task.target, together=task.together)
    await crowd.open(task.clients)
    await crowd.open(task.slow, slow=True)
    before = resident_of(task.target.pid)
    with awake():
        numbers = await Pushing(crowd, control, task).measure()
    return {**numbers, "grown": resident_of(task.target.pid) - before}


async def connect(task: Task, control: Https) -> Numbers:
    """Connects per CPU-second of the server."""
    crowd = Crowd(task.target)
    await crowd.open(task.warm)
    return await _opened(crowd, task)


async def again(task: Task, control: Https) -> Numbers:
    """The same, by those who have been there before and have missed nothing."""
    first = Crowd(task.target)
    await first.open(task.warm + task.clients)
    first.leave()
    await _gone(control)
    crowd, cursors = Crowd(task.target), [client.cursor for client in sorted(first.clients, key=lambda c: c.number)]
    must(all(cursors), "who was there was not told where they stand")
    await crowd.open(task.warm, cursors=cursors)
    return await _opened(crowd, task, cursors)


async def idle(task: Task, control: Https) -> Numbers:
    """Bytes of the server's memory for each socket that is only there."""
    crowd = Crowd(task.target)
    await crowd.open(task.warm)
    before = await _settled(task, control)
    await crowd.open(task.clients)
    return {"bytes": (await _settled(task, control) - before) / task.clients}


async def leave(task: Task, control: Https) -> Numbers:
    """Seconds until the server has noticed that all are gone, and those of its CPU."""
    crowd = Crowd(task.target)
    await crowd.open(task.clients)
    await asyncio.sleep(SETTLE_SECONDS)
    must((await control.ask("GET", "/count"))["connected"] == task.clients, "the server counts otherwise")
    began, used = time.perf_counter(), cpu_seconds(task.target.pid)
    crowd.leave()
    await _gone(control)
    return {"seconds": time.perf_counter() - began, "cpu_seconds": cpu_seconds(task.target.pid) - used}


async def _opened(crowd: Crowd, task: Task, cursors: list[bytes] | None = None) -> Numbers:
    began, used = time.perf_counter(), cpu_seconds(task.target.pid)
    await crowd.open(task.clients, cursors=cursors or [])
    spent = cpu_seconds(task.target.pid) - used
    return {"cpu": task.clients / spent, "clock": task.clients / (time.perf_counter() - began)}


async def _settled(task: Task, control: Https) -> int:
    await asyncio.sleep(SETTLE_SECONDS)
    await control.ask("GET", "/collect")
    return resident_of(task.target.pid)


async def _gone(control: Https) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await control.ask("GET", "/count"))["connected"]:
            await asyncio.sleep(0.002)


TASKS: Mapping[str, Callable[[Task, Https], Awaitable[Numbers]]] = {
    task.__name__: task for task in (push, connect, again, idle, leave)
}


async def main(wanted: Path, said: Path) -> None:
    """Do what a file says."""
    task: Any = TypeAdapter(Task).validate_json(wanted.read_bytes())
    said.write_bytes(orjson.dumps(await TASKS[task.name](task, Https(task.target))))
    os._exit(0)  # thousands of sockets need not be closed one by one


if __name__ == "__main__":
    uvloop.run(main(*map(Path, sys.argv[1:])))

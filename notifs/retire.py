"""SIGTERM: a worker says first that it stops, and lets its sockets go; only then its server hears of the signal."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def retiring(retire: Callable[[], Coroutine[Any, Any, None]]) -> Iterator[None]:
    """While a server runs: on SIGTERM run `retire`, then what the server itself does on SIGTERM.

    A second SIGTERM does not wait. Where the server has no handler of its own, or runs in another thread than the
    main one, nothing is changed.
    """
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[None]] = []
    server = signal.getsignal(signal.SIGTERM)

    async def retire_and_pass_on() -> None:
        try:
            await retire()
        finally:
            pass_on()

    def pass_on(frame: FrameType | None = None) -> None:
        if callable(server):
            server(signal.SIGTERM, frame)

    def told(number: int, frame: FrameType | None) -> None:
        if tasks:
            pass_on(frame)
        else:
            loop.call_soon_threadsafe(lambda: tasks.append(loop.create_task(retire_and_pass_on())))

    if not callable(server) or not _in_main_thread():
        yield
        return
    signal.signal(signal.SIGTERM, told)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is told:
            signal.signal(signal.SIGTERM, server)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()

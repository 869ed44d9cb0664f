"""Several workers that tell each other by Redis: one message to a room whose sockets they share."""

import os
from functools import partial

from benchmarks.measure import CLIENT_CORE, SERVER_CORE, TURNS, Row, in_turns
from benchmarks.sides import ours, put
from benchmarks.tasks import Numbers
from tests import servers

CLIENTS = 1_000
WORKERS = (1, 2, 4)
WARM_SECONDS, SECONDS = 1.5, 2.5
OF_ONE = 1.7
"""How many times as much as one worker two of them must deliver."""


async def run(
    *,
    turns: int = TURNS,
    clients: int = CLIENTS,
    workers: tuple[int, ...] = WORKERS,
    warm_seconds: float = WARM_SECONDS,
    seconds: float = SECONDS,
) -> list[Row]:
    """Deliveries per second; and by the workers' CPU, which tells as well where there are too few cores for them."""
    cores = _cores()
    with servers.redis() as redis:

        async def push(count: int) -> Numbers:
            pinned = ",".join(map(str, cores[: max(count, 1)]))
            side = ours(clients, one=True, workers=count, redis=redis.url, cores=pinned)
            return await put(side, "push", clients, warm_seconds=warm_seconds, seconds=seconds)

        one, *more = await in_turns(turns, *(partial(push, count) for count in workers))
    rows = []
    for count, given in zip(workers[1:], more, strict=True):
        what = f"one message to a room of {clients:,}, with {count} workers and Redis"
        enough = count <= len(cores)
        clock = what if enough else f"{what}; too few cores for them (beside the load client's: {len(cores)})"
        for said, key, unit, least in (
            (clock, "clock", "deliveries/s", OF_ONE if enough and count == 2 else None),
            (f"{what}, by their CPU", "cpu", "deliveries/CPU-s", OF_ONE / 2 if count == 2 else None),
        ):
            several, single = ([turn[key] for turn in side] for side in (given, one))
            rows.append(Row(said, unit, several, single, "with 1 worker", least=least))
    return rows


def _cores() -> list[int]:
    """Where servers may run: not where the load client does, unless there is no other core."""
    return [core for core in range(os.cpu_count() or 1) if core != CLIENT_CORE] or [SERVER_CORE]

"""Deliveries by the engine, to a room of all and to single users; against its peers, and against the limit."""

from collections.abc import Mapping
from functools import partial

from benchmarks.measure import TURNS, Row, in_turns
from benchmarks.sides import FLASK, LIMIT, NODE, PEERS, STOCK, Side, ours, put
from benchmarks.tasks import Numbers

CLIENTS, CROWD = 1_000, 5_000
WARM_SECONDS, SECONDS = 1.5, 4.0
ALL: Mapping[str, float | None] = {NODE: 1.8, STOCK: 12.0, FLASK: None, LIMIT: 0.7}
CROWDED: Mapping[str, float | None] = {NODE: 1.8, STOCK: 12.0, LIMIT: 0.7}
SINGLE: Mapping[str, float | None] = {NODE: 1.5, STOCK: 7.0, FLASK: None, LIMIT: None}
"""Against whom, and by how much at least."""


async def run(
    *,
    turns: int = TURNS,
    clients: int = CLIENTS,
    warm_seconds: float = WARM_SECONDS,
    seconds: float = SECONDS,
    peers: bool = True,
) -> list[Row]:
    """Deliveries per CPU-second of the server, and per second.

    Args:
        clients: who are connected.
        peers: whether those of another environment take part.
    """
    spans = {"warm_seconds": warm_seconds, "seconds": seconds}
    to_all = await _compare(turns, clients, _known(ALL, peers), together=True, **spans)
    return to_all + await _compare(turns, clients, _known(SINGLE, peers), together=False, **spans)


async def crowd(*, turns: int = TURNS, clients: int = CROWD, peers: bool = True) -> list[Row]:
    """The same with more of them, to all alone."""
    spans = {"warm_seconds": WARM_SECONDS, "seconds": SECONDS}
    return await _compare(turns, clients, _known(CROWDED, peers), together=True, **spans)


def _known(bounds: Mapping[str, float | None], peers: bool) -> Mapping[str, float | None]:
    return {name: least for name, least in bounds.items() if peers or name == LIMIT}


async def _compare(
    turns: int, clients: int, bounds: Mapping[str, float | None], *, together: bool, **spans: float
) -> list[Row]:
    async def push(side: Side) -> Numbers:
        return await put(side(clients), "push", clients, together=together, **spans)

    sides: list[Side] = [partial(ours, one=together), *(PEERS[name] for name in bounds)]
    us, *them = await in_turns(turns, *(partial(push, side) for side in sides))
    theirs = dict(zip(bounds, them, strict=True))
    what = f"one message to a room of all {clients:,}" if together else f"messages to single ones of {clients:,}"
    rows = [
        Row(f"{what}, {said}", unit, _all(us, key), _all(theirs[name], key), name, least=least if bound else None)
        for key, unit, said, bound in (
            ("cpu", "deliveries/CPU-s", "by the server's CPU", True),
            ("clock", "deliveries/s", "by the clock", False),
        )
        for name, least in bounds.items()
    ]
    mine = f"{what}: what the load client takes, at least, from the {LIMIT}"
    return [*rows, Row(mine, "deliveries/s", _all(theirs[LIMIT], "clock"), side="load client")]


def _all(turns: list[Numbers], key: str) -> list[float]:
    return [turn[key] for turn in turns]

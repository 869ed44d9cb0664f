"""Everybody leaves in one moment: what it costs must grow with their number, and not with its square."""

from functools import partial

from benchmarks.measure import TURNS, Row, in_turns
from benchmarks.sides import LIMIT, NODE, PEERS, STOCK, Side, ours, put
from benchmarks.tasks import Numbers

FEW, MANY = 1_000, 5_000
MILLISECOND = 1000
UNITS = {"cpu_seconds": "ms of its CPU", "seconds": "ms"}


async def run(*, turns: int = TURNS, few: int = FEW, many: int = MANY, peers: bool = True) -> list[Row]:
    """Milliseconds that the server takes until it has none of them any more."""
    # The stock server would need a minute for those of Node's.
    names = {NODE: many, STOCK: few} if peers else {LIMIT: many}

    async def gone(side: Side, count: int) -> Numbers:
        return await put(side(count), "leave", count)

    us, them = partial(gone, ours), (partial(gone, PEERS[name], count) for name, count in names.items())
    large, small, *theirs = await in_turns(turns, partial(us, many), partial(us, few), *them)
    rows = []
    for key, unit in UNITS.items():
        most = many / few if key == "cpu_seconds" else None
        rows.append(Row(_what(many), unit, _all(large, key), _all(small, key), f"{few:,} of them", most=most))
        for (name, count), given in zip(names.items(), theirs, strict=True):
            same = large if count == many else small
            rows.append(Row(_what(count), unit, _all(same, key), _all(given, key), name))
    return rows


def _what(count: int) -> str:
    return f"until {count:,} who leave at once are gone"


def _all(turns: list[Numbers], key: str) -> list[float]:
    return [turn[key] * MILLISECOND for turn in turns]

"""Everybody leaves in one moment: what it costs must grow with their number, and not with its square."""

from functools import partial

from benchmarks.measure import TURNS, Row, in_turns
from benchmarks.sides import LIMIT, NODE, PEERS, STOCK, Side, ours, put

FEW, MANY = 1_000, 5_000
MILLISECOND = 1000


async def run(*, turns: int = TURNS, few: int = FEW, many: int = MANY, peers: bool = True) -> list[Row]:
    """Milliseconds until the server has none of them any more."""
    names = [NODE, STOCK] if peers else [LIMIT]

    async def gone(side: Side, count: int) -> float:
        return (await put(side(count), "leave", count))["seconds"] * MILLISECOND

    sides = [partial(gone, ours, many), partial(gone, ours, few), *(partial(gone, PEERS[name], many) for name in names)]
    large, small, *them = await in_turns(turns, *sides)
    what = f"until {many:,} who leave at once are gone"
    rows = [Row(what, "ms", large, small, f"{few:,}", most=many / few)]
    return rows + [Row(what, "ms", large, theirs, name) for name, theirs in zip(names, them, strict=True)]

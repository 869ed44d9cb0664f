"""Everybody leaves in one moment: what it costs must grow with their number, and not with its square."""

from functools import partial

from benchmarks.measure import TURNS, Row, in_turns
from benchmarks.sides import LIMIT, NODE, PEERS, STOCK, Side, ours, put

FEW, MANY = 1_000, 5_000
MILLISECOND = 1000


async def run(*, turns: int = TURNS, few: int = FEW, many: int = MANY, peers: bool = True) -> list[Row]:
    """Milliseconds until the server has none of them any more."""
    names = {NODE: many, STOCK: few} if peers else {LIMIT: many}  # of 5,000 the stock server takes a minute to be rid

    async def gone(side: Side, count: int) -> float:
        return (await put(side(count), "leave", count))["seconds"] * MILLISECOND

    us, them = partial(gone, ours), (partial(gone, PEERS[name], count) for name, count in names.items())
    large, small, *theirs = await in_turns(turns, partial(us, many), partial(us, few), *them)
    what = {many: large, few: small}
    rows = [Row(_what(many), "ms", large, small, f"{few:,} of them", most=many / few)]
    return rows + [
        Row(_what(count), "ms", what[count], given, name)
        for (name, count), given in zip(names.items(), theirs, strict=True)
    ]


def _what(count: int) -> str:
    return f"until {count:,} who leave at once are gone"

"""Memory of the server for each socket that is only there: its session and its mailbox included."""

from functools import partial

from benchmarks.measure import TURNS, Row, in_turns
from benchmarks.sides import FLASK, LIMIT, NODE, PEERS, STOCK, Side, ours, put
from benchmarks.tasks import WARM

FEW, MANY = 1_000, 10_000
KIBIBYTE = 1024


async def run(
    *, turns: int = TURNS, few: int = FEW, many: int = MANY, warm: int = WARM, peers: bool = True
) -> list[Row]:
    """KiB that the server's process has grown by, for each socket, once its garbage is collected."""
    rows = []
    for count, names in ((few, [NODE, STOCK, FLASK]), (many, [NODE])):
        rows += await _compare(turns, count, warm, names if peers else [LIMIT])
    return rows


async def _compare(turns: int, count: int, warm: int, names: list[str]) -> list[Row]:
    people = count + warm

    async def grown(side: Side) -> float:
        return (await put(side(people), "idle", count, warm=warm))["bytes"] / KIBIBYTE

    us, *them = await in_turns(turns, *(partial(grown, side) for side in (ours, *(PEERS[name] for name in names))))
    return [
        Row(f"memory of a socket, {count:,} idle ones", "KiB", us, theirs, name, most=1.0 if name == NODE else None)
        for name, theirs in zip(names, them, strict=True)
    ]

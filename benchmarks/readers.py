"""Clients that read nothing among others that do: the others must not notice, and what it takes is bounded."""

from benchmarks.measure import TURNS, Row, in_turns
from benchmarks.sides import LIMIT, NODE, PEERS, ours, put

FAST, SLOW = 500, 50
WARM_SECONDS, SECONDS = 5.0, 2.5
"""At first the slow ones' windows fill."""
KIBIBYTE = 1024


async def run(
    *,
    turns: int = TURNS,
    fast: int = FAST,
    slow: int = SLOW,
    warm_seconds: float = WARM_SECONDS,
    seconds: float = SECONDS,
    peers: bool = True,
) -> list[Row]:
    """Deliveries to a room of all, to those who read; and by how much the server's memory grew."""
    name = NODE if peers else LIMIT
    spans = {"warm_seconds": warm_seconds, "seconds": seconds}
    both = fast + slow
    with_them, without, theirs_with = await in_turns(
        turns,
        lambda: put(ours(both, one=True), "push", fast, slow=slow, **spans),
        lambda: put(ours(both, one=True), "push", fast, **spans),
        lambda: put(PEERS[name](both), "push", fast, slow=slow, **spans),
    )
    what, unit = f"one message to a room of {fast:,}, with {slow} more who read nothing", "deliveries/CPU-s"
    rate, alone, theirs = ([turn["cpu"] for turn in side] for side in (with_them, without, theirs_with))
    grown, theirs_grown = ([turn["grown"] / slow / KIBIBYTE for turn in side] for side in (with_them, theirs_with))
    return [
        Row(f"{what}, by the server's CPU", unit, rate, alone, "without them"),
        Row(f"{what}, by the server's CPU", unit, rate, theirs, f"{name}, with them"),
        Row("memory that the server has grown by, for each who reads nothing", "KiB", grown, theirs_grown, name),
    ]

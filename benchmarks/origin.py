"""Notifications on screen for each CPU-second of the server, at its saturation; against the origin's pattern."""

from contextlib import AbstractAsyncContextManager

from benchmarks.load import Load, Target
from benchmarks.measure import TURNS, Row, in_turns
from benchmarks.sites import mirror, origin, ours, put

CONNECTED, UNREAD, AT_ONCE = 500, 20, 200


async def run(
    *, turns: int = TURNS, people: int = CONNECTED, count: int = 10_000, few: int = 1_000, peers: bool = True
) -> list[Row]:
    """Deliveries.

    Args:
        people: who are connected, with UNREAD unread notifications each.
        count: notifications of one turn of ours.
        few: and of the peer's, which takes longer, and the longer the more of them are unread.
    """

    async def per_cpu_second(
        site: AbstractAsyncContextManager[Target], count: int, at_once: int
    ) -> tuple[float, float]:
        async with site as target:
            seen = await put(Load(target, count, at_once))
        return count / seen.cpu_seconds, count / seen.seconds

    sides = [
        lambda: per_cpu_second(ours(people, UNREAD, hosted=True), count, 0),
        lambda: per_cpu_second(ours(people, UNREAD), count, AT_ONCE),
        lambda: per_cpu_second(mirror(people, UNREAD), count, AT_ONCE),
    ]
    if peers:
        sides.append(lambda: per_cpu_second(origin(people, UNREAD), few, AT_ONCE))
    inside, by_http, limit, *theirs = [list(zip(*given, strict=True)) for given in await in_turns(turns, *sides)]
    cpu, clock = theirs[0] if theirs else ((), ())
    against, unit = "origin's pattern, by HTTP", "deliveries/CPU-s"
    what = f"`notify` to one of {people} connected, {UNREAD} unread each, {AT_ONCE} at once, committed and on screen"
    return [
        Row(f"{what}: in the application's process", unit, inside[0], cpu, against, least=15.0),
        Row(f"{what}: by HTTP", unit, by_http[0], cpu, against),
        Row("the same, in the process, by the clock", "deliveries/s", inside[1], clock, against),
        Row("the same, by HTTP, by the clock", "deliveries/s", by_http[1], clock, against),
        Row("what the load client can take, by HTTP", "deliveries/s", limit[1], side="mirror"),
    ]

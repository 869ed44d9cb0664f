"""From an HTTP POST to the screen of a connected client, at a steady rate: how long it takes."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from benchmarks.load import Load, Target
from benchmarks.measure import TURNS, Row, in_turns, must, percentile
from benchmarks.sites import TOPIC, mirror, origin, ours, put

CONNECTED, UNREAD, RATE = 1_000, 20, 200
SECONDS = 10
CROWD = 100_000
"""Followers of the topic that is notified meanwhile."""
MILLISECOND = 1000


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds."""

    p50: float
    p99: float

    @classmethod
    def of(cls, latencies: list[float]) -> "Times":
        return cls(*(percentile(latencies, percent) * MILLISECOND for percent in (50, 99)))


async def run(
    *, turns: int = TURNS, people: int = CONNECTED, seconds: float = SECONDS, crowd: int = CROWD, peers: bool = True
) -> list[Row]:
    """Milliseconds, alone and while a topic with `crowd` followers is notified."""
    count = round(RATE * seconds)

    async def alone(site: AbstractAsyncContextManager[Target]) -> list[Times]:
        async with site as target:
            return [Times.of((await put(Load(target, count, rate=RATE))).latencies)]

    async def beside() -> list[Times]:
        """Before the job, and while it runs."""
        async with ours(people, UNREAD, followers=crowd) as target:
            aside = {"topics": [TOPIC], "title": "The office is closed on Monday"}
            seen = await put(Load(target, count, rate=RATE, aside=aside, aside_after=count // 2))
        first, last = seen.aside
        must(last > first, "the job was over before anything else was sent")
        return [Times.of(seen.latencies[:first]), Times.of(seen.latencies[first:last])]

    sides = [lambda: alone(ours(people, UNREAD)), beside]
    if peers:
        sides += [lambda: alone(origin(people, UNREAD)), lambda: alone(mirror(people, UNREAD))]
    calm, busy, *others = await in_turns(turns, *sides)
    theirs, limit = others or ([], [])
    what = f"from an HTTP POST to the screen, {people:,} connected, {RATE} a second, %s"
    job = f"{what} while {crowd:,} others are notified"
    return [
        *_rows(what, calm, 0, theirs, "origin's pattern", {"p50": 1.0, "p99": 1.0}),
        *_rows(job, busy, 1, busy, "just before", {"p99": 2.0}),
        *(
            _rows("the same from a mirror, which shows the load client's own limit, %s", limit, 0, [], "", {})
            if limit
            else ()
        ),
    ]


def _rows(
    what: str, turns: list[list[Times]], n: int, theirs: list[list[Times]], against: str, most: dict[str, float]
) -> list[Row]:
    return [
        Row(
            what % name,
            "ms",
            [getattr(turn[n], name) for turn in turns],
            [getattr(turn[0], name) for turn in theirs],
            against,
            most=most.get(name),
        )
        for name in ("p50", "p99")
    ]

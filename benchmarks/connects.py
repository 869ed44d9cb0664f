"""Connects: with the session check and the mailbox, as people do; against the peers' bare ones."""

from collections.abc import Mapping
from functools import partial

from benchmarks.measure import TURNS, Row, in_turns
from benchmarks.sides import FLASK, LIMIT, NODE, PEERS, STOCK, ours, put
from benchmarks.tasks import WARM

CLIENTS, UNREAD = 1_000, 20
WAYS: Mapping[str, tuple[str, int, float]] = {
    "nothing is unread": ("connect", 0, 1.3),
    f"{UNREAD} are unread": ("connect", UNREAD, 1.0),
    f"{UNREAD} are unread, and nothing was missed": ("again", UNREAD, 1.3),
}
"""The task, how many are unread, and how many times as many as Node's at least."""


async def run(*, turns: int = TURNS, clients: int = CLIENTS, warm: int = WARM, peers: bool = True) -> list[Row]:
    """Connects per CPU-second of the server, until each was shown its mailbox."""
    people = clients + warm
    names = [NODE, STOCK, FLASK] if peers else [LIMIT]

    async def came(task: str, unread: int) -> float:
        return (await put(ours(people, unread=unread), task, clients, warm=warm))["cpu"]

    async def theirs_came(name: str) -> float:
        return (await put(PEERS[name](people), "connect", clients, warm=warm))["cpu"]

    sides = [partial(came, task, unread) for task, unread, _ in WAYS.values()]
    given = await in_turns(turns, *sides, *(partial(theirs_came, name) for name in names))
    theirs = dict(zip(names, given[len(WAYS) :], strict=True))
    return [
        Row(
            f"connects with the session's check; {way}",
            "connects/CPU-s",
            rates,
            theirs[name],
            f"{name}, bare",
            least=least if name == NODE else None,
        )
        for (way, (_, _, least)), rates in zip(WAYS.items(), given, strict=False)
        for name in names
    ]

"""The heartbeat: when each is pinged, whatever others do, and who is given up.

Time is that of an event loop on which waiting takes none of ours.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

import pytest

from notifs.realtime.connections import Connection
from notifs.realtime.engine import Engine
from notifs.realtime.frames import Frame
from notifs.realtime.heart import Heart
from notifs.realtime.lines import Nowhere
from tests.realtime.by_hand import ByHand, text
from tests.realtime.suite import ORDINARY, RAW, WEBSOCKET, serving
from tests.waiting import until

INTERVAL, TIMEOUT = 0.4, 0.3
"""Seconds. The second is more than half of the first, so that answers and newcomers are waited for at once."""


class Leaping(selectors.SelectSelector):
    """It never waits: where it should, its clock leaps."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            self.now += timeout or 0
        return ready


def at_once(work: Coroutine[Any, Any, None]) -> None:
    """Do this on such an event loop."""

    def loop() -> asyncio.AbstractEventLoop:
        selector = Leaping()
        loop = asyncio.SelectorEventLoop(selector)
        loop.time = lambda: selector.now  # type: ignore[method-assign]
        return loop

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(work)


class Line(Nowhere):
    """A line on which a client answers its pings, a moment later, or fails."""

    def __init__(self, connection: Connection, answers: bool = True, fails: bool = False) -> None:
        self._connection = connection
        self._answers = answers
        self._fails = fails
        self.pings: list[float] = []

    def ping(self, frame: Frame, payload: bytes) -> bool:
        if self._fails:
            raise RuntimeError("this line is broken")
        loop = asyncio.get_running_loop()
        self.pings.append(loop.time())
        if self._answers:
            loop.call_later(0.01, setattr, self._connection, "heard", True)
        return False


def come(heart: Heart, **how: bool) -> Line:
    """A client comes; its line."""
    connection = Connection("ada", None, "", rate=1)
    connection.line = line = Line(connection, **how)
    heart.add(connection)
    return line


def gaps(line: Line, since: float) -> list[float]:
    """Seconds between the pings, and before the first of them."""
    return [later - before for before, later in zip([since, *line.pings], line.pings, strict=False)]


def never(connection: Connection) -> None:
    raise AssertionError("all have answered")


def test_each_is_pinged_at_its_own_time_whoever_comes_meanwhile() -> None:
    came: list[tuple[float, Line]] = []

    async def main() -> None:
        heart = Heart(INTERVAL, TIMEOUT, never)
        for _ in range(300):
            came.append((asyncio.get_running_loop().time(), come(heart)))
            await asyncio.sleep(0.01)
        await asyncio.sleep(4 * INTERVAL)
        heart.stop()

    at_once(main())
    for since, line in came:
        assert len(line.pings) >= 4
        assert gaps(line, since) == pytest.approx([INTERVAL] * len(line.pings), abs=0.001)


def test_who_does_not_answer_in_time_is_given_up_and_others_are_not() -> None:
    given_up: list[tuple[Any, Any]] = []
    lines: list[Line] = []

    async def main() -> None:
        def silent(connection: Connection) -> None:
            given_up.append((asyncio.get_running_loop().time(), connection.line))
            heart.remove(connection)

        heart = Heart(INTERVAL, TIMEOUT, silent)
        lines.extend([come(heart), come(heart, answers=False)])
        await asyncio.sleep(5 * INTERVAL)
        heart.stop()

    at_once(main())
    ((when, line),) = given_up
    assert (when, line) == (pytest.approx(INTERVAL + TIMEOUT, abs=0.001), lines[1])
    assert len(lines[0].pings) >= 4


@pytest.mark.parametrize("how", [{"fails": True}, {"answers": False}], ids=["ping", "silent"])
def test_what_fails_for_one_does_not_stop_the_hearts_of_others(how: dict[str, bool]) -> None:
    lines: list[Line] = []

    def silent(connection: Connection) -> None:
        raise RuntimeError("this one is broken")

    async def main() -> None:
        heart = Heart(INTERVAL, TIMEOUT, silent)
        come(heart, **how)
        lines.append(come(heart))
        await asyncio.sleep(5.5 * INTERVAL)
        heart.stop()

    at_once(main())
    assert gaps(lines[0], 0) == pytest.approx([INTERVAL] * 5, abs=0.001)


@pytest.mark.parametrize("ws", [RAW, ORDINARY], ids=["raw", "ordinary"])
async def test_who_answers_no_ping_is_given_up_however_much_it_has_us_do(ws: str) -> None:
    server = Engine(ping_interval=0.1, ping_timeout=0.1)

    async def message(sid: str, data: str) -> None:
        await asyncio.sleep(0.02)

    server.on("message", message)
    async with serving(server, ws) as site, ByHand.open(f"http://{site.address}", f"/?{WEBSOCKET}") as client:
        await until(lambda: server.sockets)
        client.say(text("4x") * 2000)  # more than a test waits for
        await until(lambda: not server.sockets)

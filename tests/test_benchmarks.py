"""The benchmarks still measure: each runs with tiny numbers, without the peers of another environment."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest
from playwright.async_api import Browser
from sqlalchemy import make_url
from websockets.frames import Frame, Opcode

from benchmarks import (
    announce,
    browsers,
    connects,
    engine,
    fanout,
    growth,
    idle,
    inbox,
    leaving,
    notify,
    origin,
    paint,
    places,
    plots,
    readers,
    report,
    screen,
    sites,
    workers,
)
from benchmarks.crowd import SAMPLE, Client, Crowd
from benchmarks.load import Target
from benchmarks.measure import CLIENT_CORE, Row, Unmeasured, cpu_seconds, percentile
from benchmarks.places import counted, place
from benchmarks.worlds import Size
from notifs.forms import Forms
from notifs.store import Entry, Head
from notifs.store.database import Database
from notifs.store.models import new_id, utcnow
from notifs.wire import Cursor
from tests import servers

TINY: dict[Any, dict[str, Any]] = {
    notify: {"count": 200, "recipients": 100, "at_once": 20, "kinds": ("sqlite",)},
    fanout: {"recipients": 1_100, "kinds": ("sqlite",)},
    announce: {"few": 2, "many": 20, "count": 3, "kinds": ("sqlite",)},
    growth: {"size": Size(40, 12, 200), "part": 2, "count": 2, "kinds": ("sqlite",)},
    origin: {"people": 3, "count": 9, "peers": False},
    screen: {"people": 3, "seconds": 0.1, "crowd": 1_100, "peers": False},
    engine: {"clients": 20, "warm_seconds": 0.1, "seconds": 0.1, "peers": False},
    connects: {"clients": 5, "warm": 2, "peers": False},
    idle: {"few": 5, "many": 20, "warm": 2, "peers": False},
    leaving: {"few": 5, "many": 20, "peers": False},
    readers: {"fast": 10, "slow": 2, "warm_seconds": 0.1, "seconds": 0.1, "peers": False},
    workers: {"clients": 20, "workers": (1, 2), "warm_seconds": 0.1, "seconds": 0.1},
}
IN_A_BROWSER: dict[Any, dict[str, Any]] = {
    paint: {"unread": 3},
    inbox: {"long": 60, "earlier": 3, "more": 3, "seconds": 0.2, "locked": 6},
}
MEMORY = ("MB", "KiB")


@pytest.fixture
def quick(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not pinned is born at once, and one migrated file is as good as another."""

    async def migrate(url: str) -> None:
        shutil.copy(str(make_url(sqlite_url).database), str(make_url(url).database))

    monkeypatch.setattr(sites, "pinned", lambda cores, command: command)
    monkeypatch.setattr(places, "_migrate", migrate)


@pytest.mark.timeout(180)  # each starts many servers
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("benchmark", TINY, ids=lambda module: module.__name__)
async def test_a_benchmark_measures_something(benchmark: Any) -> None:
    see(await benchmark.run(turns=1, **TINY[benchmark]))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("benchmark", IN_A_BROWSER, ids=lambda module: module.__name__)
async def test_a_benchmark_in_a_browser_measures_something(
    benchmark: Any, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsers, "launched", lambda: nullcontext(browser))
    see(await benchmark.run(turns=1, **IN_A_BROWSER[benchmark]))


async def test_the_browser_of_a_benchmark_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "CHROMIUM", servers.chromium_shell())
    target = Target("http://127.0.0.1:1", 0, "", [], ["notifs=x"], "", {}, 0)
    async with browsers.browsing(target) as one:
        assert await one.page.context.cookies(target.url)
        assert await one.metric("JSHeapUsedSize") > 0


def see(rows: list[Row]) -> None:
    assert rows
    assert all(value > 0 for row in rows for value in [*row.ours, *row.peer] if row.unit not in MEMORY)


def test_a_program_that_is_pinned_has_no_other_core() -> None:
    tell = [sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"]
    assert subprocess.check_output(sites.pinned(str(CLIENT_CORE), tell), text=True) == f"{{{CLIENT_CORE}}}\n"


async def test_a_benchmark_fails_where_a_row_is_missing() -> None:
    async with place("sqlite") as here, here.fresh() as url:
        database = Database(url)
        with pytest.raises(Unmeasured, match="notifs_receipts has 0 rows, and is to have 1"):
            await counted(database, notifs_receipts=1)
        await database.close()


def test_a_row_says_whether_its_ratio_is_what_it_must_be() -> None:
    assert Row("", "", [1, 2, 9], [4], least=0.5).met is True
    assert Row("", "", [1], [4], least=0.5).met is False
    assert Row("", "", [3], [2], most=1.2).met is False
    assert Row("", "", [3], [2]).met is None
    assert Row("", "", [3], least=0.5).met is None


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([float(n) for n in range(1, 101)], 99) == 99.0
    assert percentile([7.0], 99) == 7.0


def test_the_report_goes_into_its_part_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Before\n<!-- one -->\nold\n<!-- end of one -->\nAfter\n")
    report.write(page, "one", [Row("sending", "ms", [1.0, 2.0, 3.0], [4.0], "a peer", most=1.0)])
    text = page.read_text()
    assert "| sending | 2 (1 to 3) ms | 4: a peer | 0.50 | ≤ 1 ✓ |" in text
    assert text.startswith("Before\n<!-- one -->\n")
    assert "![Measured: one](images/measured-one.svg)" in text
    assert (tmp_path / "images" / "measured-one.svg").read_text().startswith("<svg ")
    assert text.endswith("<!-- end of one -->\nAfter\n")
    assert "old" not in text


def test_cpu_seconds_are_those_of_the_process_and_its_children() -> None:
    before = cpu_seconds(os.getpid())
    sum(n * n for n in range(3_000_000))
    assert cpu_seconds(os.getpid()) > before


def test_a_picture_has_a_bar_for_each_side_as_long_as_its_median() -> None:
    rows = [Row("a < b", "ms", [1.0, 2.0, 3.0], [6.0], "a peer"), Row("a < b", "ms", [1.0, 2.0, 3.0], [3.0], "another")]
    picture = ElementTree.fromstring(plots.svg("A title", rows))
    names = {"svg": "http://www.w3.org/2000/svg"}
    bars = [float(bar.attrib["width"]) for bar in picture.iterfind("svg:rect", names)]
    assert len(bars) == 3
    assert bars[1] == pytest.approx(3 * bars[0], abs=0.2)
    assert bars[2] == pytest.approx(bars[1] / 2, abs=0.2)
    written = [text.text for text in picture.iterfind("svg:text", names)]
    assert written == ["a < b (ms)", "notifs", "2", "a peer", "6", "another", "3"]
    assert not list(picture.iterfind(".//svg:script", names))


@pytest.fixture
async def client() -> AsyncIterator[tuple[Client, asyncio.StreamReader]]:
    """The second client of a crowd of two, and what it says."""
    here, there = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=there)
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=here)
    crowd = Crowd(Target("http://127.0.0.1:1", 0, "", [], [], "", {}, 0), together=False)
    crowd.clients += [Client(crowd, number, transport, b"") for number in (0, 1)]
    yield crowd.clients[1], reader
    transport.close()
    writer.close()


def sent(payload: bytes, opcode: Opcode = Opcode.TEXT) -> bytes:
    return Frame(opcode, payload).serialize(mask=False)


MESSAGE = b'42["response",{"notifs":[{"title":"new-%d"}]}]'
STREAM = sent(MESSAGE % 0) + sent(b"2") + sent(b"42" + b"x" * 600) + sent(b"", Opcode.PING) + sent(b"4" * 70_000)
"""Three messages, of which each has its length written in another way, and a ping of each kind."""


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100, 1_000_000])
async def test_a_crowd_counts_messages_wherever_the_stream_is_cut(
    client: tuple[Client, asyncio.StreamReader], size: int
) -> None:
    one, said = client
    for start in range(0, 2 * len(STREAM), size):
        one.data_received((2 * STREAM)[start : start + size])
    assert one.frames == 6
    pongs = 2 * (b"\x81\x81\0\0\0\0" + b"3" + b"\x8a\x80\0\0\0\0")
    assert await said.readexactly(len(pongs)) == pongs


@pytest.mark.parametrize("wrong", [MESSAGE % 8, b"42[]"], ids=["another's", "another"])
async def test_a_crowd_fails_where_a_message_is_not_the_one_that_was_to_come(
    client: tuple[Client, asyncio.StreamReader], wrong: bytes
) -> None:
    one, _ = client
    one.data_received(sent(MESSAGE % 7) * SAMPLE)
    await one.crowd.until(SAMPLE)
    one.data_received(sent(wrong) * SAMPLE)
    with pytest.raises(Unmeasured, match="client 1: it was sent b'42"):
        await one.crowd.until(2 * SAMPLE)


async def test_a_crowd_fails_where_a_socket_is_closed(client: tuple[Client, asyncio.StreamReader]) -> None:
    one, _ = client
    one.data_received(sent(b"", Opcode.CLOSE))
    with pytest.raises(Unmeasured, match="client 1: it was told b''"):
        await one.crowd.until(0)


def test_what_peers_send_is_what_we_send() -> None:
    theirs = orjson.loads((Path(report.__file__).parent / "peers" / "message.json").read_bytes())
    entry = Entry(new_id(), "notification", "new-0", "", None, None, None, [], "normal", None, {}, utcnow(), None, 1, 1)
    forms = Forms(lambda head: Cursor("0123456789abcdef", head.revision))
    ours = forms.step("created", Head(1, 1, 1), 0, [entry])
    assert list(theirs) == list(ours)
    assert list(theirs["notifs"][0]) == list(ours["notifs"][0])
    assert len(orjson.dumps(theirs)) == len(orjson.dumps(ours))

"""The benchmarks still measure: each runs with tiny numbers, without the peers of another environment."""

import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks import announce, fanout, growth, notify, origin, report, screen
from benchmarks.measure import Row, Unmeasured, cpu_seconds, percentile
from benchmarks.places import counted, place
from benchmarks.worlds import Size
from notifs.store.database import Database

TINY: dict[Any, dict[str, Any]] = {
    notify: {"count": 200, "recipients": 100, "at_once": 20, "kinds": ("sqlite",)},
    fanout: {"recipients": 1_100, "kinds": ("sqlite",)},
    announce: {"few": 2, "many": 20, "count": 3, "kinds": ("sqlite",)},
    growth: {"size": Size(40, 12, 200), "part": 2, "count": 2, "kinds": ("sqlite",)},
    origin: {"people": 3, "count": 9, "peers": False},
    screen: {"people": 3, "seconds": 0.1, "crowd": 1_100, "peers": False},
}


@pytest.mark.parametrize("benchmark", TINY, ids=lambda module: module.__name__)
async def test_a_benchmark_measures_something(benchmark: Any) -> None:
    rows: list[Row] = await benchmark.run(turns=1, **TINY[benchmark])
    assert rows
    assert all(value > 0 for row in rows for value in [*row.ours, *row.peer] if row.unit != "MB")


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
    assert text.endswith("<!-- end of one -->\nAfter\n")
    assert "old" not in text


def test_cpu_seconds_are_those_of_the_process_and_its_children() -> None:
    before = cpu_seconds(os.getpid())
    sum(n * n for n in range(3_000_000))
    assert cpu_seconds(os.getpid()) > before

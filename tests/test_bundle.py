"""What a page loads of the script, in bytes that go over the wire: at first, and in all."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifs.web.render import DIST, PARTS
from tests.servers import REPOSITORY

AT_FIRST = re.compile(r"""(?:from|import)\s*["'`](\./[^"'`]+)["'`]""")
LATER = re.compile(r"""import\(["'`](\./[^"'`]+)["'`]\)""")
BELL, INBOX, WHOLE = 25_000, 35_000, 55_000
"""The most that a page with a bell loads before it can be used, one with an inbox, and both of them in the end."""


def files(name: str, *, later: bool = False) -> set[Path]:
    """A file with all that it cannot do without; with `later` all that it may ever ask for as well."""

    def imported(path: Path, known: set[Path]) -> Iterator[Path]:
        if path in known:
            return
        known.add(path)
        yield path
        text = path.read_text()
        for pattern in (AT_FIRST, LATER) if later else (AT_FIRST,):
            for other in pattern.findall(text):
                yield from imported((path.parent / other).resolve(), known)

    return {*imported((DIST / name).resolve(), set())}


def part(name: str) -> str:
    (path,) = (DIST / PARTS).glob(f"{name}-*.js")
    return f"{PARTS}{path.name}"


def size(paths: set[Path]) -> int:
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in paths)


def test_a_page_loads_little_before_it_can_be_used() -> None:
    bell = files("notifs.js")
    inbox = bell | files(part("view"))
    whole = files("notifs.js", later=True)
    assert bell < inbox < whole
    assert {path.name for path in whole} == {"notifs.js", *(path.name for path in (DIST / PARTS).iterdir())}
    sizes = size(bell), size(inbox), size(whole)
    assert all(is_ <= most for is_, most in zip(sizes, (BELL, INBOX, WHOLE), strict=True)), sizes


def test_nothing_is_loaded_twice() -> None:
    """What is imported by others has one address: `notifs.js` may have been loaded by one with its hash."""
    for path in files("notifs.js", later=True):
        assert not re.search(r"notifs\.js[\"'`]", path.read_text()), path.name


@pytest.mark.parametrize("path", sorted((DIST / PARTS).glob("*.js")), ids=lambda path: path.name.partition("-")[0])
def test_a_part_brings_the_words_that_it_says(path: Path) -> None:
    english = json.loads((REPOSITORY / "notifs/browser/words/en.json").read_text())
    text = path.read_text()
    there = "".join(each.read_text() for each in files("notifs.js") | files(f"{PARTS}{path.name}"))
    words = {re.sub("_(?:one|other)$", "", word) for word in english}
    said = {word for word in words if re.search(rf"""["'`]{re.escape(word)}["'`](?!:)""", text)}
    heads = re.findall(r"`(\w+)\.\$\{", text)
    said |= {word for word in words if word.partition(".")[0] in heads}
    assert {word for word in said if not re.search(rf"""["']?{re.escape(word)}(?:_other)?["']?:""", there)} == set()

"""What the docs' Markdown is made of, as far as tests want to know."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.servers import REPOSITORY

PAGES = (
    *(REPOSITORY / f"{name}.md" for name in ("README", "CHANGELOG", "SECURITY")),
    *sorted((REPOSITORY / "docs").glob("*.md")),
)
FENCE = re.compile(r"^```(\S*)(?: file=(\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?:\]\(|src=\"|srcset=\")([^)\"\s]+)")
CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file that it is said to be, and its text."""

    page: Path
    language: str
    file: str | None
    text: str


def blocks(*languages: str) -> list[Block]:
    """Every fenced block of these languages, in the order of the pages."""
    found = [Block(page, *match.groups()) for page in PAGES for match in FENCE.finditer(page.read_text())]
    return [block for block in found if block.language in languages]


def section(page: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    _, found, rest = (REPOSITORY / page).read_text().partition(f"\n{heading}\n")
    assert found, f"{page} has no heading {heading!r}"
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def tables(text: str) -> list[list[list[str]]]:
    """The cells of each table in `text`, without its head."""
    found = []
    for lines in re.findall(r"^\|[^\n]*\n\|[ |:-]+\n((?:\|[^\n]*\n)+)", text, re.MULTILINE):
        found.append([[cell.strip() for cell in CELL.split(line)[1:-1]] for line in lines.splitlines()])
    return found


def rows(text: str) -> list[list[str]]:
    """The cells of every table in `text`."""
    return [row for table in tables(text) for row in table]


def names(cell: str) -> list[str]:
    """What stands in a cell as code."""
    return re.findall(r"`([^`]+)`", cell)


def first_names(rows: list[list[str]]) -> list[str]:
    """What stands in each row's first cell as code."""
    return [names(row[0])[0] for row in rows]

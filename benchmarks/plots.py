"""The report as a picture: bars in SVG, one group for each thing that was done, without scripts.

It has no background, and colours for dark and for light, so that it can be read wherever the page is shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from statistics import median

from benchmarks.measure import Row, number

WIDTH, LABELS, VALUES = 1000, 300, 130
"""Pixels: of all, and of what stands left and right of the bars."""
LINE, BAR, GAP = 22, 14, 18

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #59636e }
.what { font-weight: 600; fill: #1f2328 }
.name, .value { dominant-baseline: central }
.name { text-anchor: end }
.ours { fill: #0969da }
.theirs { fill: #afb8c1 }
.spread { stroke: #59636e; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
    text { fill: #9198a1 }
    .what { fill: #f0f6fc }
    .ours { fill: #4493f8 }
    .theirs { fill: #57606a }
    .spread { stroke: #b7bdc8 }
}
"""


@dataclass(slots=True)
class Group:
    """One thing that was done, and who did it how well; the first is us."""

    what: str
    unit: str
    bars: dict[str, Sequence[float]] = field(default_factory=dict)


def svg(title: str, rows: Sequence[Row]) -> str:
    """The rows as bars: medians, with a line from the lowest to the highest turn."""
    parts, y = list[str](), GAP
    for group in _groups(rows):
        what = f"{group.what.replace('`', '')} ({group.unit})"
        parts.append(f'<text class="what" x="0" y="{y}">{escape(what)}</text>')
        y += LINE - LINE // 2
        longest = max(max(values) for values in group.bars.values()) or 1.0
        for n, (name, values) in enumerate(group.bars.items()):
            parts += _bar(y, name, values, longest, "theirs" if n else "ours")
            y += LINE
        y += GAP + LINE // 2
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def _groups(rows: Sequence[Row]) -> list[Group]:
    """Rows of the same thing together."""
    groups = dict[tuple[str, str, str], Group]()
    for row in rows:
        group = groups.setdefault((row.what, row.unit, row.side), Group(row.what, row.unit, {row.side: row.ours}))
        if row.peer:
            group.bars[row.against] = row.peer
    return list(groups.values())


def _bar(y: int, name: str, values: Sequence[float], longest: float, kind: str) -> Iterator[str]:
    def x(value: float) -> float:
        return round(LABELS + max(0.0, value) / longest * (WIDTH - LABELS - VALUES), 1)

    middle, value = y + LINE // 2, median(values)
    yield f'<text class="name" x="{LABELS - 8}" y="{middle}">{escape(name)}</text>'
    width = round(x(value) - LABELS, 1)
    yield f'<rect class="{kind}" x="{LABELS}" y="{middle - BAR // 2}" width="{width}" height="{BAR}" rx="2"/>'
    least, most = x(min(values)), x(max(values))
    if least != most:
        yield f'<path class="spread" d="M{least} {middle}H{most}"/>'
    yield f'<text class="value" x="{most + 8}" y="{middle}">{number(value)}</text>'

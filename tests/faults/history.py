"""The checker: what producers were told, against what every client showed, what REST says and what the store holds."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Line = tuple[str, int, int, bool]
"""Of an unread notification: key, position, revision, seen."""


@dataclass(frozen=True)
class Shown:
    """One message that a client applied. `new` are the keys of the notifications that it had never shown before."""

    at: float
    type: str
    epoch: str
    revision: int
    new: tuple[str, ...]


@dataclass
class Sent:
    """One notification as its producer knows it; the outcome is unknown unless it was acknowledged."""

    key: str
    to: tuple[str, ...]
    acked_at: float | None = None
    tries: int = 0


@dataclass
class View:
    """What one client has in the end, and how it came to it. The list reaches down to the position `through`."""

    name: str
    recipient: str
    log: Sequence[Shown]
    unread: Sequence[Line]
    counts: tuple[int, int]
    cursor: str | None
    through: int | None = None
    strangers: Sequence[str] = ()


@dataclass
class Truth:
    """A mailbox as REST gives it and as the store holds it."""

    cursor: str
    counts: tuple[int, int]
    rest: Sequence[Line]
    stored: Sequence[Line]
    """Unread."""
    recounted: tuple[int, int]
    """Unread and unseen, one by one."""
    keys: Mapping[str, tuple[int, bool]]
    """Of everything in the mailbox: its position, and whether it is unread."""
    twice: Sequence[str] = ()
    """Keys that are there more than once."""


@dataclass(frozen=True)
class Fault:
    """A fault that was made."""

    name: str
    at: float


@dataclass
class Report:
    """What the checker found. Everything but `sent` and the times should be empty."""

    sent: Mapping[str, Sent]
    lost: list[tuple[str, str]] = field(default_factory=list)
    """Key, and who misses it."""
    repeated: list[tuple[str, str]] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    delays: dict[str, float] = field(default_factory=dict)
    """Seconds from the acknowledgement to the last screen, by key."""

    @property
    def problems(self) -> list[str]:
        return [
            *(f"{who} misses {key}" for key, who in self.lost),
            *(f"{who} has {key} twice" for key, who in self.repeated),
            *self.disordered,
            *self.different,
            *(f"somebody else's: {body}" for body in self.leaked),
        ]

    @property
    def acked(self) -> int:
        return sum(sent.acked_at is not None for sent in self.sent.values())

    def table(self, faults: Sequence[Fault]) -> str:
        """Per kind of fault; what was acknowledged after one and before the next counts for it."""
        lost, repeated = ({key for key, _ in pairs} for pairs in (self.lost, self.repeated))
        rows: dict[str, list[float]] = {f.name: [0.0] * 5 for f in [Fault("(none yet)", 0.0), *faults]}
        for fault in faults:
            rows[fault.name][0] += 1
        for sent in self.sent.values():
            if sent.acked_at is None:
                continue
            row = rows[next((f.name for f in reversed(faults) if f.at <= sent.acked_at), "(none yet)")]
            row[1] += 1
            row[2] += sent.key in lost
            row[3] += sent.key in repeated
            row[4] = max(row[4], self.delays.get(sent.key, 0))
        head = f"{'fault':32}{'made':>6}{'acked':>8}{'lost':>6}{'repeated':>10}{'longest s':>11}"
        lines = [f"{n:32}{r[0]:6.0f}{r[1]:8.0f}{r[2]:6.0f}{r[3]:10.0f}{r[4]:11.2f}" for n, r in rows.items()]
        total = [sum(r[i] for r in rows.values()) for i in range(4)] + [max(r[4] for r in rows.values())]
        lines.append(f"{'all':32}{total[0]:6.0f}{total[1]:8.0f}{total[2]:6.0f}{total[3]:10.0f}{total[4]:11.2f}")
        unknown = len(self.sent) - self.acked
        rest = f"out of order: {len(self.disordered)}; different: {len(self.different)}; leaked: {len(self.leaked)}"
        return "\n".join([head, *lines, f"never acknowledged: {unknown}; {rest}"])


def read_journals(paths: Iterable[Path]) -> dict[str, Sent]:
    """What producers have written down; a line that a killed one left unfinished is passed over."""
    found: dict[str, Sent] = {}
    for path in paths:
        for text in path.read_text().splitlines():
            try:
                entry: dict[str, Any] = json.loads(text)
            except json.JSONDecodeError:
                continue
            sent = found.setdefault(entry["key"], Sent(entry["key"], tuple(entry.get("to", ()))))
            sent.tries += "to" in entry
            sent.acked_at = entry.get("acked", sent.acked_at)
    return found


def examine(sent: Mapping[str, Sent], views: Iterable[View], truths: Mapping[str, Truth]) -> Report:
    """Compare everything with everything. Every mailbox must have come to rest."""
    report = Report(sent)
    owed: defaultdict[str, set[str]] = defaultdict(set)
    for each in sent.values():
        if each.acked_at is not None:
            for recipient in each.to:
                owed[recipient].add(each.key)
    for recipient, truth in truths.items():
        _examine_truth(report, recipient, truth, owed[recipient])
    for view in views:
        truth = truths[view.recipient]
        _examine_log(report, view, truth)
        _examine_view(report, view, truth, owed[view.recipient])
    return report


def _examine_truth(report: Report, recipient: str, truth: Truth, owed: set[str]) -> None:
    report.lost += [(key, f"the store of {recipient}") for key in sorted(owed - truth.keys.keys())]
    report.repeated += [(key, f"the store of {recipient}") for key in truth.twice]
    if list(truth.rest) != list(truth.stored):
        report.different.append(f"REST and the store differ for {recipient}")
    if truth.counts != truth.recounted:
        report.different.append(f"counts {truth.counts} of {recipient} are not those of the list, {truth.recounted}")


def _examine_log(report: Report, view: View, truth: Truth) -> None:
    at: dict[str, int] = {}
    seen: Counter[str] = Counter()
    for shown in view.log:
        last = at.get(shown.epoch, -1)
        if shown.revision < last or (shown.revision == last and shown.type != "snapshot"):
            report.disordered.append(f"{view.name} applied {shown.type} {shown.revision} after {last}")
        at[shown.epoch] = shown.revision
        for key in shown.new:
            seen[key] += 1
            sent = report.sent.get(key)
            if sent is not None and sent.acked_at is not None:
                report.delays[key] = max(report.delays.get(key, 0), shown.at - sent.acked_at)
    report.repeated += [(key, view.name) for key, times in seen.items() if times > 1]
    ghosts = seen.keys() - truth.keys.keys()
    report.different += [f"{view.name} showed {key}, which is not in the store" for key in sorted(ghosts)]


def _examine_view(report: Report, view: View, truth: Truth, owed: set[str]) -> None:
    shown = {key for entry in view.log for key in entry.new}
    for key in sorted(owed - shown):
        position, unread = truth.keys.get(key, (0, True))
        # Who was away until somebody read it, or whose snapshot did not reach so far down, need not have shown it.
        if unread and position >= (view.through or 0):
            report.lost.append((key, view.name))
    expected = [line for line in truth.rest if line[1] >= (view.through or 0)]
    if list(view.unread) != expected:
        missing, more = set(expected) - set(view.unread), set(view.unread) - set(expected)
        report.different.append(f"{view.name}'s list is not REST's: lacks {sorted(missing)}, has {sorted(more)}")
    if view.counts != truth.counts or view.cursor != truth.cursor:
        report.different.append(
            f"{view.name} stands at {view.cursor} with {view.counts}, the store at {truth.cursor} with {truth.counts}"
        )
    report.leaked += view.strangers

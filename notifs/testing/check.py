"""What a check is: a function with a sentence for a name, the place of the protocol that it proves, and its outcome."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from inspect import getdoc
from typing import Generic, TypeVar

T = TypeVar("T")
LONGEST = 600
"""Characters of what came that are told."""


class Unmet(Exception):
    """What was expected did not come."""

    def __init__(self, expected: str, came: object) -> None:
        super().__init__(f"expected {expected}; came: {came}")
        self.expected = expected
        text = came if isinstance(came, str) else repr(came)
        self.came = text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def expect(met: object, expected: str, came: object) -> None:
    """Raise Unmet unless `met` is true."""
    if not met:
        raise Unmet(expected, came)


@dataclass(frozen=True)
class Check(Generic[T]):
    """One check.

    Args:
        name: the function's name.
        place: the heading of docs/protocol.md under which it is promised.
        tells: what is promised, in one sentence.
        slow: whether it takes longer than a few seconds.
        run: raises Unmet.
    """

    name: str
    place: str
    tells: str
    slow: bool
    run: Callable[[T], Awaitable[None]]


@dataclass(frozen=True)
class Result:
    """The outcome of one check. Where it is not `ok`, what was `expected` and what `came`."""

    name: str
    place: str
    expected: str | None = None
    came: str | None = None

    @property
    def ok(self) -> bool:
        return self.expected is None


class Checks(Generic[T]):
    """A table of checks, in the order in which they run."""

    def __init__(self, *tables: "Checks[T]") -> None:
        self._checks: list[Check[T]] = [check for table in tables for check in table]

    def __iter__(self) -> Iterator[Check[T]]:
        return iter(self._checks)

    def of(
        self, place: str, *, slow: bool = False
    ) -> Callable[[Callable[[T], Awaitable[None]]], Callable[[T], Awaitable[None]]]:
        """Decorate a check: `async def what_is_promised(site: Site) -> None` with a docstring."""

        def register(run: Callable[[T], Awaitable[None]]) -> Callable[[T], Awaitable[None]]:
            name = getattr(run, "__name__", "")
            self._checks.append(Check(name, place, " ".join((getdoc(run) or "").split()), slow, run))
            return run

        return register

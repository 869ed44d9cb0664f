"""How each defence is switched off, in the process of a server that is to be attacked. Not a part of the package.

A function here takes one defence away by replacing what does it, and leaves everything else as it is.
"""

from collections.abc import Callable
from typing import Any

from notifs.origins import Origins

DEFENCES: dict[str, Callable[[], None]] = {}


def defence(function: Callable[[], None]) -> Callable[[], None]:
    """Register what switches a defence off; attacks name it by its function's name."""
    DEFENCES[function.__name__] = function
    return function


def switch_off(names: str) -> None:
    """Switch off the defences with these names, which commas separate."""
    for name in filter(None, names.split(",")):
        DEFENCES[name]()


def replace(owner: Any, name: str, value: Any) -> None:
    """Put another value in the place of one that is there; a defence that has moved is noticed."""
    assert hasattr(owner, name), f"{owner!r} has no {name}"
    setattr(owner, name, value)


@defence
def origins_are_not_checked() -> None:
    replace(Origins, "allows", lambda self, origin, scope: True)
    replace(Origins, "same_site", lambda self, scope: True)

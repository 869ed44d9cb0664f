"""Every address of a server that is attacked, as its source tells them to anybody."""

from collections.abc import Iterator

from starlette.routing import Route

from notifs import create_app
from tests.attacks.arena import Target

ID = "00000000-0000-7000-8000-000000000000"
NOWHERE = [
    "/nothing", "/notifications", "//evil.example/", "/notifs/static/none.js", "/notifs/static/%00", "/%ff",
    "/notifs/static/notifs.css", "/notifs/static/..%2f..%2fapp.py", "/socket.io/", "/notifications/x/read/",
]  # fmt: skip
"""Addresses at which there is nothing, or no route but something."""


def addresses(target: Target) -> Iterator[tuple[str, str]]:
    """Every method and path, with an id that nobody has in the place of a parameter."""
    for route in create_app(target.settings).routes:
        if isinstance(route, Route):
            path = "/".join(ID if part.startswith("{") else part for part in route.path.split("/"))
            for method in sorted(route.methods or ()):
                yield method, path

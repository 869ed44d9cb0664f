"""Who may import whom: the rooms of the house, and the doors between them.

A room is a file of `notifs/`, or a folder of it. An import for annotations alone counts too.
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.servers import REPOSITORY

PACKAGE = REPOSITORY / "notifs"

ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "wire": set(),
    "urls": set(),
    "signals": set(),
    "identity": set(),
    "providers": set(),
    "environment": {"errors"},
    "settings": {"environment", "errors", "providers"},
    "logs": {"settings"},
    "origins": set(),
    "signing": set(),
    "bounded": set(),
    "addresses": set(),
    "gather": set(),
    "metrics": set(),
    "retire": set(),
    "phrases": set(),
    "problems": {"errors"},
    "kinds": {"errors", "urls"},
    "requests": {"errors", "wire"},
    "store": {"errors", "gather", "phrases", "wire"},
    "limits": {"addresses", "errors", "phrases", "settings", "store"},
    "forms": {"store", "urls", "wire"},
    "acts": {"errors", "signals", "store", "wire"},
    "drafting": {"errors", "kinds", "store"},
    "notifier": {"drafting", "errors", "forms", "kinds", "signals", "store", "wire"},
    "jobs": {"errors", "signals", "store"},
    "outbound": {"errors", "signals", "store"},
    "hooks": {"errors", "kinds", "notifier", "store", "urls"},
    "tokens": {"bounded", "errors", "identity", "settings", "store"},
    "realtime": {
        "acts", "addresses", "errors", "forms", "gather", "identity", "limits", "metrics", "notifier", "origins",
        "problems", "requests", "settings", "signals", "store", "wire",
    },
    "web": {
        "acts", "addresses", "bounded", "errors", "forms", "gather", "hooks", "identity", "limits", "notifier",
        "origins", "phrases", "problems", "providers", "requests", "settings", "signals", "signing", "store", "urls",
        "wire",
    },
    "api": {
        "addresses", "drafting", "errors", "forms", "gather", "kinds", "limits", "notifier", "problems", "requests",
        "store", "web",
    },
    "app": {
        "acts", "api", "drafting", "errors", "forms", "hooks", "identity", "jobs", "kinds", "limits",
        "metrics", "notifier", "origins", "outbound", "realtime", "settings", "signals", "signing", "store", "tokens",
        "web", "wire",
    },
    "standalone": {"app", "errors", "logs", "retire", "settings"},
    "serve": {"app", "errors", "settings", "store", "wire"},
    "run": {"app", "errors", "settings", "store"},
    "cli": {"app", "errors", "logs", "run", "serve", "settings", "store"},
    "client": {"errors"},
    "testing": {"wire"},
    "__init__": {
        "app", "errors", "identity", "kinds", "realtime", "requests", "settings", "signals", "standalone", "store",
    },
}  # fmt: skip
"""What each room may import of ours. `realtime` and `web` do not know each other; only `app` knows both."""

LIBRARIES: dict[str, set[str]] = {
    "socketio": {"realtime"},
    "engineio": {"realtime"},
    "sqlalchemy": {"store"},
    "aiosqlite": {"store"},
    "asyncpg": {"store"},
    "alembic": {"store/schema"},
    "itsdangerous": {"signing"},
    "argon2": {"store/accounts"},
    "zxcvbn": {"store/accounts"},
    "jinja2": {"web/render"},
    "limits": {"api/rates", "limits"},
    "typer": {"cli"},
    "uvicorn": {"serve", "realtime/transport", "web/transport"},
    "redis": {"realtime/bus"},
    "prometheus_client": {"metrics"},
    "authlib": {"web/oidc/client", "web/oidc/transport"},
    "httpx2": {"bounded", "outbound", "client", "web/oidc/client", "tokens"},
    "joserfc": {"tokens", "web/oidc/client"},
    "standardwebhooks": {"outbound"},
    "fastapi": set(),
}
"""Who alone may import a library: rooms, or files of rooms."""

NAMES: dict[str, dict[str, set[str]]] = {
    # The type that `notify(session=...)` takes, and reading a URL without opening anything.
    "sqlalchemy": {"app": {"AsyncSession"}, "notifier": {"AsyncSession"}, "settings": {"ArgumentError", "make_url"}},
}
"""Names of a library that others may import beside those."""

PASSWORDS = {
    "store/accounts", "store/identities", "store/people", "store/sessions", "store/__init__", "web/login",
    "web/passwords", "serve", "cli/user",
}  # fmt: skip
"""Who may touch a password or its hash. `store/__init__` passes the hash on, unread."""
PASSWORD_NAMES = {"hash_password", "verify_password", "check_password", "password_hash"}
SCHEMA = {"store/models/people"}
"""Where a column may be called `password_hash`."""


@dataclass(frozen=True)
class Import:
    """One name that a file imports."""

    file: str
    module: str
    name: str

    @property
    def room(self) -> str:
        return self.file.partition("/")[0]


@cache
def sources() -> dict[str, str]:
    """Every Python file of the package, by its path without the ending."""
    paths = [p for p in PACKAGE.rglob("*.py") if "browser" not in p.relative_to(PACKAGE).parts]
    return {p.relative_to(PACKAGE).with_suffix("").as_posix(): p.read_text() for p in paths}


@cache
def nodes(text: str) -> list[ast.AST]:
    """All that a file's text consists of."""
    return list(ast.walk(ast.parse(text)))


def at_the_top(text: str) -> list[ast.stmt]:
    """What stands in a file at its left margin."""
    (module,) = (node for node in nodes(text) if isinstance(node, ast.Module))
    return module.body


def imports(files: dict[str, str], among: Callable[[str], Iterable[ast.AST]] = nodes) -> Iterator[Import]:
    """Every import, wherever in a file it stands, or among these nodes of it."""
    for file, text in files.items():
        for node in among(text):
            if isinstance(node, ast.Import):
                yield from (Import(file, alias.name, "") for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}: imports are absolute here"
                yield from (Import(file, str(node.module), alias.name) for alias in node.names)


def target(imported: Import) -> str | None:
    """The room of ours that is imported, if it is one of ours."""
    package, *rest = [*imported.module.split("."), imported.name]
    return (rest[0] or "__init__") if package == "notifs" else None


def wrong_rooms(files: dict[str, str]) -> list[str]:
    """Imports of ours that the table does not allow."""
    found = []
    for each in imports(files):
        room = target(each)
        if room is not None and room != each.room and room not in ROOMS[each.room]:
            found.append(f"{each.file} imports {room}")
    return found


def wrong_libraries(files: dict[str, str]) -> list[str]:
    """Imports of libraries by those who shall not know them."""
    found = []
    for each in imports(files):
        library = each.module.partition(".")[0]
        allowed = LIBRARIES.get(library)
        excepted = each.name in NAMES.get(library, {}).get(each.file, set())
        if allowed is not None and not {each.room, each.file} & allowed and not excepted:
            found.append(f"{each.file} imports {each.name} of {library}")
    return found


def knowing_passwords(files: dict[str, str]) -> set[str]:
    """Files in which a password's name stands."""
    return {
        file
        for file, text in files.items()
        for node in nodes(text)
        if {getattr(node, "id", None), getattr(node, "attr", None), getattr(node, "arg", None)} & PASSWORD_NAMES
        or (isinstance(node, ast.ImportFrom) and {alias.name for alias in node.names} & PASSWORD_NAMES)
    }


def cycles(files: dict[str, str]) -> list[str]:
    """Modules of ours that import each other in a circle, by what is imported at the top of a file."""
    graph: dict[str, set[str]] = {}
    for file, text in files.items():
        graph[file] = set()
        for each in imports({file: text}, at_the_top):
            if target(each) is None:
                continue
            path = each.module.replace(".", "/").removeprefix("notifs").removeprefix("/")
            tries = [f"{path}/{each.name}".strip("/"), path, f"{path}/__init__".strip("/")]
            graph[file].update(t for t in tries[:1] if t in files)
            if tries[0] not in files:
                graph[file].update([t for t in tries[1:] if t in files][:1])
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def emits(files: dict[str, str]) -> list[str]:
    """Calls of an `emit`, which without a room would reach those who are about to be refused."""
    calls = (
        (file, node.lineno)
        for file, text in files.items()
        for node in nodes(text)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"emit", "send_message"}
    )
    return [f"{file}:{line}" for file, line in calls]


def test_every_room_is_in_the_table_and_no_other() -> None:
    assert {file.partition("/")[0] for file in sources()} == set(ROOMS) | ({"__main__"} & set(sources()))


def test_the_table_itself_has_no_circle() -> None:
    TopologicalSorter(ROOMS).prepare()


def test_rooms_import_only_what_the_table_allows() -> None:
    assert wrong_rooms(sources()) == []


def test_libraries_are_known_where_they_belong() -> None:
    assert wrong_libraries(sources()) == []


def test_passwords_are_known_where_they_belong() -> None:
    assert knowing_passwords(sources()) - SCHEMA <= PASSWORDS


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert cycles(sources()) == []


def test_nothing_is_emitted_but_by_the_push_to_named_sockets() -> None:
    assert emits(sources()) == []


def test_a_file_tells_what_it_is_for() -> None:
    silent = [file for file, text in sources().items() if text.strip() and not ast.get_docstring(ast.parse(text))]
    assert silent == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("wire", "from notifs.errors import NotifsError"),
        ("signals", "import notifs.store"),
        ("store/feed", "from notifs import signals"),
        ("store/feed", "from notifs.kinds import Kind"),
        ("realtime/push", "from notifs.web.pages import Pages"),
        ("web/api", "from notifs.realtime import Handlers"),
        ("web/api", "def late() -> None:\n    from notifs.realtime.push import Push"),
        ("notifier", "from notifs import Notifs"),
    ],
)
def test_a_wrong_door_is_noticed(file: str, line: str) -> None:
    assert wrong_rooms({file: line})


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("web/api", "import socketio"),
        ("app", "from socketio.exceptions import ConnectionRefusedError"),
        ("realtime/push", "from sqlalchemy import select"),
        ("notifier", "from sqlalchemy.ext.asyncio import AsyncEngine"),
        ("web/login", "from argon2 import PasswordHasher"),
        ("store/feed", "import argon2"),
    ],
)
def test_a_library_out_of_its_place_is_noticed(file: str, line: str) -> None:
    assert wrong_libraries({file: line})


def test_a_circle_is_noticed() -> None:
    assert cycles({**sources(), "store/models": "from notifs.store.feed import Entry"})


def test_an_emit_is_noticed() -> None:
    assert emits({"realtime/push": "async def f(io):\n    await io.emit('response', {})"})


@pytest.mark.parametrize("line", ["from notifs.store.accounts import verify_password", "x = person.password_hash"])
def test_a_password_out_of_its_place_is_noticed(line: str) -> None:
    assert knowing_passwords({"web/api": line}) == {"web/api"}


def test_the_tests_look_at_the_real_tree() -> None:
    assert Path(PACKAGE / "__init__.py").is_file()
    assert len(sources()) > 30

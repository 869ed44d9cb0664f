"""The docs say what is there, all of it, once."""

import ast
import dataclasses
import inspect
import re
import sys
from pathlib import Path

import pytest
from starlette.routing import Mount, Route

import notifs
from notifs import Notifs, Settings, Signal, create_app
from notifs.errors import NotifsError
from notifs.wire import DELTA_LIMIT, FRAME_LIMIT, IDS_LIMIT, META, PAGE, PUSH_LIMIT, SNAPSHOT_LIMIT, Message
from notifs.wire import Notification as StandardForm
from tests.docs.markdown import LINK, PAGES, first_names, names, rows, section, tables
from tests.programs import run
from tests.servers import REPOSITORY, clean_environment

PACKAGE = REPOSITORY / "notifs"
SOURCES = [path for path in PACKAGE.rglob("*.py") if "browser" not in path.relative_to(PACKAGE).parts]


async def test_the_sections_that_a_script_writes_are_fresh() -> None:
    script = f"import runpy; runpy.run_path({str(REPOSITORY / 'scripts' / 'docs')!r}, run_name='__main__')"
    command = [sys.executable, "-c", script, "--check"]
    assert await run(command, env=clean_environment(), cwd=REPOSITORY) == (0, [])


def test_every_field_and_type_of_a_message_is_described() -> None:
    fields, types, *_ = tables(section("docs/protocol.md", "## What the server sends"))
    assert sorted(first_names(fields)) == sorted(Message.__annotations__)
    assert {names(row[0])[0]: row[1] for row in types} == META


def test_every_field_of_the_standard_form_is_described() -> None:
    assert first_names(rows(section("docs/protocol.md", "### The standard form"))) == list(StandardForm.__annotations__)


@pytest.mark.parametrize(
    "words",
    [
        f"at most {DELTA_LIMIT} changes behind",
        f"in pages of {PAGE}, {SNAPSHOT_LIMIT} at most",
        f"touched more than {PUSH_LIMIT} notifications",
        f"at most {IDS_LIMIT} ids",
        f"at most {FRAME_LIMIT:,} bytes",
    ],
)
def test_bounds_are_told_as_they_are(words: str) -> None:
    text = " ".join((REPOSITORY / "docs" / "protocol.md").read_text().split())
    assert words in text


def test_every_address_is_listed() -> None:
    settings = Settings(database_url="sqlite:///unused.db")
    served = set()
    for route in create_app(settings).routes:
        if isinstance(route, Mount):
            served.add(route.path)
        elif isinstance(route, Route):
            methods = sorted((route.methods or set()) - {"HEAD"})
            served.update(f"{method} {route.path}" for method in methods)
    listed = first_names(rows(section("docs/reference.md", "## Addresses")))
    listed += first_names(rows(section("docs/api.md", "## Endpoints")))
    assert sorted(listed) == sorted(served)


def _codes() -> set[str]:
    """Every error code in the sources: of the errors' classes, and those that are given where one is raised."""
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.ClassDef(bases=[ast.Name(id=_)]) if path.name == "errors.py":
                    found.add(getattr(notifs.errors, node.name).code)
                case ast.keyword(arg="code", value=ast.Constant(value=str(code))):
                    found.add(code)
                case ast.Call(func=ast.Name(id="refusal"), args=[ast.Constant(value=str(code)), *_]):
                    found.add(code)
                case ast.Dict(keys=[ast.Constant(value="code"), *_], values=[ast.Constant(value=str(code)), *_]):
                    found.add(code)
    return found | {NotifsError.code}


def test_every_error_code_is_listed_once() -> None:
    listed = first_names(rows(section("docs/reference.md", "## Error codes")))
    assert set(listed) ^ _codes() == set()
    assert len(listed) == len(set(listed))


def _errors(root: type[NotifsError] = NotifsError) -> list[type[NotifsError]]:
    return [root, *(error for child in root.__subclasses__() for error in _errors(child))]


def test_the_status_of_an_error_is_told() -> None:
    told = {names(row[0])[0]: row[1] for row in rows(section("docs/reference.md", "## Error codes"))}
    raised_at_start = {"settings", "schema"}
    errors = [error for error in _errors() if error.__module__ == "notifs.errors"]
    assert {e.code: told[e.code] for e in errors if e.code not in raised_at_start} == {
        e.code: str(e.status) for e in errors if e.code not in raised_at_start
    }


def _signals() -> list[type[Signal]]:
    things = [getattr(notifs, name) for name in notifs.__all__]
    return [thing for thing in things if isinstance(thing, type) and issubclass(thing, Signal)]


def test_every_signal_is_listed_with_its_fields() -> None:
    listed = {names(row[0])[0]: names(row[1]) for row in rows(section("docs/reference.md", "## Signals"))}
    signals = {s.__name__: [f.name for f in dataclasses.fields(s)] for s in _signals() if s is not Signal}
    assert listed == signals
    assert set(signals) == {s.__name__ for s in Signal.__subclasses__() if s.__module__ == "notifs.signals"}


def test_every_public_name_is_listed_once() -> None:
    text = section("docs/reference.md", "## Public names").partition("\n### ")[0]
    listed = first_names(rows(text)) + first_names(rows(section("docs/reference.md", "## Signals")))
    assert sorted(listed) == sorted(notifs.__all__)


def test_the_arguments_and_methods_of_notifs_are_listed() -> None:
    arguments, methods = tables(section("docs/reference.md", "### Notifs"))
    assert first_names(arguments) == list(inspect.signature(Notifs).parameters)
    listed = [re.sub(r"^await |^async for progress in |\(.*$", "", name) for name in first_names(methods)]
    there = [name for name, _ in inspect.getmembers(Notifs, inspect.isfunction) if not name.startswith("_")]
    assert sorted({*listed} - {"signals"}) == there


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_images_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        if link.startswith(("http:", "https:", "/")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings], link

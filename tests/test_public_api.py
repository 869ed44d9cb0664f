"""What `from notifs import ...` gives: sorted, there, and said what it is."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import notifs


def test_all_is_sorted_and_has_no_name_twice() -> None:
    assert list(notifs.__all__) == sorted(set(notifs.__all__))


def test_all_names_what_the_package_imports_and_nothing_else() -> None:
    tree = ast.parse(inspect.getsource(notifs))
    ours = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and str(n.module).startswith("notifs.")]
    assert {alias.name for node in ours for alias in node.names} == set(notifs.__all__)


def test_a_name_that_is_not_public_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        notifs.Nothing  # noqa: B018


@pytest.mark.parametrize("name", notifs.__all__)
def test_a_public_name_has_a_docstring_of_its_own(name: str) -> None:
    thing = getattr(notifs, name)
    # A dataclass without one is given its signature for a docstring.
    body = ast.parse(Path(inspect.getfile(thing)).read_text()).body
    (node,) = [n for n in body if isinstance(n, ast.ClassDef | ast.FunctionDef) and n.name == name]
    assert ast.get_docstring(node), f"{name} has no docstring"


@pytest.mark.parametrize("name", notifs.__all__)
def test_the_public_methods_of_a_public_class_are_annotated(name: str) -> None:
    thing = getattr(notifs, name)
    for method_name, method in inspect.getmembers(thing, inspect.isfunction) if isinstance(thing, type) else ():
        if method.__module__.startswith("notifs") and not method_name.startswith("_"):
            annotated = inspect.get_annotations(method)
            assert "return" in annotated, f"{name}.{method_name} says not what it returns"


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(notifs.__file__).parent / "py.typed").is_file()


def test_the_version_is_the_one_of_the_package() -> None:
    project = importlib.import_module("tomllib").loads(
        (Path(notifs.__file__).parent.parent / "pyproject.toml").read_text()
    )["project"]
    assert notifs.__version__ == project["version"]

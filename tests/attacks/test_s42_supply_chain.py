"""S42: what is installed is what was locked, and has no hole that anybody knows of."""

import ast
import asyncio
import gzip
import json
import os
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, version
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.programs import free_port
from tests.servers import REPOSITORY
from tests.wire import listening

LOCKS = sorted((REPOSITORY / "requirements").glob("*.lock"))
NPM_LOCK = REPOSITORY / "notifs" / "browser" / "package-lock.json"
PIN = re.compile(r"[a-z0-9][a-z0-9-]*==[^\s;]+( ; [^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+")
FLOORS = {
    "authlib": "1.7.2",  # a state that is bound to no browser, and believing a token's own `jwk`
    "h11": "0.16",  # chunks that it and a lax proxy read differently: CVE-2025-43859
    "python-engineio": "4.13.5",  # one packet that takes all memory: CVE-2026-48802
    "python-socketio": "5.16.3",  # attachments that take all memory: CVE-2026-48804; pickle: CVE-2025-61765
    "redis": "4.5.5",  # an answer for somebody else: CVE-2023-28858
    "starlette": "1.3.1",  # a path from the Host header, and forms without limits: CVE-2026-48710
    "uvicorn": "0.52.1",  # writing without waiting for who reads
}
"""The oldest version of each package without the hole that is named."""
IMPORTED_ELSEWHERE = {"alembic", "asyncpg", "httptools", "python-multipart", "uvloop"}
"""Once it is needed; by SQLAlchemy; by uvicorn; by Starlette's forms; by uvicorn."""


def pins(lock: Path) -> list[str]:
    """The lock's requirements, each with the lines that belong to it."""
    return re.split(r"\n(?=\S)", lock.read_text().strip())


def versions(lock: Path) -> dict[str, Version]:
    found = (pin.partition(" ")[0].partition("==") for pin in pins(lock))
    return {name: Version(number) for name, _, number in found}


def declared() -> Iterator[Requirement]:
    """What pyproject.toml asks for of what users run."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    return map(Requirement, [*project["dependencies"], *extras["postgres"], *extras["redis"]])


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_whatever_is_installed_is_pinned_by_version_and_by_hash(lock: Path) -> None:
    assert [pin for pin in pins(lock) if not PIN.fullmatch(pin)] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_no_lock_names_a_host(lock: Path) -> None:
    """So whose mirror is asked is up to the machine, and a host that somebody has taken over is nobody's source."""
    assert "://" not in lock.read_text()


def test_every_npm_package_has_a_hash_and_no_address() -> None:
    packages = json.loads(NPM_LOCK.read_text())["packages"]
    packages.pop("")
    assert len(packages) > 50
    weak = [name for name, each in packages.items() if not each.get("integrity", "").startswith("sha512-")]
    assert weak == [name for name, each in packages.items() if "resolved" in each] == []


def test_all_locks_agree() -> None:
    whole = versions(REPOSITORY / "requirements" / "dev.lock")
    for name in ("run", "build"):
        part = versions(REPOSITORY / "requirements" / f"{name}.lock")
        assert part.items() <= whole.items(), name


@pytest.mark.parametrize("name", FLOORS)
def test_no_version_with_a_known_hole_is_locked_installed_or_asked_for(name: str) -> None:
    floor = Version(FLOORS[name])
    for lock in LOCKS:
        assert versions(lock).get(name, floor) >= floor, lock.name
    assert Version(version(name)) >= floor
    for requirement in declared():
        if requirement.name == name:
            (asked,) = requirement.specifier
            assert (asked.operator, Version(asked.version) >= floor) == (">=", True)


def test_what_is_imported_is_asked_for_and_what_is_asked_for_is_used() -> None:
    """What came along with something else may be gone tomorrow, and what nobody uses may still be attacked."""
    modules = {
        name.partition(".")[0]
        for path in (REPOSITORY / "notifs").rglob("*.py")
        if "browser" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        for name in imported(node)
    }
    packages = packages_distributions()
    used = {canonicalize_name(each) for name in modules - {"notifs"} for each in packages.get(name, ())}
    asked = {requirement.name for requirement in declared()}
    assert used <= asked
    assert asked - used == IMPORTED_ELSEWHERE


def imported(node: ast.AST) -> list[str]:
    """The modules that a statement imports."""
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(module=str(name)):
            return [name]
    return []


def test_every_requirement_has_a_floor_that_is_installed() -> None:
    for requirement in declared():
        assert [each.operator for each in requirement.specifier] == [">="], requirement
        assert requirement.specifier.contains(version(requirement.name)), requirement


def offered(folder: Path) -> None:
    """A package as whoever has got hold of an index offers it there."""
    with ZipFile(folder / "canary-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("canary.py", "")
        wheel.writestr("canary-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: canary\nVersion: 1.0\n")
        wheel.writestr("canary-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("canary-1.0.dist-info/RECORD", "")


@pytest.mark.parametrize(
    ("lock", "defended"),
    [("canary==1.0 --hash=sha256:" + "0" * 64, True), ("canary==1.0", True), ("canary==1.0", False)],
    ids=["replaced-defended", "no hash-defended", "no hash-open"],
)
def test_a_package_that_is_not_the_one_that_was_locked_is_not_installed(
    tmp_path: Path, lock: str, defended: bool
) -> None:
    """The scripts' own way to install, in a folder like the repository."""
    offered(tmp_path)
    library = (REPOSITORY / "scripts" / "lib.sh").read_text()
    assert "--require-hashes" in library
    if not defended:
        library = library.replace("--require-hashes", "")
    files = {"scripts/lib.sh": library, "requirements/run.lock": lock, "requirements/build.lock": ""}
    files[".venv/bin/python"] = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / ".venv/bin/python").chmod(0o700)
    subprocess.run(
        ["bash", "-c", "source scripts/lib.sh; install_packages run"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
        | {"PIP_TARGET": str(tmp_path / "target"), "PIP_CONFIG_FILE": os.devnull},
        check=False,
    )
    assert (tmp_path / "target" / "canary.py").exists() is not defended


def services(*known: str) -> Starlette:
    """The vulnerability services, which know of a hole in each of `known`, in whatever version."""

    async def osv(request: Request) -> Response:
        name = (await request.json())["package"]["name"]
        package = {"name": name, "ecosystem": "PyPI"}
        fixed = {"package": package, "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "999"}]}]}
        return JSONResponse({"vulns": [{"id": "PYSEC-1", "affected": [fixed]}]} if name in known else {})

    async def advisories(request: Request) -> Response:
        names = json.loads(gzip.decompress(await request.body()))
        hole = {"id": 1, "url": "", "title": "A hole", "severity": "high", "vulnerable_versions": "<999"}
        return JSONResponse({name: [hole] for name in names if name in known})

    routes = {"/osv": osv, "/-/npm/v1/security/advisories/bulk": advisories}
    return Starlette(routes=[Route(path, endpoint, methods=["POST"]) for path, endpoint in routes.items()])


async def audit(url: str, folder: Path) -> tuple[int, str]:
    """The exit status of `scripts/audit`, and what it prints, where the services are at this address."""
    env = {"PIP_AUDIT_VULNERABILITY_SERVICE": "osv", "PIP_AUDIT_OSV_URL": f"{url}/osv", "npm_config_registry": url}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(REPOSITORY / "scripts" / "audit"),
        env={**os.environ, **env, "npm_config_cache": str(folder / "npm"), "PIP_CACHE_DIR": str(folder / "pip")},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_a_hole_that_becomes_known_in_what_is_locked_is_told(tmp_path: Path) -> None:
    locked = versions(REPOSITORY / "requirements" / "run.lock")["starlette"]
    async with listening(services("starlette", "socket.io-client")) as url:
        told = f"python: 1 found\n  starlette {locked}: PYSEC-1, fixed in 999\nnpm: 1 found\n  socket.io-client: high\n"
        assert await audit(url, tmp_path) == (1, told)


async def test_what_nobody_knows_a_hole_in_passes(tmp_path: Path) -> None:
    async with listening(services()) as url:
        assert await audit(url, tmp_path) == (0, "python: nothing found\nnpm: nothing found\n")


SILENCE = "the vulnerability service cannot be reached; nothing was audited"


async def test_services_that_cannot_be_reached_are_told_and_no_failure(tmp_path: Path) -> None:
    assert await audit(f"http://127.0.0.1:{free_port()}", tmp_path) == (0, f"python: {SILENCE}\nnpm: {SILENCE}\n")


async def test_services_that_never_answer_are_not_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with asyncio.timeout(25):
            told = await audit(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path)
    assert told == (0, f"python: {SILENCE}\nnpm: {SILENCE}\n")

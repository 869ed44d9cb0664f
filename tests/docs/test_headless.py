"""`docs/headless.md` has the examples as they are run, and names all that there is."""

import re
import subprocess
from pathlib import Path

from tests.docs.markdown import FENCE, blocks, names, rows
from tests.servers import REPOSITORY, node

BROWSER = REPOSITORY / "notifs" / "browser"
PAGE = REPOSITORY / "docs" / "headless.md"


def test_the_examples_are_those_that_are_run() -> None:
    """By `notifs/browser/tests/examples.test.ts`."""
    shown = {block.file: block.text for block in blocks("jsx", "vue", "svelte")}
    assert shown == {path.name: path.read_text() for path in (BROWSER / "examples").glob("Inbox.*")}
    assert max(text.count("\n") for text in shown.values()) <= 25


def test_every_name_is_explained() -> None:
    code = " ".join(re.findall(r"`([^`]+)`", FENCE.sub("", PAGE.read_text())))
    exported = re.findall(r"^export \{ (.+) \}", (BROWSER / "headless.ts").read_text(), re.MULTILINE)
    for name in (name for line in exported for name in line.split(", ")):
        assert re.search(rf"\b{name}\b", code), name


def test_every_member_and_event_is_listed() -> None:
    source = (BROWSER / "core" / "connection.ts").read_text()
    body = source.partition("export class Connection")[2]
    members = set(re.findall(r"^  (?:async |get )?(\w+)(?=[(:])", body, re.MULTILINE)) - {"constructor"}
    told = source.partition("export interface Events {")[2].partition("}")[0]
    events = set(re.findall(r"^  (\w+): ", told, re.MULTILINE))
    cells = [name for row in rows(PAGE.read_text()) for name in names(row[0])]
    listed = {re.split(r"[({]", name)[0] for name in cells}
    assert members | events <= listed, sorted((members | events) - listed)
    functions = {"view", "windowOf", "isUnread", "on"}
    assert listed - functions <= members | events, sorted(listed - functions - members - events)


RIGHT = [
    'const titles: string[] = view(mailbox.shown, { filter: "unread" }).map(({ title }) => title);',
    'mailbox.on("arrived", (rows) => rows[0]?.title.trim());',
    'void mailbox.act("snooze", ["id"], new Date()).then((done) => mailbox.undo(done));',
]
WRONG = {
    'void mailbox.act("delete", ["id"]);': "TS2345",
    'view(mailbox.shown, { filter: "everything" });': "TS2322",
    'mailbox.on("nothing", () => undefined);': "TS2345",
}


def test_the_types_are_beside_the_file(tmp_path: Path) -> None:
    for path in (BROWSER / "dist" / "headless.d.ts", BROWSER / "dist" / "types"):
        (tmp_path / path.name).symlink_to(path)
    start = 'import { Connection, view } from "./headless";\n'
    mailbox = 'const mailbox = new Connection({ base: "", transport: "socket" });\n'
    lines = [*RIGHT, *WRONG]
    pages = [f"page{n}.ts" for n in range(len(lines))]
    for page, line in zip(pages, lines, strict=True):
        (tmp_path / page).write_text(f"{start}{mailbox}{line}\nvoid view;\n")
    tsc = str(BROWSER / "node_modules" / "typescript" / "bin" / "tsc")
    command = [node(), tsc, "--strict", "--noEmit", "--target", "es2023", "--module", "esnext", "--preserveSymlinks"]
    command += ["--moduleResolution", "bundler", "--pretty", "false", *pages]
    said = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True).stdout
    found = re.findall(r"^(.+)\(3,\d+\): error (\w+): ", said, re.MULTILINE)
    assert found == list(zip(pages[len(RIGHT) :], WRONG.values(), strict=True)), said
    assert len(re.findall(r"\berror\b", said)) == len(WRONG), said

"""`notifs db`, `user` and `send`: what they do, and the one line that says what was wrong."""

import re
import sqlite3
from contextlib import closing

import pytest

from notifs import Notifs
from tests.cli.conftest import Folder, Main

PASSWORD = b"a password of many words"


@pytest.mark.parametrize(
    "command",
    [
        "",
        "serve",
        "db",
        "db upgrade",
        "db check",
        "db prune",
        "db new-epoch",
        "user",
        "user add",
        "user list",
        "send",
        "run",
    ],
)
def test_each_command_explains_itself(main: Main, command: str) -> None:
    result = main(*command.split(), "--help")
    assert (result.status, result.err) == (0, "")
    assert f"Usage: {f'notifs {command}'.strip()} " in result.out


async def test_what_is_no_command_is_said_with_the_way_to_help(main: Main, empty: Folder) -> None:
    for result, told in (
        (await empty.run("frobnicate"), "No such command 'frobnicate'"),
        (main("send"), "Missing argument"),
        (main("serve", "--port", "x"), "--port"),
    ):
        assert (result.status, result.out) == (2, "")
        assert told in result.err
        assert "--help" in result.err


@pytest.mark.parametrize("line", ["serve", "db check", "user list", "send a@b.c x", "run --to a@b.c -- true"])
def test_a_broken_setting_is_one_line_for_every_command(main: Main, line: str) -> None:
    refusal = main(*line.split(), NOTIFS_DATABASE_POOL="canary").refusal
    assert refusal.startswith("NOTIFS_DATABASE_POOL: ")
    assert "canary" not in refusal


@pytest.mark.parametrize(
    "line", ["db check", "db prune", "db new-epoch", "user list", "send a@b.c x", "run --to a@b.c -- touch x"]
)
def test_where_there_is_no_database_none_is_made_by_accident(main: Main, empty: Folder, line: str) -> None:
    refusal = main(*line.split(), cwd=empty.path).refusal
    assert refusal.startswith(f"there is no database {empty.path}/notifs.db; ")
    assert not list(empty.path.iterdir())


def test_where_there_is_no_folder_for_it_that_is_said(main: Main) -> None:
    refusal = main("db", "upgrade", NOTIFS_DATABASE_URL="sqlite:////nope/x.db").refusal
    assert refusal == "NOTIFS_DATABASE_URL: there is no folder /nope; make it first"


def test_upgrade_brings_the_schema_and_check_says_so(main: Main, empty: Folder) -> None:
    first, second = (main("db", "upgrade", cwd=empty.path).out for _ in range(2))
    assert re.fullmatch(r"the database is at revision \d+, it was at nothing\n", first)
    assert re.fullmatch(r"the database is at revision \d+, as it was\n", second)
    assert main("db", "check", cwd=empty.path).out.endswith(", as it should be; 0 mailboxes are right\n")
    with closing(sqlite3.connect(empty.path / "notifs.db")) as connection, connection:
        connection.execute("UPDATE notifs_alembic_version SET version_num = '0000'")
    assert main("db", "check", cwd=empty.path).refusal.endswith("run: notifs db upgrade")


async def test_a_person_is_added_by_standard_input_and_listed(folder: Folder, notifs: Notifs) -> None:
    result = await folder.run(
        "user", "add", " Grace@Example.org", "--name", "Grace H", "--password-stdin", stdin=PASSWORD + b"\r\n"
    )
    assert (result.status, result.err) == (0, "")
    grace = await notifs.store.user("grace@example.org")
    assert result.out == f"added grace@example.org, whose recipient id is {grace.id}\n"
    people = [f"{person.id}  {person.email}  {person.name}" for person in await notifs.store.users()]
    assert (await folder.run("user", "list")).out.splitlines() == people
    assert people[1].endswith("  grace@example.org  Grace H")


@pytest.mark.parametrize(
    ("args", "stdin", "told"),
    [
        (["ADA@example.org"], PASSWORD, "there is an account with the address ada@example.org already"),
        (["ada"], PASSWORD, "that is not an email address; it looks like name@example.org"),
        (["a da@example.org"], PASSWORD, "that is not an email address"),
        (["eve@example.org"], b"too short", "a password has at least 12 characters"),
        (["eve@example.org"], b"", "a password has at least 12 characters"),
        (["eve@example.org"], b"x" * 1025, "at most 1024 bytes"),
        (["eve@example.org"], b"\xff" * 20, "the password is not text in UTF-8"),
        (["eve@example.org", "--name", "Eve\x1b[2J"], PASSWORD, "a name is one line of printable characters"),
        (["eve@example.org", "--name", "Eve\nid  ada@example.org  Ada"], PASSWORD, "a name is one line"),
        (["eve@example.org", "--name", b"\xff".decode(errors="surrogateescape")], PASSWORD, "a name is one line"),
    ],
)
def test_who_cannot_be_added_is_not(main: Main, folder: Folder, args: list[str], stdin: bytes, told: str) -> None:
    assert told in main("user", "add", *args, "--password-stdin", stdin=stdin).refusal
    assert re.fullmatch(r"\S+  ada@example.org  Ada\n", main("user", "list").out)


def test_a_password_is_asked_for_on_a_terminal_only(main: Main, folder: Folder) -> None:
    refusal = main("user", "add", "eve@example.org", stdin=PASSWORD).refusal
    assert refusal == "there is no terminal to ask for the password on; give --password-stdin"


async def test_send_prints_the_id_of_what_is_then_there(folder: Folder, notifs: Notifs) -> None:
    options = ["--body", "there", "--url", "/posts/7", "--kind", "comment.posted", "--priority", "high"]
    result = await folder.run("send", "Ada@example.org", "Hello", *options)
    (notif,) = await notifs.get_unread_notifs((await notifs.store.user("ada@example.org")).id)
    assert result.out == f"{notif['id']}\n"
    assert (notif["title"], notif["body"], notif["url"], notif["kind"], notif["priority"]) == (
        "Hello", "there", "/posts/7", "comment.posted", "high"
    )  # fmt: skip


async def test_send_under_a_key_sends_once(folder: Folder, notifs: Notifs) -> None:
    args = ["ada@example.org", "Hello", "--idempotency-key", "hello-1"]
    first, second = [await folder.run("send", *args) for _ in range(2)]
    assert (first.status, first.err) == (0, "")
    assert second == first
    assert len(await notifs.get_unread_notifs((await notifs.store.user("ada@example.org")).id)) == 1


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["eve@example.org", "x"], "nobody is known as eve@example.org"),
        (["eve", "x"], "nobody is known as eve"),
        (["ada@example.org", ""], "title: "),
        (["ada@example.org", "x" * 201], "title: "),
        (["ada@example.org", b"\xff".decode(errors="surrogateescape")], "title: "),
        (["ada@example.org", "x", "--url", "javascript:alert(1)"], "url: must be an http(s) URL or a path"),
        (["ada@example.org", "x", "--body", "é" * 2049], "body: must have at most 4096 bytes"),
        (["ada@example.org", "x", "--kind", "Not A Kind"], "kind: must be like 'comment.posted'"),
        (["ada@example.org", "x", "--priority", "whenever"], "priority: "),
        (["ada@example.org", "x", "--idempotency-key", ""], "idempotency_key: 1 to 200 printable characters"),
    ],
)
def test_what_cannot_be_sent_is_not(main: Main, folder: Folder, args: list[str], told: str) -> None:
    assert told in main("send", *args).refusal
    with closing(sqlite3.connect(folder.path / "notifs.db")) as connection:
        assert connection.execute("SELECT count(*) FROM notifs_notifications").fetchone() == (0,)

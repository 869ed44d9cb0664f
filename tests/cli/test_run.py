"""`notifs run`: the command as if it had been run by itself, and a notification when it is done."""

import asyncio
import shlex
import signal
import sqlite3
import sys
from contextlib import closing
from typing import Any

import pytest

from notifs import Notifs
from notifs.run import describe
from tests.cli.conftest import Folder, Main

TO_ADA = ["run", "--to", "ada@example.org", "--"]


async def told(notifs: Notifs) -> Any:
    """The one notification that Ada has."""
    (notif,) = await notifs.get_unread_notifs((await notifs.store.user("ada@example.org")).id)
    return notif


async def test_a_command_keeps_its_streams_its_arguments_and_its_status(folder: Folder, notifs: Notifs) -> None:
    result = await folder.run(*TO_ADA, "sh", "-c", 'cat; echo "$@" >&2; exit 7', "sh", "--to", "a b", stdin=b"in\n")
    assert (result.status, result.out, result.err) == (7, "in\n", "--to a b\n")
    notif = await told(notifs)
    assert notif["title"] == """sh -c 'cat; echo "$@" >&2; exit 7' sh --to 'a b' failed with exit status 7"""
    assert (notif["kind"], notif["priority"], notif["data"]["status"]) == ("command.failed", "high", 7)
    assert notif["body"].startswith("It took ")


async def test_a_command_that_succeeds_is_told_of_quietly(folder: Folder, notifs: Notifs) -> None:
    result = await folder.run(*TO_ADA, "true")
    assert (result.status, result.out, result.err) == (0, "", "")
    notif = await told(notifs)
    assert (notif["title"], notif["kind"], notif["priority"]) == ("true finished", "command.finished", "normal")


@pytest.mark.parametrize(
    ("command", "status", "title"),
    [
        (["sh", "-c", "kill -9 $$"], 137, "sh -c 'kill -9 $$' was ended by SIGKILL"),
        (["no-such-command"], 127, "no-such-command was not found"),
        (["/etc/passwd"], 126, "/etc/passwd failed with exit status 126"),
        (["sh", "-c", "true\n\n  exit 255"], 255, "sh -c 'true exit 255' failed with exit status 255"),
        (["false", b"\xff".decode(errors="surrogateescape")], 1, "false '?' failed with exit status 1"),
    ],
)
def test_however_it_ends_the_status_is_passed_on(
    main: Main, folder: Folder, command: list[str], status: int, title: str
) -> None:
    result = main(*TO_ADA, *command)
    assert (result.status, result.out) == (status, "")
    assert "Traceback" not in result.err
    with closing(sqlite3.connect(folder.path / "notifs.db")) as connection:
        assert connection.execute("SELECT title FROM notifs_notifications").fetchall() == [(title,)]


async def test_a_signal_reaches_the_command_and_its_end_is_told(folder: Folder, notifs: Notifs) -> None:
    process = folder.start(*TO_ADA, sys.executable, "-uc", "print('up'); import signal; signal.pause()")
    assert await process.line() == "up\n"
    process.send(signal.SIGTERM)
    assert (await process.ended()).status == 143
    assert (await told(notifs))["title"].endswith(" was ended by SIGTERM")


async def test_the_command_is_not_run_for_nobody(folder: Folder) -> None:
    line = (await folder.run("run", "--to", "eve@example.org", "--", "touch", "ran")).refusal
    assert line == "nobody has the address eve@example.org; see: notifs user list"
    assert not (folder.path / "ran").exists()


async def test_what_cannot_be_told_changes_nothing_of_the_status(folder: Folder) -> None:
    result = await folder.run(*TO_ADA, "sh", "-c", "rm notifs.db*; mkdir notifs.db; exit 3")
    assert result.status == 3
    assert result.err.splitlines()[-1].startswith("notifs: ")
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("seconds", "body"),
    [
        (0.01, "It took less than 0.1 seconds."),
        (0.52, "It took 0.5 seconds."),
        (59.9, "It took 59.9 seconds."),
        (65.4, "It took 1 minute and 5 seconds."),
        (3 * 3600 + 61, "It took 3 hours, 1 minute and 1 second."),
        (90_000, "It took 1 day and 1 hour."),
    ],
)
def test_how_long_it_took_is_said_in_words(seconds: float, body: str) -> None:
    assert describe(["true"], 0, seconds)["body"] == body


def test_a_long_command_fits_into_a_title() -> None:
    fields = describe(["echo", "x" * 5000], -1, 1)
    assert len(fields["title"]) < 200
    assert fields["data"]["command"] == shlex.join(["echo", "x" * 5000])[:1000]


async def test_two_runs_at_once_are_both_told_of(folder: Folder, notifs: Notifs) -> None:
    await asyncio.gather(*(folder.run(*TO_ADA, "true", str(number)) for number in range(2)))
    ada = await notifs.store.user("ada@example.org")
    titles = {notif["title"] for notif in await notifs.get_unread_notifs(ada.id)}
    assert titles == {f"true {number} finished" for number in range(2)}

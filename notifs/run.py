"""`notifs run`: run a command, and tell a person how it ended."""

import asyncio
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from types import FrameType
from typing import Any

import humanize

from notifs.app import Notifs
from notifs.errors import NotifsError
from notifs.settings import Settings
from notifs.store.accounts import Person

NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit statuses of a command that could not be run, as shells have them (POSIX, 2.8.2)."""


def run_and_tell(settings: Settings, command: Sequence[str], email: str) -> int:
    """Run `command`, notify the person, and return the command's exit status.

    What goes wrong with the notification is said on standard error and changes nothing of the status.

    Raises:
        NotFound: nobody has this address; the command was not run.
        StoreUnavailable, SchemaError: nobody could be told; the command was not run.
    """
    person = asyncio.run(_find(settings, email))
    began = time.monotonic()
    status = _run(command)
    seconds = time.monotonic() - began
    try:
        asyncio.run(_tell(settings, person, describe(command, status, seconds)))
    except NotifsError as error:
        sys.stderr.write(f"notifs: {error.message}\n")
    return status


def describe(command: Sequence[str], status: int, seconds: float) -> dict[str, Any]:
    """The notification's fields: what ended, how, and after how long."""
    line = shlex.join(command).encode("utf-8", "replace").decode()
    return {
        "kind": "command.finished" if status == 0 else "command.failed",
        "title": f"{_short(line)} {_ending(status)}",
        "body": f"It took {_took(seconds)}.",
        "priority": "normal" if status == 0 else "high",
        "data": {"command": line[:1000], "status": status, "seconds": round(seconds, 3)},
    }


def _took(seconds: float) -> str:
    if seconds < 0.1:
        return "less than 0.1 seconds"
    form = "%0.1f" if seconds < 60 else "%d"
    return humanize.precisedelta(timedelta(seconds=seconds), minimum_unit="seconds", format=form)


def _short(line: str) -> str:
    line = " ".join(line.split())
    return line if len(line) <= 120 else f"{line[:119]}…"


def _ending(status: int) -> str:
    if status == 0:
        return "finished"
    if status == NOT_FOUND:
        return "was not found"
    if status > 128:
        try:
            return f"was ended by {signal.Signals(status - 128).name}"
        except ValueError:
            pass
    return f"failed with exit status {status}"


def _run(command: Sequence[str]) -> int:
    """The command's exit status, as a shell would give it: 128 + n where signal n ended it."""
    try:
        process = subprocess.Popen(command)
    except FileNotFoundError:
        sys.stderr.write(f"notifs: {command[0]}: no such command\n")
        return NOT_FOUND
    except OSError as error:
        sys.stderr.write(f"notifs: {command[0]}: {error.strerror}\n")
        return NOT_EXECUTABLE

    def pass_on(number: int, _: FrameType | None) -> None:
        process.send_signal(number)

    # Ctrl-C reaches the command by itself, as it is in the same foreground group; we stay to tell of its end.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN), signal.signal(signal.SIGTERM, pass_on)
    try:
        status = process.wait()
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
    return status if status >= 0 else 128 - status


async def _find(settings: Settings, email: str) -> Person:
    async with Notifs(settings).open() as notifs:
        return await notifs.store.user(email)


async def _tell(settings: Settings, person: Person, fields: dict[str, Any]) -> None:
    async with Notifs(settings).open() as notifs:
        await notifs.notify(to=person.id, **fields)

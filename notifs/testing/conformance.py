"""Does a server speak `/notifs` as docs/protocol.md says? A black box, seen from outside, with two accounts.

    python -m notifs.testing.conformance http://localhost:8000 \\
        --email ada@example.org --other-email grace@example.org --send 'notifs send {to} {title}'

In a program: `results = await conform(url, one, other, send)`.
"""

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Collection, Sequence

from notifs.testing.check import Check, Result, Unmet
from notifs.testing.checks import ALL
from notifs.testing.site import Account, Send, Site, command, sign_in

LONGEST = 12
"""How long a check may take: so many times as long as something may be waited for."""
TIDY = Check("what_was_made_can_be_put_away", "What a client may say", "The run's own are archived.", False, Site.tidy)
"""Runs last, always."""
SECRETS = "NOTIFS_CONFORMANCE_"
"""How the environment variables begin that are read for cookies and passwords."""


async def conform(
    url: str,
    one: Account,
    other: Account,
    send: Send,
    *,
    only: Collection[str] = (),
    slow: bool = False,
    patience: float = 10.0,
    rate: int = 20,
    told: Callable[[Result], None] = lambda _: None,
) -> list[Result]:
    """Run the checks against the server at `url`, and return their results in order.

    Nobody else should use the two accounts meanwhile. What is made is put away afterwards; what was unread stays so.

    Args:
        one, other: two people who are signed in.
        send: makes a notification: `await send(to, title)`, with `to` the name of one of them.
        only: names of checks; all of them if empty.
        slow: also those that take longer than a few seconds.
        patience: seconds until a message or an ack that is waited for is given up.
        rate: client events that one socket may send in a second.
        told: called with each result as it comes.

    Raises:
        ValueError: `only` names a check that there is not.
    """
    if unknown := set(only) - {check.name for check in ALL}:
        raise ValueError(f"there are no such checks: {', '.join(sorted(unknown))}")
    site = Site(url.rstrip("/"), one, other, send, patience, rate)
    chosen = [check for check in ALL if check.name in only or (not only and (slow or not check.slow))]
    results = []
    for check in (*chosen, TIDY):
        results.append(await _run(check, site))
        told(results[-1])
    return results


async def _run(check: Check[Site], site: Site) -> Result:
    try:
        async with asyncio.timeout(LONGEST * site.patience):
            await check.run(site)
    except Exception as error:
        return _failed(check.name, check.place, error)
    return Result(check.name, check.place)


def _failed(name: str, place: str, error: Exception) -> Result:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, Unmet):
        return Result(name, place, error.expected, error.came)
    return Result(name, place, "an answer as the protocol has it", repr(error))


def tell(line: str) -> None:
    """Print a line, now."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def report(result: Result) -> None:
    """Print a result."""
    tell(f"{'ok    ' if result.ok else 'FAILED'}  {result.name}  ({result.place})")
    if not result.ok:
        tell(f"        expected: {result.expected}\n        came:     {result.came}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 1 if any check failed."""
    options = parser().parse_args(arguments)
    if options.list:
        for check in ALL:
            tell(f"{check.name}  ({check.place}){' slow' if check.slow else ''}\n        {check.tells}")
        return 0
    if not options.url or not options.send:
        parser().error("give the URL of the server, and --send")
    try:
        one, other = _account(options.url, options), _account(options.url, options, "other_")
        running = conform(
            options.url, one, other, command(options.send), only=options.only, slow=options.slow,
            patience=options.patience, rate=options.rate, told=report,
        )  # fmt: skip
        results = asyncio.run(running)
    except (Unmet, ValueError, OSError) as error:
        sys.stderr.write(f"conformance: {error}\n")
        return 2
    failed = sum(not result.ok for result in results)
    tell(f"{len(results)} checks, {failed} failed")
    return 1 if failed else 0


def parser() -> argparse.ArgumentParser:
    """The command line's options."""
    made = argparse.ArgumentParser(
        prog="python -m notifs.testing.conformance",
        description="Check that a server speaks /notifs as docs/protocol.md says. Exit status 1 if it does not.",
        epilog=f"Cookies are also read from {SECRETS}COOKIE and {SECRETS}OTHER_COOKIE, passwords from "
        f"{SECRETS}PASSWORD and {SECRETS}OTHER_PASSWORD; else passwords are asked for.",
    )
    made.add_argument("url", nargs="?", help="where the application is, like http://localhost:8000")
    for who, prefix in (("the first", ""), ("the other", "other-")):
        made.add_argument(f"--{prefix}cookie", default="", help=f"the Cookie header of {who} person's sign-in")
        made.add_argument(f"--{prefix}email", default="", help=f"{who} person's address, to sign in at /login/")
        made.add_argument(f"--{prefix}name", default="", help=f"what --send calls {who} person; else their address")
    made.add_argument("--send", metavar="COMMAND", help="makes a notification; {to} and {title} are replaced")
    made.add_argument("--only", metavar="NAME", action="append", default=[], help="run this check; may be repeated")
    made.add_argument("--slow", action="store_true", help="also run checks that take longer than a few seconds")
    made.add_argument("--patience", type=float, default=10.0, metavar="SECONDS", help="how long to wait for a message")
    made.add_argument("--rate", type=int, default=20, help="events that a socket may send in a second there")
    made.add_argument("--list", action="store_true", help="list the checks, and run none")
    return made


def _account(url: str, options: argparse.Namespace, prefix: str = "") -> Account:
    """A person, by a cookie or by signing in.

    Raises:
        ValueError: neither is given, or no name.
    """
    cookie, email, name = (getattr(options, f"{prefix}{each}") for each in ("cookie", "email", "name"))
    secret = f"{SECRETS}{prefix.upper()}"
    cookie = cookie or os.environ.get(f"{secret}COOKIE", "")
    option = f"--{prefix.replace('_', '-')}"
    if not cookie and not email:
        raise ValueError(f"give {option}cookie or {option}email")
    if not name and not email:
        raise ValueError(f"give {option}name: what --send calls the person")
    if not cookie:
        password = os.environ.get(f"{secret}PASSWORD") or getpass.getpass(f"Password of {email}: ")
        cookie = sign_in(url.rstrip("/"), email, password)
    return Account(name or email, cookie)


if __name__ == "__main__":
    sys.exit(main())

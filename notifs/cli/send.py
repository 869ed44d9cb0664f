"""`notifs send` and `notifs run`: notify from a terminal."""

import sys
from typing import Annotated, Any

import typer

from notifs.cli.base import Email, existing, on_loop

Title = Annotated[str, typer.Argument(help="One line, at most 200 characters.")]


@on_loop
async def send(
    email: Email,
    title: Title,
    body: Annotated[str, typer.Option(help="More text, at most 4 KiB.")] = "",
    url: Annotated[str | None, typer.Option(help="Where it leads: http(s), or a path that begins with /.")] = None,
    kind: Annotated[str, typer.Option(help="Its kind, like comment.posted.")] = "message",
    priority: Annotated[str, typer.Option(help="low, normal, high or urgent.")] = "normal",
    idempotency_key: Annotated[
        str | None, typer.Option(help="A name for this very notification: sent again within a day, it is not repeated.")
    ] = None,
) -> None:
    """Send a notification to a person, and print its id."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        person = await notifs.store.user(email)
        fields: dict[str, Any] = {"title": title, "body": body, "url": url, "kind": kind, "priority": priority}
        typer.echo(await notifs.notify(to=person.id, idempotency_key=idempotency_key, **fields))


def run(
    command: Annotated[list[str], typer.Argument(help="The command and its arguments, after --.")],
    to: Annotated[str, typer.Option(help="The email address of who is to be told.")],
) -> None:
    """Run a command, and notify when it is done: how it ended, and how long it took. Passes its exit status on."""
    from notifs.run import run_and_tell

    sys.exit(run_and_tell(existing(), command, to))

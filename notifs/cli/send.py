"""`notifs send`, `announce`, `retract`, `job` and `run`: notify from a terminal."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifs.cli.base import existing, on_loop
from notifs.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from notifs.app import Notifs

Title = Annotated[str, typer.Argument(help="One line, at most 200 characters.")]
Id = Annotated[str, typer.Argument(help="The id that was printed when it was sent.")]
Body = Annotated[str, typer.Option(help="More text, at most 4 KiB.")]
Url = Annotated[str | None, typer.Option(help="Where it leads: http(s), or a path that begins with /.")]
Kind = Annotated[str, typer.Option(help="Its kind, like comment.posted.")]
Priority = Annotated[str, typer.Option(help="low, normal, high or urgent.")]
IdempotencyKey = Annotated[
    str | None, typer.Option(help="A name for this very notification: sent again within a day, it is not repeated.")
]
FORMS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
At = Annotated[
    datetime | None,
    typer.Option(
        formats=FORMS, metavar="TIME", help="When it goes out, like 2026-12-24T10:00 of this machine's time zone."
    ),
]
End = Annotated[
    datetime | None,
    typer.Option(
        formats=FORMS, metavar="TIME", help="When it disappears, like 2026-12-24T10:00 of this machine's time zone."
    ),
]


@on_loop
async def send(
    people_and_title: Annotated[
        list[str], typer.Argument(metavar="[PERSON]... TITLE", help="Email addresses or recipient ids, and one line.")
    ],
    topic: Annotated[list[str] | None, typer.Option(help="A topic whose followers get it too; more than once.")] = None,
    body: Body = "",
    url: Url = None,
    kind: Kind = "message",
    priority: Priority = "normal",
    at: At = None,
    expires: End = None,
    dedupe_key: Annotated[
        str | None, typer.Option(help="While one under the same key is unread, that one is brought up to date.")
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> None:
    """Send a notification to people, to followers of topics, or to both, and print its id.

    What goes to many is sent part by part; a bar shows how far it is. Interrupted, a server does the rest.
    """
    from notifs.app import Notifs

    *people, title = people_and_title
    if not (people or topic):
        raise BadRequest("nobody is named; give a person before the title, or --topic")
    fields: dict[str, Any] = {"title": title, "body": body, "url": url, "kind": kind, "priority": priority}
    terms: dict[str, Any] = {"send_at": _moment(at), "expires_at": _moment(expires), "dedupe_key": dedupe_key}
    async with Notifs(existing()).open() as notifs:
        to = await notifs.store.recipients.resolve(people, create=False) if people else []
        id = await notifs.notify(to=to, topics=topic or (), idempotency_key=idempotency_key, **terms, **fields)
        typer.echo(id)
        if at is None:
            await _finish(notifs, id)


@on_loop
async def announce(
    title: Title,
    body: Body = "",
    url: Url = None,
    kind: Kind = "message",
    priority: Priority = "normal",
    expires: End = None,
    idempotency_key: IdempotencyKey = None,
) -> None:
    """Send a notification to everyone, and print its id. It is one row, however many they are."""
    from notifs.app import Notifs

    fields: dict[str, Any] = {"title": title, "body": body, "url": url, "kind": kind, "priority": priority}
    async with Notifs(existing()).open() as notifs:
        typer.echo(await notifs.announce(expires_at=_moment(expires), idempotency_key=idempotency_key, **fields))


@on_loop
async def retract(id: Id) -> None:
    """Take a notification back: it disappears from every mailbox, and from the counts."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        if not await notifs.retract(id):
            raise NotFound(f"there is no notification {id}; it may have been taken back already")
    typer.echo(f"{id} is taken back")


@on_loop
async def job(id: Id) -> None:
    """Show how far the sending of a notification is, and help with it until it is done."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        progress = await notifs.progress(id)
        if progress is None:
            raise NotFound(f"there is no job for {id}; what goes to few is sent at once")
        if progress.due_at.timestamp() > datetime.now().astimezone().timestamp():
            typer.echo(f"it goes out at {progress.due_at.astimezone():%Y-%m-%d %H:%M:%S %Z}")
            return
        await _finish(notifs, id)
        progress = await notifs.progress(id)
        if progress is not None:
            typer.echo(f"{progress.done} of {progress.total} have it")


async def _finish(notifs: "Notifs", id: str) -> None:
    """Do what is left, beside the servers, and show it on the terminal."""
    progress = await notifs.progress(id)
    if progress is None or progress.finished_at is not None:
        return
    with typer.progressbar(length=progress.total, label="sending", file=sys.stderr) as bar:
        async for progress in notifs.finish(id):
            bar.update(progress.done - bar.pos)


def _moment(local: datetime | None) -> datetime | None:
    """A moment with its time zone: that of this machine, if none is given."""
    return None if local is None else local.astimezone()


def run(
    command: Annotated[list[str], typer.Argument(help="The command and its arguments, after --.")],
    to: Annotated[str, typer.Option(help="The email address of who is to be told.")],
) -> None:
    """Run a command, and notify when it is done: how it ended, and how long it took. Passes its exit status on."""
    from notifs.run import run_and_tell

    sys.exit(run_and_tell(existing(), command, to))

"""The command line: `notifs serve | db | user | send | run`.

What it needs is imported inside the commands, so that `notifs --help` answers at once.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

from notifs.errors import BadRequest, NotifsError, SchemaError, SettingsError

if TYPE_CHECKING:
    from notifs.settings import Settings

P = ParamSpec("P")
app = typer.Typer(
    name="notifs",
    help="Notifications for async Python web apps. What can be set is read from NOTIFS_* environment variables.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
db = typer.Typer(help="The database: its schema, its upkeep.", no_args_is_help=True)
user = typer.Typer(help="People with an account.", no_args_is_help=True)
app.add_typer(db, name="db")
app.add_typer(user, name="user")

Title = Annotated[str, typer.Argument(help="One line, at most 200 characters.")]
Email = Annotated[str, typer.Argument(help="The email address of an account.")]


def main() -> None:
    """The entry point: a NotifsError is one line on the terminal and exit status 1."""
    try:
        app(prog_name="notifs")
    except NotifsError as error:
        typer.echo(f"notifs: {error.message}", err=True)
        sys.exit(1)


def _async(command: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(command(*args, **kwargs))

    return run


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 for any free one.", min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Processes.", min=1, max=64)] = 1,
) -> None:
    """Serve the application until told to stop.

    In development (which it is unless NOTIFS_ENVIRONMENT=production), a new SQLite file is migrated and gets two demo
    people, whose password is printed.
    """
    from notifs.serve import bind, prepare, run

    settings = _settings()
    with bind(host, port) as bound:
        asyncio.run(prepare(settings, typer.echo))
        run(settings, bound, host=host, workers=workers, tell=typer.echo)


@db.command()
@_async
async def upgrade() -> None:
    """Run the migrations that are missing. A SQLite file that is not there is made."""
    from notifs.store import schema
    from notifs.store.database import Database

    database = Database(_settings().database_url)
    try:
        before, after = await schema.upgrade(database)
    finally:
        await database.close()
    typer.echo(
        f"the database is at revision {after}"
        + (", as it was" if before == after else f", it was at {before or 'nothing'}")
    )


@db.command()
@_async
async def check(
    fix: Annotated[bool, typer.Option("--fix", help="Set what is wrong to what was counted.")] = False,
) -> None:
    """Say whether the database is as it should be; exit status 1 if not.

    That is: it has the schema that this version needs, and each mailbox counts what is in it.
    """
    from notifs.store import Store, schema
    from notifs.store.database import Database

    database = Database(_existing().database_url)
    count, wrong = 0, 0
    try:
        revision = await schema.check(database)
        store = await Store(database).open()
        async for some, found in store.recount():
            count, wrong = count + some, wrong + len(found)
            for each in found:
                typer.echo(f"{each.recipient}: {each.what}")
                if fix:
                    await store.repair(each.recipient)
    finally:
        await database.close()
    if wrong and not fix:
        raise SchemaError(f"{wrong} of {count} mailboxes are wrong; repair them with: notifs db check --fix")
    told = f"{wrong} of {count} mailboxes were wrong and are repaired" if wrong else f"{count} mailboxes are right"
    typer.echo(f"the database is at revision {revision}, as it should be; {told}")


@db.command()
@_async
async def prune(
    days: Annotated[
        int | None, typer.Option(help="Days to keep what is read or archived; else NOTIFS_KEEP_DAYS.", min=1)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
) -> None:
    """Delete what was read or archived long ago, or has expired. What is unread stays, unless it has expired."""
    from notifs.app import Notifs

    settings = _existing()
    async with Notifs(settings).open() as notifs:
        gone = await notifs.store.prune(days or settings.keep_days, dry_run=dry_run)
    ended = f"{gone.keys} idempotency keys, {gone.sessions} sessions"
    if dry_run:
        typer.echo(f"would delete {gone.copies} copies ({gone.unread} of them unread and expired), {ended}")
    else:
        copies = f"{gone.copies} copies ({gone.unread} of them unread and expired)"
        typer.echo(f"deleted {copies}, {gone.notifications} notifications, {ended}")


@db.command()
@_async
async def new_epoch() -> None:
    """Begin a new epoch, after a backup was restored: clients drop what they know, and get a snapshot."""
    from notifs.app import Notifs

    async with Notifs(_existing()).open() as notifs:
        epoch = await notifs.store.new_epoch()
    typer.echo(f"the epoch is {epoch}; workers notice at their next head check, and every client gets a snapshot")


@user.command()
@_async
async def add(
    email: Annotated[str, typer.Argument(help="The address to sign in with.")],
    name: Annotated[str, typer.Option(help="How the person is called; else the part before the @.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add a person. The password is asked for, or read from standard input."""
    from notifs.app import Notifs
    from notifs.store import accounts

    settings = _existing()
    accounts.normal_email(email)
    accounts.check_name(name)
    password = _password_from_stdin() if password_stdin else _password_from_prompt()
    accounts.check_password(password)
    async with Notifs(settings).open() as notifs:
        person = await notifs.store.add_user(email, name, accounts.hash_password(password))
    typer.echo(f"added {person.email}, whose recipient id is {person.id}")


@user.command("list")
@_async
async def list_() -> None:
    """List the people, one a line: recipient id, address, name."""
    from notifs.app import Notifs

    async with Notifs(_existing()).open() as notifs:
        for person in await notifs.store.users():
            typer.echo(f"{person.id}  {person.email}  {person.name}")


@user.command("sign-out")
@_async
async def sign_out(email: Email) -> None:
    """End all sign-ins of a person, and their open sockets on every worker."""
    from notifs.app import Notifs

    async with Notifs(_existing()).open() as notifs:
        person = await notifs.store.user(email)
        count = await notifs.store.end_sessions(person.id)
        await notifs.disconnect(person.id)
    typer.echo(f"ended {count} sign-in{'' if count == 1 else 's'} of {person.email}")


@app.command()
@_async
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

    async with Notifs(_existing()).open() as notifs:
        person = await notifs.store.user(email)
        fields: dict[str, Any] = {"title": title, "body": body, "url": url, "kind": kind, "priority": priority}
        typer.echo(await notifs.notify(to=person.id, idempotency_key=idempotency_key, **fields))


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def run(
    command: Annotated[list[str], typer.Argument(help="The command and its arguments, after --.")],
    to: Annotated[str, typer.Option(help="The email address of who is to be told.")],
) -> None:
    """Run a command, and notify when it is done: how it ended, and how long it took. Passes its exit status on."""
    from notifs.run import run_and_tell

    sys.exit(run_and_tell(_existing(), command, to))


def _settings() -> "Settings":
    from notifs import logs
    from notifs.settings import Settings

    settings = Settings.load()
    logs.configure(settings)
    path = settings.sqlite_path
    if path is not None and not path.parent.is_dir():
        raise SettingsError(f"NOTIFS_DATABASE_URL: there is no folder {path.parent.absolute()}; make it first")
    return settings


def _existing() -> "Settings":
    """Settings whose SQLite file is there: only `serve` and `db upgrade` make one."""
    settings = _settings()
    if settings.sqlite_path is not None and not settings.sqlite_path.is_file():
        raise SchemaError(
            f"there is no database {settings.sqlite_path.absolute()}; go to the folder where notifs serve runs, "
            "or set NOTIFS_DATABASE_URL as there, or make it with: notifs db upgrade"
        )
    return settings


def _password_from_stdin() -> str:
    try:
        return sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise BadRequest("the password is not text in UTF-8", code="invalid_password") from None


def _password_from_prompt() -> str:
    if not sys.stdin.isatty():
        raise BadRequest("there is no terminal to ask for the password on; give --password-stdin")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


if __name__ == "__main__":
    main()

"""`notifs user`: people with an account."""

import re
import sys
from typing import Annotated

import typer

from notifs.cli.base import Email, existing, on_loop, stored
from notifs.errors import BadRequest

System = Annotated[str, typer.Argument(help="The other system, like github.")]
Elsewhere = Annotated[str, typer.Argument(help="The login there; or a team, like org/team.")]

ACTOR = "cli"
"""Who does it, in the audit log."""
MOUNT = r"(/[\w.~-]+)*/?"
"""The path that notifs is mounted at in a host, as a pattern."""

user = typer.Typer(help="People with an account.", no_args_is_help=True)


@user.command()
@on_loop
async def add(
    email: Annotated[str, typer.Argument(help="The address to sign in with.")],
    name: Annotated[str, typer.Option(help="How the person is called; else the part before the @.")] = "",
    external_id: Annotated[
        str | None, typer.Option(help="What your application calls the person; it is the recipient id then.")
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Let the person look after everybody's account.")] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add a person. The password is asked for, or read from standard input."""
    from notifs.store import accounts

    settings = existing()
    address = accounts.normal_email(email)
    accounts.check_name(name)
    if external_id is not None:
        accounts.check_external_id(external_id)
    password = _password_from_stdin() if password_stdin else _password_from_prompt()
    accounts.check_password(password, address, name)
    password_hash = accounts.hash_password(password)
    async with stored(settings) as store:
        person = await store.add_user(email, name, password_hash, external_id, admin=admin, actor=ACTOR)
    typer.echo(f"added {person.email}, whose recipient id is {person.id}" + (", as an admin" if admin else ""))


@user.command("list")
@on_loop
async def list_() -> None:
    """List the people, one a line: recipient id, address, name, and whether they are admins or disabled."""
    async with stored() as store:
        for account in await store.accounts.page(limit=None):
            person = account.person
            marks = [word for word, is_so in (("admin", person.admin), ("disabled", account.disabled_at)) if is_so]
            mark = f"  ({', '.join(marks)})" if marks else ""
            typer.echo(f"{person.id}  {person.email}  {person.name}{mark}")


@user.command("admin")
@on_loop
async def admin_(
    email: Email,
    revoke: Annotated[bool, typer.Option("--revoke", help="Make the person none any more.")] = False,
) -> None:
    """Make a person an admin: they look after everybody's account on the pages below /admin/."""
    async with stored() as store:
        person = (await store.accounts.get(email)).person
        new = await store.accounts.set_admin(person.id, not revoke, actor=ACTOR)
    told = "is no admin any more" if revoke else "is an admin now"
    typer.echo(f"{person.email} {told}" if new else f"{person.email} {'was none' if revoke else 'was one'} already")


@user.command()
@on_loop
async def disable(email: Email) -> None:
    """Let a person sign in no more, and end all their sign-ins and open sockets. Their notifications are kept."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        person = (await notifs.store.accounts.get(email)).person
        ended = await notifs.store.accounts.disable(person.id, actor=ACTOR)
        await notifs.disconnect(person.id)
    typer.echo(f"{person.email} was disabled already" if ended is None else f"disabled {person.email}; {_told(ended)}")


@user.command()
@on_loop
async def enable(email: Email) -> None:
    """Let a person sign in again."""
    async with stored() as store:
        person = (await store.accounts.get(email)).person
        new = await store.accounts.enable(person.id, actor=ACTOR)
    typer.echo(f"enabled {person.email}" if new else f"{person.email} was not disabled")


@user.command("reset-link")
@on_loop
async def reset_link(
    email: Email,
    url: Annotated[
        str,
        typer.Option(help="Where notifs is, like https://example.org/inbox; else the first of NOTIFS_ORIGINS."),
    ] = "",
) -> None:
    """Print a link by which a person can set their password, once, within an hour. Give it to nobody else.
    Where notifs is mounted below a path, `--url` has that path, too.
    """
    from notifs.app import Notifs
    from notifs.settings import ORIGIN

    settings = existing()
    if url and not re.fullmatch(f"({ORIGIN.pattern}){MOUNT}", url, re.ASCII):
        raise BadRequest("--url is scheme and host, and the path of notifs there, if any: https://example.org/inbox")
    if not url and not settings.origins:
        raise BadRequest("it is not said where the site is; give --url https://example.org, or set NOTIFS_ORIGINS")
    async with Notifs(settings).open() as notifs:
        person = await notifs.store.user(email)
        typer.echo(await notifs.reset_link(person.id, url, actor=ACTOR))


@user.command("sign-out")
@on_loop
async def sign_out(email: Email) -> None:
    """End all sign-ins of a person, and their open sockets on every worker."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        person = await notifs.store.user(email)
        ended = await notifs.store.accounts.end_sign_ins(person.id, actor=ACTOR)
        await notifs.disconnect(person.id)
    typer.echo(f"{_told(ended)} of {person.email}")


@user.command()
@on_loop
async def link(email: Email, system: System, name: Elsewhere) -> None:
    """Say what a person is called in another system, so that its webhooks find them."""
    async with stored() as store:
        (recipient,) = await store.recipients.resolve([email], create=False)
        new = await store.links.link(system, name, recipient)
    typer.echo(f"{name} in {system} is {recipient}" + ("" if new else ", as it was"))


@user.command()
@on_loop
async def unlink(email: Email, system: System, name: Elsewhere) -> None:
    """Say that a person is not called so in another system."""
    async with stored() as store:
        (recipient,) = await store.recipients.resolve([email], create=False)
        gone = await store.links.unlink(system, name, recipient)
    typer.echo(f"{name} in {system} is not {recipient}" + (" any more" if gone else "; it was not"))


def _told(ended: list[str]) -> str:
    return f"ended {len(ended)} sign-in{'' if len(ended) == 1 else 's'}"


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

"""`notifs user`: people with an account."""

import sys
from typing import Annotated

import typer

from notifs.cli.base import Email, existing, on_loop, stored
from notifs.errors import BadRequest

System = Annotated[str, typer.Argument(help="The other system, like github.")]
Elsewhere = Annotated[str, typer.Argument(help="The login there; or a team, like org/team.")]

user = typer.Typer(help="People with an account.", no_args_is_help=True)


@user.command()
@on_loop
async def add(
    email: Annotated[str, typer.Argument(help="The address to sign in with.")],
    name: Annotated[str, typer.Option(help="How the person is called; else the part before the @.")] = "",
    external_id: Annotated[
        str | None, typer.Option(help="What your application calls the person; it is the recipient id then.")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add a person. The password is asked for, or read from standard input."""
    from notifs.store import accounts

    settings = existing()
    accounts.normal_email(email)
    accounts.check_name(name)
    if external_id is not None:
        accounts.check_external_id(external_id)
    password = _password_from_stdin() if password_stdin else _password_from_prompt()
    accounts.check_password(password)
    async with stored(settings) as store:
        person = await store.add_user(email, name, accounts.hash_password(password), external_id)
    typer.echo(f"added {person.email}, whose recipient id is {person.id}")


@user.command("list")
@on_loop
async def list_() -> None:
    """List the people, one a line: recipient id, address, name."""
    async with stored() as store:
        for person in await store.users():
            typer.echo(f"{person.id}  {person.email}  {person.name}")


@user.command("sign-out")
@on_loop
async def sign_out(email: Email) -> None:
    """End all sign-ins of a person, and their open sockets on every worker."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        person = await notifs.store.user(email)
        count = await notifs.store.end_sessions(person.id)
        await notifs.disconnect(person.id)
    typer.echo(f"ended {count} sign-in{'' if count == 1 else 's'} of {person.email}")


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

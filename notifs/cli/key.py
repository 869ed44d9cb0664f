"""`notifs key`: producers' keys to the API."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from notifs.cli.base import on_loop, stored

if TYPE_CHECKING:
    from notifs.store.keys import Key

key = typer.Typer(help="Keys to the API.", no_args_is_help=True)


@key.command()
@on_loop
async def create(
    name: Annotated[str, typer.Argument(help="Whose key it is: the producer's name.")],
    scope: Annotated[list[str], typer.Option(help="send, read or admin; may be given several times.")],
    kind: Annotated[
        list[str] | None, typer.Option(help="A kind that it may send, or comment.* for some; else it may send all.")
    ] = None,
    topic: Annotated[list[str] | None, typer.Option(help="A topic that it may send to; else it may to all.")] = None,
) -> None:
    """Make a key and print its token, once: KEY=$(notifs key create ci --scope send)."""
    async with stored() as store:
        made, token = await store.keys.create(name, scope, kind or None, topic or None, actor="cli")
    typer.echo(
        f"made the key {made.id} of {made.producer}; its token is shown this once, keep it as a secret", err=True
    )
    typer.echo(token)


@key.command("list")
@on_loop
async def list_() -> None:
    """List the keys, one a line: id, name, scopes, when it was made, last used, revoked."""
    async with stored() as store:
        for each in await store.keys.list():
            typer.echo(_line(each))


@key.command()
@on_loop
async def revoke(id: Annotated[str, typer.Argument(help="The key's id; it is the middle part of its token.")]) -> None:
    """Make a key worthless, within two seconds on every worker."""
    async with stored() as store:
        gone = await store.keys.revoke(id, actor="cli")
    typer.echo(f"revoked the key {gone.id} of {gone.producer}")


def _line(key: "Key") -> str:
    scopes = ",".join(sorted(key.scopes))
    used = f"last used {_moment(key.last_used_at)}" if key.last_used_at else "never used"
    parts = [key.id, key.producer, scopes, f"made {_moment(key.created_at)}", used]
    if key.revoked_at:
        parts.append(f"revoked {_moment(key.revoked_at)}")
    for what, names in (("kinds", key.kinds), ("topics", key.topics)):
        if names is not None:
            parts.append(f"{what} {','.join(names)}")
    return "  ".join(parts)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}"

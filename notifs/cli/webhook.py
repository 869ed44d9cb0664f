"""`notifs webhook`: who outside is told of events, and what is on its way to them."""

import uuid
from typing import Annotated

import typer

from notifs.cli.base import existing, on_loop
from notifs.errors import NotFound

webhook = typer.Typer(help="Webhooks: who outside is told of what happens here.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The webhook's id, like wh_0123456789abcdef.")]


@webhook.command()
@on_loop
async def add(
    url: Annotated[str, typer.Argument(help="Where to: https://..., outside or in NOTIFS_WEBHOOK_NETWORKS.")],
    event: Annotated[
        list[str] | None, typer.Option(help="created, read or archived; give it several times. Without it, all three.")
    ] = None,
) -> None:
    """Tell this address of events from now on, and print its secret: SECRET=$(notifs webhook add URL)."""
    from notifs.app import Notifs
    from notifs.store.events import TYPES

    wanted = [name if name.startswith("notification.") else f"notification.{name}" for name in event or TYPES]
    async with Notifs(existing()).open() as notifs:
        hook = await notifs.outbound.add(url, wanted)
        secret = notifs.outbound.secret(hook.id)
    typer.echo(f"added {hook.id} for {', '.join(hook.events)}; its receiver needs the secret that follows", err=True)
    typer.echo(secret)


@webhook.command("list")
@on_loop
async def list_() -> None:
    """List the webhooks, one a line: id, whether it is disabled, address, events."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        for hook in await notifs.store.webhooks.all():
            state = "disabled" if hook.disabled_at else "enabled"
            typer.echo(f"{hook.id}  {state}  {hook.url}  {' '.join(hook.events)}")


@webhook.command()
@on_loop
async def remove(id: Id) -> None:
    """Forget a webhook and its deliveries."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        await notifs.store.webhooks.remove(id)
    typer.echo(f"removed {id}")


@webhook.command()
@on_loop
async def disable(id: Id) -> None:
    """Tell a webhook nothing any more; what is on its way to it is given up."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        await notifs.store.webhooks.disable(id)
    typer.echo(f"disabled {id}")


@webhook.command()
@on_loop
async def enable(id: Id) -> None:
    """Tell a disabled webhook of what happens from now on."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        await notifs.store.webhooks.enable(id)
    typer.echo(f"enabled {id}")


@webhook.command()
@on_loop
async def secret(id: Id) -> None:
    """Print the secret of a webhook. It follows from NOTIFS_SECRET_KEY and changes with it."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        if id not in [hook.id for hook in await notifs.store.webhooks.all()]:
            raise NotFound(f"there is no webhook {id}")
        typer.echo(notifs.outbound.secret(id))


@webhook.command()
@on_loop
async def deliveries(
    failed: Annotated[bool, typer.Option("--failed", help="Only those that were given up.")] = False,
    limit: Annotated[int, typer.Option(help="How many, at most.", min=1)] = 100,
) -> None:
    """List the newest deliveries, one a line: id, webhook, when it was made, attempts, how it stands."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        for each in await notifs.store.webhooks.deliveries(failed=failed, limit=limit):
            if each.finished_at is None:
                state = f"next try {each.next_at:%Y-%m-%dT%H:%M:%SZ}" + (f", {each.error}" if each.error else "")
            else:
                state = f"given up, {each.error}" if each.error else "delivered"
            made = f"{each.created_at:%Y-%m-%dT%H:%M:%SZ}"
            attempts = f"{each.attempts} attempt{'' if each.attempts == 1 else 's'}"
            typer.echo(f"{each.id}  {each.webhook}  {made}  {attempts}  {state}")


@webhook.command()
@on_loop
async def retry(
    delivery: Annotated[str, typer.Argument(help="The delivery's id; see: notifs webhook deliveries --failed.")],
) -> None:
    """Send a delivery once more, now."""
    from notifs.app import Notifs

    try:
        id = uuid.UUID(delivery)
    except ValueError:
        raise NotFound(f"there is no delivery {delivery}") from None
    async with Notifs(existing()).open() as notifs:
        await notifs.store.webhooks.retry(id)
    typer.echo(f"{id} is tried again within a second, where notifs serve runs")

"""`notifs db`: the schema of the database, and its upkeep."""

from typing import Annotated

import typer

from notifs.cli.base import existing, on_loop, read_settings, stored
from notifs.errors import SchemaError

db = typer.Typer(help="The database: its schema, its upkeep.", no_args_is_help=True)


@db.command()
@on_loop
async def upgrade() -> None:
    """Run the migrations that are missing. A SQLite file that is not there is made."""
    from notifs.store import schema
    from notifs.store.database import Database

    database = Database(read_settings().database_url)
    try:
        before, after = await schema.upgrade(database)
    finally:
        await database.close()
    typer.echo(
        f"the database is at revision {after}"
        + (", as it was" if before == after else f", it was at {before or 'nothing'}")
    )


@db.command()
@on_loop
async def check(
    fix: Annotated[bool, typer.Option("--fix", help="Set what is wrong to what was counted.")] = False,
) -> None:
    """Say whether the database is as it should be; exit status 1 if not.

    That is: it has the schema that this version needs, and each mailbox counts what is in it.
    """
    from notifs.store import Store, schema
    from notifs.store.database import Database

    database = Database(existing().database_url)
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
@on_loop
async def prune(
    days: Annotated[
        int | None, typer.Option(help="Days to keep what is read or archived; else NOTIFS_KEEP_DAYS.", min=1)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
) -> None:
    """Delete what was read or archived long ago, or has expired. What is unread stays, unless it has expired.

    Lines of the audit log go after NOTIFS_AUDIT_DAYS.
    """
    settings = existing()
    async with stored(settings) as store:
        gone = await store.prune(days or settings.keep_days, audit_days=settings.audit_days, dry_run=dry_run)
    ended = (
        f"{gone.keys} idempotency keys, {gone.sessions} sessions, {gone.jobs} jobs, "
        f"{gone.announcements} announcements, {gone.deliveries} deliveries to webhooks, "
        f"{gone.audit} lines of the audit log, {gone.limits} counts of tries"
    )
    if dry_run:
        typer.echo(f"would delete {gone.copies} copies ({gone.unread} of them unread and expired), {ended}")
    else:
        copies = f"{gone.copies} copies ({gone.unread} of them unread and expired)"
        typer.echo(f"deleted {copies}, {gone.notifications} notifications, {ended}")


@db.command()
@on_loop
async def new_epoch() -> None:
    """Begin a new epoch, after a backup was restored: clients drop what they know, and get a snapshot."""
    async with stored() as store:
        epoch = await store.new_epoch()
    typer.echo(f"the epoch is {epoch}; workers notice at their next head check, and every client gets a snapshot")

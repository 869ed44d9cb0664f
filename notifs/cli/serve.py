"""`notifs serve`: the application, until it is told to stop."""

import asyncio
from typing import Annotated

import typer

from notifs.cli.base import read_settings


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 for any free one.", min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Processes.", min=1, max=64)] = 1,
) -> None:
    """Serve the application until told to stop.

    In development (which it is unless NOTIFS_ENVIRONMENT=production), a new SQLite file is migrated and gets two demo
    people, whose password is printed.
    """
    from notifs.serve import bind, prepare
    from notifs.serve import run as run_server

    settings = read_settings()
    with bind(host, port) as bound:
        asyncio.run(prepare(settings, typer.echo))
        run_server(settings, bound, host=host, workers=workers, tell=typer.echo)

"""The command line: `notifs serve | db | user | key | topic | webhook | send | ...`.

What it needs is imported inside the commands, so that `notifs --help` answers at once.
"""

import sys

import typer

from notifs.cli.audit import audit
from notifs.cli.db import db
from notifs.cli.key import key
from notifs.cli.send import announce, job, retract, run, send
from notifs.cli.serve import serve
from notifs.cli.topic import topic
from notifs.cli.user import user
from notifs.cli.webhook import webhook
from notifs.errors import NotifsError

app = typer.Typer(
    name="notifs",
    help="Notifications for async Python web apps. What can be set is read from NOTIFS_* environment variables.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(serve)
for command in (send, announce, retract, job, audit):
    app.command()(command)
app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})(run)
app.add_typer(db, name="db")
app.add_typer(user, name="user")
app.add_typer(key, name="key")
app.add_typer(topic, name="topic")
app.add_typer(webhook, name="webhook")


def main() -> None:
    """The entry point: a NotifsError is one line on the terminal and exit status 1."""
    try:
        app(prog_name="notifs")
    except NotifsError as error:
        typer.echo(f"notifs: {error.message}", err=True)
        sys.exit(1)

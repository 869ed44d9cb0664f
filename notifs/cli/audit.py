"""`notifs audit`: what happened, and who did it."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from notifs.cli.base import on_loop, stored
from notifs.errors import BadRequest

if TYPE_CHECKING:
    from notifs.store.audit import Line

PAGE = 500


@on_loop
async def audit(
    user: Annotated[str | None, typer.Option(help="Only what is about this address or recipient id.")] = None,
    event: Annotated[str | None, typer.Option(help="Only lines of this event, like sign_in_failed.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Not before: 2026-12-24, 2026-12-24T18:00 in UTC; or 30m, 12h, 7d ago.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
) -> None:
    """Show the audit log, one line each, the newest first: when, what, about whom, by whom, from where."""
    from notifs.store.audit import EVENTS

    if event is not None and event not in EVENTS:
        raise BadRequest(f"there is no event {event}; there are {', '.join(EVENTS)}")
    begin = _moment(since) if since else None
    async with stored() as store:
        recipient = (await store.recipients.resolve([user], create=False))[0] if user else None
        before = None
        while page := await store.audit.read(recipient, event=event, since=begin, before=before, limit=PAGE):
            for line in page:
                typer.echo(_json(line) if as_json else _line(line))
            before = page[-1].id


def _moment(text: str) -> datetime:
    units = {"m": "minutes", "h": "hours", "d": "days"}
    try:
        if text[-1] in units:
            return datetime.now(UTC) - timedelta(**{units[text[-1]]: int(text[:-1])})
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise BadRequest("--since is a date like 2026-12-24, with or without a time, or 30m, 12h or 7d") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _line(line: "Line") -> str:
    parts = [f"{line.at:%Y-%m-%dT%H:%M:%SZ}", line.event, line.recipient or "-"]
    parts += [f"{name} {value}" for name, value in (("by", line.actor), ("from", line.address)) if value]
    parts += [f"{name}={value}" for name, value in line.detail.items()]
    return "  ".join(part if part.isprintable() else repr(part) for part in parts)


def _json(line: "Line") -> str:
    told = {"id": str(line.id), "at": f"{line.at:%Y-%m-%dT%H:%M:%S.%fZ}", "event": line.event}
    about = {"recipient": line.recipient, "actor": line.actor, "address": line.address, "detail": line.detail}
    return json.dumps({**told, **about})

"""The audit log as people read it: some lines, the newest first, and a link to older ones."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from notifs.store import Store
from notifs.store.accounts import Person, uuid_of
from notifs.store.audit import Line


@dataclass(frozen=True, slots=True)
class Happened:
    """A line of it. `who` and `by` are those of `recipient` and `actor` that have an account still."""

    at: datetime
    words: str
    address: str | None
    detail: dict[str, Any]
    recipient: str | None
    actor: str | None
    who: Person | None
    by: Person | None


class History:
    """Reads pages of the audit log."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(
        self, request: Request, recipient: str | None = None, event: str | None = None, *, limit: int
    ) -> tuple[list[Happened], str | None]:
        """Lines about a recipient, or all; of one event, or any; and the address of the page with older ones.

        `?before=` of the request is the id below which they are; what is no id is as if it was not there.
        """
        before = uuid_of(request.query_params.get("before", ""))
        lines = await self._store.audit.read(recipient, event=event, before=before, limit=limit + 1)
        shown = lines[:limit]
        names = {name for line in shown for name in (line.recipient, line.actor) if name is not None}
        people = await self._store.accounts.named(sorted(names))
        older = None
        if len(lines) > limit:
            kept = {name: value for name, value in request.query_params.items() if name not in ("before", "done")}
            older = f"{request.url.path}?{urlencode({**kept, 'before': str(shown[-1].id)})}"
        return [_happened(line, people) for line in shown], older


def _happened(line: Line, people: dict[str, Person]) -> Happened:
    who, by = (people.get(name or "") for name in (line.recipient, line.actor))
    return Happened(line.at, line.words, line.address, line.detail, line.recipient, line.actor, who, by)

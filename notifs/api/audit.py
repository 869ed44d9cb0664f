"""The audit log, for who looks after the whole."""

from dataclasses import asdict

from notifs.api import answers, cursors
from notifs.api.asks import Audited
from notifs.api.call import Call
from notifs.api.operations import operation
from notifs.errors import InvalidCursor
from notifs.store import Store


class Audit:
    """`/audit`."""

    def __init__(self, store: Store) -> None:
        self._audit = store.audit

    @operation("GET", "/audit", scope="admin", answers={200: answers.AuditLog}, refusals=[InvalidCursor])
    async def audit(self, call: Call, query: Audited) -> answers.AuditLog:
        """Read the audit log, newest first.

        Who signed in, who could not, which sign-ins were ended, what admins and keys did.
        """
        rows = await self._audit.read(
            query.recipient,
            event=query.event,
            since=query.since,
            before=cursors.before(query.cursor),
            limit=query.limit + 1,
        )
        items, next = cursors.page(rows, query.limit, lambda line: str(line.id))
        return answers.AuditLog(items=[answers.AuditLine(**asdict(line)) for line in items], next=next)

"""What a producer wants to be sent, and what became of it."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from notifs.store.idempotency import Key
from notifs.store.mailbox import Change

DIRECT = 1000
"""Copies that are made or changed in the transaction of the call itself; more of them are a job."""


class Draft(NamedTuple):
    """A notification that is not stored yet, and whom it is for.

    `columns` are those of the table of notifications, `id`, `kind` and `created_at` among them. Recipients are in
    ascending order and named once; the followers of `topics` come to them, and those of `exclude` do not.
    """

    columns: dict[str, Any]
    recipients: Sequence[str]
    topics: Sequence[str] = ()
    exclude: Sequence[str] = ()
    key: Key | None = None

    @property
    def id(self) -> uuid.UUID:
        id: uuid.UUID = self.columns["id"]
        return id

    @property
    def producer(self) -> str:
        return str(self.columns.get("producer", ""))

    @property
    def send_at(self) -> datetime | None:
        return self.columns.get("send_at")

    @property
    def expires_at(self) -> datetime | None:
        return self.columns.get("expires_at")

    @property
    def dedupe_key(self) -> str | None:
        return self.columns.get("dedupe_key")


class Sent(NamedTuple):
    """What the producer is told. The same call under the same idempotency key is told the same."""

    id: str
    recipients: int
    """How many it goes to, the followers of its topics included, as far as they are known now."""
    job: str | None
    """The job that sends it: it goes to many, or later. None: all have it."""
    new: bool = True
    """It was sent by this very call, and not by an earlier one under the same idempotency key."""


class Outcome(NamedTuple):
    """What the producer is told, and what there is to push."""

    sent: Sent
    changes: Sequence[Change] = ()
    touched: Sequence[str] = ()
    """Recipients whose mailboxes changed in a way that is to be read from the store."""

"""Sending, changing and taking back notifications, and what has become of them."""

import asyncio
import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel
from starlette.datastructures import Headers

from notifs.api import answers, cursors
from notifs.api.asks import Announce, Batch, Change, Item, Paged, PagedByKind, Send
from notifs.api.call import Call, checked
from notifs.api.fields import Id, Name
from notifs.api.operations import Reply, operation
from notifs.api.people import INVALID_RECIPIENT, UNKNOWN_RECIPIENT, People
from notifs.errors import (
    ChangedMeanwhile,
    IdempotencyConflict,
    InvalidCursor,
    InvalidNotification,
    NotFound,
    NotifsError,
    StoreUnavailable,
)
from notifs.kinds import Kind, Kinds
from notifs.notifier import Notifier
from notifs.store import Sent, SentOne, Store
from notifs.store.sent import Counts

LARGE = 8 * 1024 * 1024
"""Bytes of a body that names many recipients, or has many notifications."""
AT_A_TIME = 20
"""Items of a batch that are checked before others on the event loop have their turn."""
AFTER = {"id": "$response.body#/id"}
NEXT = dict.fromkeys(("notification", "receipts", "change", "retract"), AFTER)
NOT_SENT = (InvalidNotification, IdempotencyConflict, UNKNOWN_RECIPIENT, INVALID_RECIPIENT)


class Notifications:
    """`/notifications`, `/announcements` and `/subjects`."""

    def __init__(self, store: Store, notifier: Notifier, kinds: Kinds, people: People, base: str) -> None:
        self._store = store
        self._notifier = notifier
        self._kinds = kinds
        self._people = people
        self._base = base

    @operation(
        "POST", "/notifications", scope="send", answers={201: answers.Sent, 202: answers.Sent}, refusals=NOT_SENT,
        wrong=InvalidNotification, limit=LARGE, sent=("Idempotency-Key",), given=("Location", "Idempotency-Replayed"),
        links={**NEXT, "job": {"id": "$response.body#/job"}},
    )  # fmt: skip
    async def send(self, call: Call, body: Send) -> Reply:
        """Send a notification.

        It goes to the recipients in `to`, and to the followers of `topics`. 201: all have it. 202: it goes to more than
        1,000, or later; `job` says how far it is. Under an `Idempotency-Key` the same request may be made again for 24
        hours: it is done once, and answered with the same.
        """
        sent = await self._send(call, body, call.idempotency_key)
        place = f"jobs/{sent.job}" if sent.job else f"notifications/{sent.id}"
        headers = {"location": f"{self._base}/{place}"}
        if not sent.new:
            headers["idempotency-replayed"] = "true"
        told = answers.Sent(id=uuid.UUID(sent.id), recipients=sent.recipients, job=_uuid(sent.job))
        return Reply(told, 202 if sent.job else 201, headers)

    @operation(
        "POST", "/notifications/batch", scope="send", answers={200: answers.Results},
        limit=LARGE, sent=("Idempotency-Key",),
    )  # fmt: skip
    async def batch(self, call: Call, body: Batch) -> answers.Results:
        """Send up to 1,000 notifications.

        Each is accepted or refused by itself, and `results` has the answers in the order of the items. With the
        header `Idempotency-Key: k` the first item's key is `k:0`, the next one's `k:1`; an item may also have its own.
        Each item counts as a request.
        """
        key = call.idempotency_key
        if len(body.items) > 1:
            await call.charge(len(body.items) - 1)
        tasks = []
        async with asyncio.TaskGroup() as group:
            for number, item in enumerate(body.items):
                tasks.append(group.create_task(self._item(call, item, key and f"{key}:{number}")))
                if number % AT_A_TIME == AT_A_TIME - 1:
                    await asyncio.sleep(0)
        return answers.Results(results=[task.result() for task in tasks])

    @operation("GET", "/notifications", scope="read", answers={200: answers.Listing}, refusals=[InvalidCursor])
    async def notifications(self, call: Call, query: PagedByKind) -> answers.Listing:
        """List what was sent with this key's name, newest first.

        A key with the scope `admin` sees what everybody has sent.
        """
        before = cursors.before(query.cursor)
        rows = await self._store.sent.page(call.producer, query.kind, before=before, limit=query.limit + 1)
        items, next = cursors.page(rows, query.limit, lambda one: str(one.id))
        return answers.Listing(items=[answers.Listed(**_listed(one)) for one in items], next=next)

    @operation(
        "GET", "/notifications/{id}", scope="read", answers={200: answers.Shown}, sent=("If-None-Match",),
        given=("ETag",),
    )  # fmt: skip
    async def notification(self, call: Call, id: Id) -> Reply:
        """Look at a notification, and at how many have seen and read it."""
        return self._shown(await self._find(call, id))

    @operation(
        "GET", "/notifications/{id}/receipts", scope="read", answers={200: answers.Receipts}, refusals=[InvalidCursor]
    )
    async def receipts(self, call: Call, id: Id, query: Paged) -> answers.Receipts:
        """List who has it, by recipient, and when they saw, read and archived it."""
        await self._own(call, id)
        after = cursors.after(query.cursor)
        rows = await self._store.sent.receipts(id, after=after, limit=query.limit + 1)
        items, next = cursors.page(rows, query.limit, lambda one: one.recipient)
        return answers.Receipts(items=[answers.Receipt(**asdict(one)) for one in items], next=next)

    @operation(
        "PATCH", "/notifications/{id}", scope="send", answers={200: answers.Shown},
        refusals=[NotFound, ChangedMeanwhile, InvalidNotification], wrong=InvalidNotification, sent=("If-Match",),
        given=("ETag",), links={name: {"id": "$request.path.id"} for name in ("notification", "retract")},
    )  # fmt: skip
    async def change(self, call: Call, id: Id, body: Change) -> Reply:
        """Change a notification in place.

        Every screen that shows it changes; who has read it still has. With `If-Match` and the `ETag` of what was read,
        it is changed only if its content is still that; that somebody has seen it since does not count.
        """
        one = await self._own(call, id)
        call.check_kind(one.columns["kind"])
        if one.announced or one.producer != call.key.producer:
            call.check_everybody()
        version = _matching(call.headers, one)
        changes = _plain(body.given(*Change.model_fields))
        await self._notifier.update(str(id), version=version, **changes)
        return self._shown(await self._find(call, id))

    @operation("DELETE", "/notifications/{id}", scope="send", answers={204: None})
    async def retract(self, call: Call, id: Id) -> None:
        """Take a notification back.

        It disappears from every mailbox and every screen, and from the counts. What is still to be sent is not.
        """
        await self._own(call, id)
        if not await self._notifier.retract(str(id)):
            raise _unknown()

    @operation(
        "DELETE", "/subjects/{type}/{id}", scope="send", answers={200: answers.Retracted},
        refusals=[InvalidNotification],
    )  # fmt: skip
    async def retract_about(self, call: Call, type: Name, id: Name) -> answers.Retracted:
        """Take back everything about a subject that was sent with this key's name."""
        count = await self._notifier.retract(subject=(type, id), producer=call.producer)
        return answers.Retracted(retracted=count)

    @operation(
        "POST", "/announcements", scope="send", answers={201: answers.Announced},
        refusals=(InvalidNotification, IdempotencyConflict), wrong=InvalidNotification, sent=("Idempotency-Key",),
        given=("Location",), links=NEXT,
    )  # fmt: skip
    async def announce(self, call: Call, body: Announce) -> Reply:
        """Notify everyone.

        It costs as much for a million as for one: who is connected gets it at once, everybody else when they come by,
        within 30 days or until `expires_at`.
        """
        call.check_everybody()
        event, options = self._content(call, body)
        id = await self._notifier.announce(
            event, producer=call.key.producer, idempotency_key=call.idempotency_key, **options
        )
        return Reply(answers.Announced(id=uuid.UUID(id)), 201, {"location": f"{self._base}/notifications/{id}"})

    async def _send(self, call: Call, body: Send, key: str | None) -> Sent:
        event, options = self._content(call, body)
        if body.to:
            call.check_everybody()
        for topic in body.topics:
            call.check_topic(topic)
        return await self._notifier.send(
            event,
            to=await self._people.resolve(body.to),
            topics=body.topics,
            exclude=await self._people.known(body.exclude),
            dedupe_key=body.dedupe_key,
            send_at=body.send_at,
            idempotency_key=key,
            producer=call.key.producer,
            **options,
        )

    async def _item(self, call: Call, value: Any, key: str | None) -> answers.Made | answers.Refused:
        """The answer to one item of a batch. What goes wrong here does not touch the others."""
        try:
            item = checked(value, Item, InvalidNotification)
            sent = await self._send(call, item, item.idempotency_key or key)
        except StoreUnavailable:
            return _refused(StoreUnavailable("the database cannot be reached or is too busy; send this item again"))
        except NotifsError as error:
            return _refused(error)
        return answers.Made(
            status=202 if sent.job else 201, id=uuid.UUID(sent.id), recipients=sent.recipients, job=_uuid(sent.job),
            replayed=not sent.new,
        )  # fmt: skip

    def _content(self, call: Call, body: Send | Announce) -> tuple[Kind | None, dict[str, Any]]:
        """What happened, as a kind, or its fields by name."""
        call.check_kind(body.kind or "message")
        options: dict[str, Any] = {"expires_at": body.expires_at}
        if body.subject is not None:
            options["subject"] = (body.subject.type, body.subject.id)
        if body.payload is not None and body.kind is not None:
            return self._kinds.from_payload(body.kind, body.payload), options
        if body.kind is not None:
            options["kind"] = body.kind
        return None, options | _plain(body.given())

    async def _own(self, call: Call, id: uuid.UUID) -> SentOne:
        """A notification that this key reaches; other producers' are not there."""
        one = await self._store.sent.bare(id)
        if one is None or call.producer not in (None, one.producer):
            raise _unknown()
        return one

    async def _find(self, call: Call, id: uuid.UUID) -> SentOne:
        """The same, with its counts."""
        one = await self._store.sent.one(id)
        if one is None or call.producer not in (None, one.producer):
            raise _unknown()
        return one

    def _shown(self, one: SentOne) -> Reply:
        told = answers.Shown(**_listed(one), counts=answers.Counts(**asdict(one.counts or Counts())))
        return Reply(told, 200, {"etag": f'"{one.version}-{_digest(told)}"'})


def _listed(one: SentOne) -> Mapping[str, Any]:
    subject = {"type": one.subject_type, "id": one.subject_id} if one.subject_type else None
    own = {name: getattr(one, name) for name in ("producer", "dedupe_key", "send_at", "version", "announced", "job")}
    return {**one.columns, **own, "subject": subject}


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields without those that mean nothing if they are null."""
    never = ("body", "actions", "priority", "data")
    return {name: value for name, value in fields.items() if value is not None or name not in never}


def _matching(headers: Headers, one: SentOne) -> int | None:
    """The version of the content that `If-Match` names, if it names any.

    Raises:
        ChangedMeanwhile: the content is of another one.
    """
    asked = headers.get("if-match")
    if asked is None or asked.strip() == "*":
        return None
    if any(tag.strip().startswith(f'"{one.version}-') for tag in asked.split(",")):
        return one.version
    raise ChangedMeanwhile("it has been changed since; read it again")


def _digest(told: BaseModel) -> str:
    return hashlib.sha256(told.model_dump_json().encode()).hexdigest()[:16]


def _refused(error: NotifsError) -> answers.Refused:
    return answers.Refused(status=error.status, error=answers.Fault(code=error.code, message=error.message))


def _uuid(text: str | None) -> uuid.UUID | None:
    return uuid.UUID(text) if text else None


def _unknown() -> NotFound:
    return NotFound("there is no such notification; it may have been taken back or have expired")

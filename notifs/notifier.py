"""`notify`: the one way in. What it accepts is checked, then written, then pushed; in this order."""

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Unpack

from sqlalchemy.ext.asyncio import AsyncSession

from notifs.drafting import AnnounceOptions, Changes, Drafting, Options, moment, subject_of
from notifs.errors import ChangedMeanwhile, NotFound, StoreUnavailable
from notifs.forms import Forms
from notifs.kinds import Content, Kind, Kinds
from notifs.signals import Announced, Created, Retracted, Signal, Signals, Updated
from notifs.store import Change, Draft, Outcome, Progress, Revised, Sent, SentOne, Store
from notifs.store.pending import after_commit
from notifs.wire import Notification as StandardForm

TRIES = 10
"""How often an update is tried while others update the same notification."""
BESIDE = 5000
"""Recipients from which on they are checked beside the event loop."""
AT_ONCE = 100
"""Notifications that are taken back in one transaction."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the notifier tells of what was committed."""

    changed: Callable[[Sequence[Change]], None]
    """Takes the changes of a commit of our own."""
    moved: Callable[[Sequence[str]], None]
    """Takes recipients whose mailboxes changed; what they got is then read from the store."""
    announced: Callable[[], None]
    """There is an announcement."""
    work: Callable[[], None]
    """There is a job to do."""


class Notifier:
    """Creates notifications, changes them, and takes them back.

    Args:
        store: where they are kept.
        kinds: the kinds that may be sent.
        signals: told of what was committed.
        forms: makes the standard form.
        doors: where else it is told.
    """

    def __init__(self, store: Store, kinds: Kinds, signals: Signals, forms: Forms, doors: Doors) -> None:
        self._store = store
        self._drafting = Drafting(kinds)
        self._signals = signals
        self._forms = forms
        self._doors = doors

    async def notify(
        self,
        event: Kind | None = None,
        /,
        *,
        to: str | Iterable[str] = (),
        session: AsyncSession | None = None,
        **options: Unpack[Options],
    ) -> str:
        """Notify one recipient or many, and return the notification's id.

        Args:
            event: what happened, as a kind; or leave it out and give its fields by name.
            to: a recipient's id, or up to 100,000; each gets one copy.
            session: a session of the caller's on the same database: the notification is committed or rolled back
                with everything else in it, and pushed after the commit.
            options: `title`, and what of `body`, `url`, `icon`, `actor`, `actions`, `priority`, `group`, `data` and
                `kind` (a key) is wanted. Beside a kind or its fields:
                `topics`: up to 10 topics, whose followers are recipients too;
                `exclude`: recipients who are left out of them;
                `idempotency_key`: 1 to 200 printable characters that name this call: for 24 hours the same call under
                the same key does nothing but return the same id, wherever and however often it is made;
                `dedupe_key`: while a recipient has not read the one that was sent under the same key, that one is
                brought up to date, and no second one is made;
                `send_at`: the moment when it goes out; `expires_at`: the moment when it disappears;
                `subject`: what it is about, a type and an id, by which it can be taken back.

        More than 1,000 recipients, and a topic with as many followers, get it from a job: what is returned is stored,
        and `progress` tells how far it is.

        Raises:
            InvalidNotification: a field is wrong or nobody is named; nothing was written.
            IdempotencyConflict: the key was used for other fields or recipients; nothing was written.
            StoreUnavailable: it could not be committed, or nobody can say whether it was: call again, with a key.
        """
        return (await self.send(event, to=to, session=session, **options)).id

    async def send(
        self,
        event: Kind | None = None,
        /,
        *,
        to: str | Iterable[str] = (),
        session: AsyncSession | None = None,
        producer: str = "",
        **options: Unpack[Options],
    ) -> Sent:
        """`notify` on behalf of a producer, whose keys are its own. Returns all that there is to tell it."""
        named = (to,) if isinstance(to, str) else list(to)
        make = partial(self._drafting.draft, event, options, to=named, producer=producer)
        # Beside the event loop, where they are so many that others would notice.
        draft = await asyncio.to_thread(make) if len(named) > BESIDE else make()
        outcome = await self._store.send(draft, await session.connection() if session else None)
        sent = outcome.sent
        if sent.new and session is None:
            self._doors.changed(outcome.changes)
        if sent.new:
            touched = [change.recipient for change in outcome.changes] if session else []
            signal = _created(draft, outcome) if self._signals.heard else None
            self._tell(session, signal, [*touched, *outcome.touched], work=sent.job is not None)
        return sent

    async def announce(
        self,
        event: Kind | None = None,
        /,
        *,
        session: AsyncSession | None = None,
        producer: str = "",
        **options: Unpack[AnnounceOptions],
    ) -> str:
        """Notify everyone, at the cost of one row, and return the notification's id.

        Who is connected gets it at once, everybody else when they come by, within 30 days or until `expires_at`.

        Args:
            event: what happened, as a kind; or leave it out and give its fields by name.
            session: as for `notify`.
            producer: on whose behalf.
            options: the fields, `idempotency_key`, `expires_at` and `subject`, as for `notify`.

        Raises:
            InvalidNotification: a field is wrong; nothing was written.
            IdempotencyConflict: the key was used for another one; nothing was written.
            StoreUnavailable: it could not be committed, or nobody can say whether it was: call again, with a key.
        """
        draft = self._drafting.draft(event, options, producer=producer, everyone=True)
        sent = await self._store.announce(draft, await session.connection() if session else None)
        if sent.new:
            signal = Announced(sent.id, draft.columns["kind"])
            self._tell(session, signal, (), work=draft.expires_at is not None, announced=True)
        return sent.id

    async def update(
        self,
        id: str,
        /,
        *,
        session: AsyncSession | None = None,
        version: int | None = None,
        **changes: Unpack[Changes],
    ) -> None:
        """Change a notification in place: every screen that shows it changes, and who has read it still has.

        Args:
            id: what `notify` returned.
            session: as for `notify`.
            version: of the content that is to be changed, and no other; None for whatever is there.
            changes: the fields that shall be others, and `expires_at`.

        Raises:
            NotFound: there is none with this id, or it was taken back.
            ChangedMeanwhile: its content is not of that `version` any more.
            InvalidNotification: a field is wrong; nothing was changed.
        """
        connection = await session.connection() if session else None
        for _ in range(TRIES):
            one = await self._store.sent.bare(_id(id), connection)
            if one is None:
                raise NotFound(f"there is no notification {id[:50]}; it may have been taken back or have expired")
            if version not in (None, one.version):
                raise ChangedMeanwhile("it has been changed since; read it again, then decide")
            columns = _merged(one, changes)
            revised = await self._store.update(one.id, one.version, columns, connection)
            if revised is not None:
                self._tell_revised(session, Updated(str(one.id)), revised)
                return
        raise StoreUnavailable("others change this notification all the time; try again")

    async def retract(
        self,
        id: str | None = None,
        /,
        *,
        subject: tuple[str, str] | None = None,
        producer: str | None = None,
        session: AsyncSession | None = None,
    ) -> int:
        """Take back a notification, or all about a subject: they disappear from every mailbox, and from the counts.

        Args:
            id: what `notify` returned.
            subject: a type and an id, as they were given to `notify`.
            producer: only what was sent on behalf of this one; None for all.
            session: as for `notify`.

        Returns how many notifications that were; none is no error.

        Raises:
            InvalidNotification: neither an id nor a subject.
        """
        connection = await session.connection() if session else None
        ids = [_id(id)] if id is not None else []
        if subject is not None:
            ids += await self._store.about(subject_of(subject), producer, connection)
        count = 0
        for n in range(0, len(ids), AT_ONCE):
            revised = await self._store.retract(ids[n : n + AT_ONCE], connection)
            count += len(revised.notifications)
            if revised.notifications:
                self._tell_revised(session, Retracted(tuple(str(each) for each in revised.notifications)), revised)
        return count

    async def progress(self, id: str) -> Progress | None:
        """How far the sending of a notification is, by its id; None if all had it at once."""
        return await self._store.jobs.of(_id(id))

    async def get_unread_notifs(self, recipient: str, reverse: bool = False) -> list[StandardForm]:
        """All unread notifications of a recipient in the standard form: newest first, or oldest first if `reverse`."""
        entries = await self._store.unread(recipient)
        forms = self._forms.notifications(entries)
        return forms[::-1] if reverse else forms

    def _tell_revised(self, session: AsyncSession | None, signal: Signal, revised: Revised) -> None:
        self._tell(session, signal, revised.recipients, work=revised.jobs > 0)

    def _tell(
        self,
        session: AsyncSession | None,
        signal: Signal | None,
        moved: Sequence[str],
        *,
        work: bool = False,
        announced: bool = False,
    ) -> None:
        """Tell everybody, now or once the caller has committed."""

        def tell() -> None:
            if moved:
                self._doors.moved(moved)
            if announced:
                self._doors.announced()
            if work:
                self._doors.work()
            if signal is not None:
                self._signals.send(signal)

        if session is None:
            tell()
        else:
            after_commit(session, tell)


def _created(draft: Draft, outcome: Outcome) -> Created | None:
    """What there is to tell of now; a job tells of its parts itself."""
    recipients = [change.recipient for change in outcome.changes] or draft.recipients
    return None if outcome.sent.job else Created(outcome.sent.id, draft.columns["kind"], tuple(recipients))


def _id(id: str) -> uuid.UUID:
    try:
        return uuid.UUID(id)
    except ValueError:
        raise NotFound(f"there is no notification {id[:50]}; an id is what notify returned") from None


def _merged(one: SentOne, changes: Changes) -> dict[str, Any]:
    """The columns that change."""
    fields = {name: value for name, value in changes.items() if name != "expires_at"}
    before = {name: one.columns[name] for name in Content.model_fields}
    after = Content.check(**{**before, **fields}).columns
    columns = {name: value for name, value in after.items() if name in fields}
    if "expires_at" in changes:
        end = changes["expires_at"]
        columns["expires_at"] = None if end is None else moment("expires_at", end)
    return columns

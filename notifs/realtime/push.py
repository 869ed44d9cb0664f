"""From commit to screen: a change of a mailbox becomes one message to its room.

Every room has a head, the revision up to which it was told everything. A change that follows the head is pushed as it
is; one that leaves a gap makes us read from the store what is missing. Nothing is pushed twice or out of order.
"""

import asyncio
from collections.abc import Iterable, Iterator

import structlog

from notifs.errors import StoreUnavailable
from notifs.forms import Forms
from notifs.realtime.rooms import Room, Rooms
from notifs.realtime.server import Server
from notifs.signals import Pushed, Signals
from notifs.store import Change, Entry, Page, Store
from notifs.wire import PAGE, RESPONSE, SNAPSHOT_LIMIT, Message

log = structlog.get_logger("notifs.push")


def snapshot(forms: Forms, page: Page) -> Iterator[Message]:
    """The messages that a snapshot is sent in: at most PAGE notifications each, the newest first."""
    entries, before = page.entries, None
    while True:
        part, entries = entries[:PAGE], entries[PAGE:]
        yield forms.snapshot(Page(page.head, part, page.more or bool(entries)), before)
        if not entries:
            return
        before = part[-1].position


class Push:
    """Tells rooms what changed.

    Args:
        store: read from where there is a gap.
        forms: makes the messages.
        rooms: who is here.
        server: takes the messages.
        signals: told of each push.
    """

    def __init__(self, store: Store, forms: Forms, rooms: Rooms, server: Server, signals: Signals) -> None:
        self._store = store
        self._forms = forms
        self._rooms = rooms
        self._server = server
        self._signals = signals
        self._looking: dict[str, asyncio.Task[None]] = {}

    def changed(self, changes: Iterable[Change]) -> None:
        """Push what was just committed here."""
        for change in changes:
            room = self._rooms.room(change.recipient)
            if room is None:
                continue
            if room.head is None:
                room.stale = True
            elif change.prev == room.head and change.entries is not None:
                room.head = change.head.revision
                self._tell(change.recipient, room, self._forms.change(change))
            elif change.head.revision > room.head:
                self._look(change.recipient)

    def moved(self, recipients: Iterable[str]) -> None:
        """Look what happened to these mailboxes: somebody else's transaction has changed them."""
        for recipient in recipients:
            if (room := self._rooms.room(recipient)) is not None:
                room.stale = True
                if room.head is not None:
                    self._look(recipient)

    def is_past(self, recipient: str, revision: int) -> bool:
        """Whether the room was told of more than `revision`."""
        room = self._rooms.room(recipient)
        return room is not None and room.head is not None and room.head > revision

    def reached(self, recipient: str, revision: int) -> None:
        """A socket of this room has read the mailbox up to `revision`."""
        room = self._rooms.room(recipient)
        if room is None:
            return
        if room.head is None:
            room.head = revision
        if room.stale or room.head < revision:
            self._look(recipient)

    async def look(self) -> None:
        """Compare every room here with its mailbox, in one query, and push what is missing."""
        heads = {
            r: room.head for r in self._rooms.recipients() if (room := self._rooms.room(r)) and room.head is not None
        }
        if not heads:
            return
        for recipient, revision in (await self._store.revisions(list(heads))).items():
            if revision != heads[recipient]:
                self._look(recipient)

    async def drain(self) -> None:
        """Wait until what is being read from the store is pushed."""
        while self._looking:
            await asyncio.wait(list(self._looking.values()))

    def _look(self, recipient: str) -> None:
        if recipient in self._looking:
            if (room := self._rooms.room(recipient)) is not None:
                room.stale = True
            return
        task = asyncio.get_running_loop().create_task(self._fill(recipient))
        self._looking[recipient] = task
        task.add_done_callback(lambda _: self._looking.pop(recipient, None))

    async def _fill(self, recipient: str) -> None:
        """Push what the room misses, until there is nothing."""
        try:
            while (room := self._rooms.room(recipient)) is not None and room.head is not None:
                room.stale = False
                head, entries = await self._store.changes(recipient, room.head)
                page = Page(head, (), False) if entries is not None else await self._newest(recipient)
                # Others may have pushed to this very room while we read.
                if self._rooms.room(recipient) is room and page.head.revision != room.head:
                    self._tell_step(recipient, room, page, entries)
                if not room.stale:
                    return
        except StoreUnavailable:
            log.warning("could not look, the next head check will", recipient=recipient)
        except Exception:
            log.exception("could not push", recipient=recipient)

    async def _newest(self, recipient: str) -> Page:
        return await self._store.page(recipient, "unread", limit=SNAPSHOT_LIMIT)

    def _tell_step(self, recipient: str, room: Room, page: Page, entries: tuple[Entry, ...] | None) -> None:
        prev = room.head or 0
        if entries is None:
            room.head = page.head.revision
            for message in snapshot(self._forms, page):
                self._tell(recipient, room, message)
        elif page.head.revision > prev:
            room.head = page.head.revision
            missing = [e for e in entries if e.revision > prev]
            created = all(e.position > prev for e in missing)
            self._tell(recipient, room, self._forms.step(page.head, prev, missing, created=created))

    def _tell(self, recipient: str, room: Room, message: Message) -> None:
        self._server.push(list(room.members), RESPONSE, message)
        self._signals.send(Pushed(recipient, message["type"], room.head or 0))

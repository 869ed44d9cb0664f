"""From commit to screen: a change of a mailbox becomes one message to its room.

Every room has a head, the revision up to which it was told everything. A change that follows the head is pushed as it
is; one that leaves a gap makes us read from the store what is missing. Nothing is pushed twice or out of order.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog

from notifs.errors import StoreUnavailable
from notifs.forms import Forms
from notifs.metrics import Metrics
from notifs.realtime import messages
from notifs.realtime.hints import Hints, Moved
from notifs.realtime.messages import Encoded
from notifs.realtime.rooms import Member, Room, Rooms
from notifs.signals import Pushed, Signals
from notifs.store import Change, Entry, Head, Store
from notifs.wire import SNAPSHOT_LIMIT, Cursor, Step

log = structlog.get_logger("notifs.push")
BATCH = 100
"""Mailboxes that are read together."""
TAKEN_IN = 200
"""Mailboxes that take in an announcement together."""
PAUSE_SECONDS = 0.2
"""Between two looks that are asked for."""
SLICE = 20
"""Rooms that are told before others on the event loop have their turn."""

MANY = 8
"""Sockets that are written to one right after the other, and need not wait for the end of the turn."""

Refresh = Callable[[Member, Cursor | None], None]


def _nobody(member: Member, cursor: Cursor | None) -> None:
    """Where there are no sockets."""


class Push:
    """Tells rooms what changed, and the other workers that something did.

    Args:
        store: read from where there is a gap.
        forms: makes the messages.
        rooms: who is here.
        hints: tells the other workers.
        signals: told of each push.
        metrics: counts.
    """

    def __init__(
        self, store: Store, forms: Forms, rooms: Rooms, hints: Hints, signals: Signals, metrics: Metrics
    ) -> None:
        self._store = store
        self._forms = forms
        self._rooms = rooms
        self._hints = hints
        self._signals = signals
        self._metrics = metrics
        self._missing: dict[str, None] = {}
        self._filling: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._look_here = self._look_wanted = self._look_again = False
        self._pause: asyncio.TimerHandle | None = None
        self.refresh: Refresh = _nobody
        """Brings a socket to the head again, from the cursor where it stands; the namespace does it."""
        self.fell_behind: Refresh = _nobody
        """The same, once the socket reads again."""

    def changed(self, changes: Iterable[Change]) -> None:
        """Push what was just committed here."""
        for change in changes:
            self._changed(change, "created" if change.created else "changed")

    def _changed(self, change: Change, type: Step) -> None:
        recipient, prev, revision = change.recipient, change.prev, change.head.revision
        room, alone = self._rooms.room(recipient), self._hints.state == "none"
        if alone and room is None:
            return  # nobody to tell
        message = None
        if change.entries is not None:
            message = messages.step(self._forms, type, change.head, prev, change.entries)
        if not alone:
            self._hints.moved(Moved(recipient, self._store.epoch, prev, revision, message))
        if room is not None:
            self._follow(room, recipient, prev, revision, message)

    def announced(self) -> None:
        """There is an announcement: those who have sockets get it now, on whichever worker they are."""
        self.look_soon()

    def look_soon(self) -> None:
        """Let every worker look at all its rooms: many mailboxes have changed. However often, it is done in turns."""
        self._look_here = True
        self.others_look_soon()

    def others_look_soon(self) -> None:
        """Let the other workers look: our own rooms have been told."""
        if self._pause is not None:
            self._look_again = True
            return
        loop = asyncio.get_running_loop()
        self._pause = loop.call_later(PAUSE_SECONDS, self._paused)
        self._hints.look()
        if self._look_here:
            self._look_here, self._look_wanted = False, True
            if self._looking is None:
                self._looking = loop.create_task(self._look_now())

    def moved(self, recipients: Iterable[str]) -> None:
        """Look what happened to these mailboxes: somebody else's transaction has changed them."""
        for recipient in recipients:
            self._hints.moved(Moved(recipient, self._store.epoch))
            if (room := self._rooms.room(recipient)) is not None:
                self._follow(room, recipient)

    def here(self, recipients: Iterable[str]) -> list[str]:
        """Those who have sockets on this worker."""
        return [recipient for recipient in recipients if self._rooms.room(recipient) is not None]

    def heard(self, moved: Moved) -> None:
        """Push what another worker says that it has committed."""
        room = self._rooms.room(moved.recipient)
        if room is not None and moved.epoch == self._store.epoch:  # else one of us does not know of the new one yet
            self._follow(room, moved.recipient, moved.prev, moved.revision, moved.message)

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
        heads = {r: room.head for r in self._rooms.recipients() if (room := self._rooms.room(r))}
        seen = await self._store.look(list(heads))
        if seen.epoch != self._store.epoch:
            self._begin_again(seen.epoch)
            return
        for recipient, head in heads.items():
            if head is None:
                continue
            revision = seen.revisions.get(recipient, 0)
            # Lower than what was told before: an older state of the database came back.
            if revision < head or (revision > head and not self.is_past(recipient, revision - 1)):
                self._metrics.found.inc()
                self._look(recipient)
        await self._take_in(seen.behind)

    async def drain(self) -> None:
        """Wait until what is being read from the store is pushed."""
        if self._look_again and self._pause is not None:
            self._pause.cancel()
            self._paused()
        while tasks := [task for task in (self._looking, self._filling) if task is not None]:
            await asyncio.wait(tasks)

    def _paused(self) -> None:
        self._pause = None
        if self._look_again:
            self._look_again = False
            self.others_look_soon()

    async def _look_now(self) -> None:
        try:
            while self._look_wanted:
                self._look_wanted = False
                await self.look()
        except StoreUnavailable:
            log.warning("could not look, the next head check will")
        except Exception:
            log.exception("could not look")
        finally:
            self._looking = None

    async def _take_in(self, recipients: Sequence[str]) -> None:
        """Let mailboxes take in what was announced, and push it."""
        for start in range(0, len(recipients), TAKEN_IN):
            for change in await self._store.announcements.take_in(recipients[start : start + TAKEN_IN]):
                self._changed(change, "announcement")

    def _follow(
        self,
        room: Room,
        recipient: str,
        prev: int | None = None,
        revision: int | None = None,
        message: Encoded | None = None,
    ) -> None:
        """Tell a room of a change that follows what it was told; look for it where it does not."""
        if room.head is None or revision is None:
            room.stale = True
        if room.head is None or (revision is not None and revision <= room.head):
            return
        if prev == room.head and revision is not None and message is not None:
            self._tell(recipient, room, revision, message)
        else:
            self._look(recipient)

    def _begin_again(self, epoch: str) -> None:
        """The database has begun another life: nothing that anybody was told holds any more."""
        log.warning("the database has a new epoch; every client gets a snapshot", epoch=epoch)
        self._store.adopt(epoch)
        for room in self._rooms.rooms():
            room.head, room.stale = None, False
            for member in list(room.members.values()):
                self.refresh(member, None)

    def _look(self, recipient: str) -> None:
        self._missing[recipient] = None
        if self._filling is None:
            self._filling = asyncio.get_running_loop().create_task(self._fill())

    async def _fill(self) -> None:
        """Push what rooms miss, until there is nothing."""
        try:
            while self._missing:
                some = list(self._missing)[:BATCH]
                for recipient in some:
                    del self._missing[recipient]
                await self._read(some)
        except StoreUnavailable:
            log.warning("could not look, the next head check will")
            self._missing.clear()
        except Exception:
            log.exception("could not push")
            self._missing.clear()
        finally:
            self._filling = None

    async def _read(self, recipients: Sequence[str]) -> None:
        since: dict[str, int] = {}
        for recipient in recipients:
            room = self._rooms.room(recipient)
            if room is not None and room.head is not None:
                room.stale = False
                since[recipient] = room.head
        if not since:
            return
        large = []
        for n, (recipient, (head, entries)) in enumerate((await self._store.changes(since)).items()):
            if not self._tell_step(recipient, head, entries):
                large.append(recipient)
            if n % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        if large:
            await self._tell_afresh(large, since)

    def _tell_step(self, recipient: str, head: Head, entries: tuple[Entry, ...] | None) -> bool:
        """Tell the room what it misses of these; False where that cannot be told as a step."""
        room = self._rooms.room(recipient)
        if room is None or room.head is None:
            return True
        if entries is None:
            return False
        if head.revision <= room.head:
            return True  # others have pushed while we read
        missing = [e for e in entries if e.revision > (room.head or 0)]
        created = all(e.position > (room.head or 0) and e.retracted_at is None for e in missing)
        message = messages.step(self._forms, "created" if created else "changed", head, room.head, missing)
        if message is not None:
            self._tell(recipient, room, head.revision, message)
        return message is not None

    async def _tell_afresh(self, recipients: Sequence[str], since: dict[str, int]) -> None:
        """Tell rooms their mailboxes as snapshots."""
        found = await self._store.catch_up([(recipient, None) for recipient in recipients], SNAPSHOT_LIMIT)
        for recipient, (_, page) in zip(recipients, found, strict=True):
            room = self._rooms.room(recipient)
            if room is None or room.head is None:
                continue
            if since[recipient] <= page.head.revision < room.head:
                self._look(recipient)  # others have pushed while we read
            else:
                self._tell(recipient, room, page.head.revision, *messages.snapshot(self._forms, page))
            await asyncio.sleep(0)

    def _tell(self, recipient: str, room: Room, revision: int, message: Encoded, *more: Encoded) -> None:
        before, room.head = room.head, revision
        members = list(room.members.values())
        many = len(members) > MANY
        for member in members:
            if not member.greeted or member.behind:
                continue
            if not member.connection.offer(message, now=many):
                self.fell_behind(member, self._missed(before, message))
            elif more:
                member.connection.offer_some(more)
        self._metrics.pushes += 1
        if self._signals.heard:
            self._signals.send(Pushed(recipient, message.type, revision))

    def _missed(self, before: int | None, message: Encoded) -> Cursor | None:
        """From where on somebody who could not be told this message must be told."""
        return None if message.type == "snapshot" or before is None else Cursor(self._store.epoch, before)

"""From a delivery to notifications: who it is, what they say, and whom that concerns here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from notifs.errors import IdempotencyConflict, NotFound
from notifs.hooks.source import Hook, Ignored, Notice, Revision, Source, Told
from notifs.notifier import Notifier
from notifs.store import Store

BESIDE = 262_144
"""Bytes of a body from which on it is read in a thread, beside the event loop."""


@dataclass
class Taken:
    """What became of a delivery."""

    notified: list[str] = field(default_factory=list)
    """Ids of notifications."""
    updated: list[str] = field(default_factory=list)
    retracted: int = 0
    job: bool = False
    """Whether some recipients get it in a moment only."""
    ignored: str | None = None
    """Why there was nothing to do."""


class Deliveries:
    """Takes deliveries to sources.

    Args:
        sources: each has a name of its own; a later one takes the place of an earlier one.
    """

    def __init__(self, sources: Iterable[Source], store: Store, notifier: Notifier) -> None:
        self._sources: Mapping[str, Source] = {source.name: source for source in sources}
        self._store = store
        self._notifier = notifier

    def source(self, name: str) -> Source:
        """The source of this name.

        Raises:
            NotFound: there is none.
        """
        if name not in self._sources:
            raise NotFound("no source of webhooks has this name; github is one where NOTIFS_GITHUB_SECRET is set")
        return self._sources[name]

    async def take(self, source: Source, hook: Hook) -> Taken:
        """Verify a delivery, and notify of what it says.

        Raises:
            NotifsError: what the source says against it, or what kept us from storing it: it can be delivered again.
        """
        sender = await source.verify(hook)
        taken = Taken()
        try:
            told = await _parse(source, hook)
        except Ignored as ignored:
            taken.ignored = str(ignored)
            return taken
        for each in told:
            await self._tell(each, source.name, sender, taken)
        return taken

    async def _tell(self, told: Told, system: str, sender: str | None, taken: Taken) -> None:
        producer = sender or f"hook:{system}"
        match told:
            case Notice():
                await self._notify(told, system, sender, taken)
            case Revision(notice):
                await self._revise(notice, producer, taken)
            case _:
                taken.retracted += await self._notifier.retract(subject=told.subject, producer=producer)

    async def _notify(self, notice: Notice, system: str, sender: str | None, taken: Taken) -> None:
        found = await self._store.links.recipients(system, [*notice.names, *notice.exclude])
        exclude = {each for name in notice.exclude for each in found.get(name, ())}
        to = {*notice.to, *(each for name in notice.names for each in found.get(name, ()))} - exclude
        topics = [topic for topic in notice.topics if await self._has_followers(topic, exclude)]
        if not to and not topics:
            taken.ignored = _nobody(notice)
            return
        try:
            sent = await self._notifier.send(
                to=to,
                topics=topics,
                exclude=exclude,
                producer=sender or f"hook:{system}",
                idempotency_key=notice.idempotency_key,
                dedupe_key=notice.dedupe_key,
                subject=notice.subject,
                kind=notice.kind,
                **_fields(notice),
            )
        except IdempotencyConflict:
            if sender is not None:
                raise
            # Who is known here or follows has changed since it came first.
            taken.ignored = f"the delivery {notice.idempotency_key} has notified before"
            return
        taken.notified.append(sent.id)
        taken.job = taken.job or sent.job is not None

    async def _has_followers(self, topic: str, exclude: set[str]) -> bool:
        try:
            some = await self._store.topics.followers(topic, limit=len(exclude) + 1)
        except NotFound:
            return False
        return bool(set(some) - exclude)

    async def _revise(self, notice: Notice, producer: str, taken: Taken) -> None:
        ids = await self._store.about(notice.subject, producer) if notice.subject else []
        for id in ids:
            try:
                await self._notifier.update(str(id), **_fields(notice))
            except NotFound:
                continue  # taken back meanwhile
            taken.updated.append(str(id))


async def _parse(source: Source, hook: Hook) -> list[Told]:
    if len(hook.body) < BESIDE:
        return list(source.parse(hook))
    return await anyio.to_thread.run_sync(lambda: list(source.parse(hook)))


def _fields(notice: Notice) -> dict[str, Any]:
    names = ("title", "body", "url", "icon", "actor", "actions", "priority", "group", "data")
    return {name: getattr(notice, name) for name in names}


def _nobody(notice: Notice) -> str:
    named = ", ".join(name for name in notice.names if name not in notice.exclude)
    reasons = [f"nobody is known as {named}"] if named else []
    if notice.topics:
        reasons.append(f"nobody{' else' if notice.exclude else ''} follows {', '.join(notice.topics)}")
    return ", and ".join(reasons) or "it concerns nobody but who has done it"

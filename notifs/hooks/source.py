"""What a source of inbound webhooks is, what it gets, and what it may say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.datastructures import Headers

from notifs.kinds import Action, Actor, Priority

Subject = tuple[str, str]
"""What a notification is about: a type and an id."""


class Ignored(Exception):
    """Raised by `parse`: this is a good delivery, but nothing that somebody would want to read. The text says why."""


@dataclass(frozen=True)
class Hook:
    """One delivery as it came: nothing in it is to be believed before `verify` has looked at it."""

    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes = b""
    rest: str = ""
    """What follows the source's name in the path."""
    query: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", Headers(dict(self.headers)))


@dataclass(frozen=True)
class Notice:
    """A notification, and who shall get it.

    `names` and `exclude` are what people and teams are called in the source's own system: who that is here, the links
    of recipients say. Whoever is excluded gets nothing, though named or following.
    """

    title: str
    body: str = ""
    url: str | None = None
    kind: str = "message"
    icon: str | None = None
    actor: Actor | None = None
    actions: Sequence[Action] = ()
    priority: Priority = "normal"
    group: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    subject: Subject | None = None
    dedupe_key: str | None = None
    idempotency_key: str | None = None
    """What the sender calls this delivery: it may come again, and notifies once."""
    to: Sequence[str] = ()
    """Recipients by id."""
    names: Sequence[str] = ()
    topics: Sequence[str] = ()
    exclude: Sequence[str] = ()


@dataclass(frozen=True)
class Revision:
    """What was told about the notice's subject is said differently now: nobody is notified again."""

    notice: Notice


@dataclass(frozen=True)
class Retraction:
    """What was told about a subject is not so any more: it disappears."""

    subject: Subject


Told = Notice | Revision | Retraction


class Source(Protocol):
    """Somebody who calls `POST /hooks/{name}`. Give it to `Notifs(sources=[...])`."""

    name: str

    async def verify(self, hook: Hook) -> str | None:
        """Make sure who it is; the name under which they send, if it is not `hook:{name}`.

        Raises:
            Forbidden: it is not them. Any other NotifsError is told as it is, too.
        """

    def parse(self, hook: Hook) -> Iterable[Told]:
        """What to tell of a delivery that was verified.

        Raises:
            Ignored: nothing; says why.
            BadRequest: it is not what it should be.
        """

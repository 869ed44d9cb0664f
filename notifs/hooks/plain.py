"""The source `plain`: `curl -d "The backup is done" -H "Authorization: Bearer KEY" .../hooks/plain/TOPIC`."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from notifs.errors import BadRequest, InvalidKey, NotFound, OutOfScope
from notifs.hooks.source import Hook, Notice, Told
from notifs.hooks.text import link, one_line, paragraphs
from notifs.kinds import TITLE_LIMIT, Priority

PRIORITIES: dict[str, Priority] = {
    "1": "low", "min": "low",
    "2": "low", "low": "low",
    "3": "normal", "default": "normal", "normal": "normal",
    "4": "high", "high": "high",
    "5": "urgent", "max": "urgent", "urgent": "urgent",
}  # fmt: skip
KIND = "message"


class _Key(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def producer(self) -> str: ...
    def may(self, scope: Any) -> bool: ...
    def may_kind(self, kind: str) -> bool: ...
    def may_topic(self, topic: str) -> bool: ...


class Keys(Protocol):
    """Knows the API keys."""

    async def find(self, token: str) -> _Key | None:
        """The key that this is the token of."""


class Plain:
    """Text to the followers of a topic, for programs that can do no more than POST.

    The body is the text, whatever its content type says. `Title`, `Priority` (1 to 5, or a name) and `Click` (a link)
    are headers, with or without `X-` before them, or query parameters. The key needs the scope `send`, and may be one
    for this topic only.

    Args:
        keys: those of the store.
        take: counts a request of a key, by its id; raises TooManyRequests if it has none left.
    """

    name = "plain"

    def __init__(self, keys: Keys, take: Callable[[str], Awaitable[object]]) -> None:
        self._keys = keys
        self._take = take

    async def verify(self, hook: Hook) -> str:
        """Find the key, which only a header can carry: an address ends up in logs."""
        scheme, _, token = hook.headers.get("authorization", "").partition(" ")
        key = await self._keys.find(token.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            if token:
                raise InvalidKey("nobody has this API key, or it was revoked; see: notifs key list")
            raise InvalidKey("send a key: Authorization: Bearer KEY; notifs key create makes one")
        await self._take(key.id)
        if not key.may("send") or not key.may_kind(KIND) or not key.may_topic(hook.rest):
            raise OutOfScope(f"this key may not send to the topic {hook.rest[:TITLE_LIMIT]}")
        return key.producer

    def parse(self, hook: Hook) -> list[Told]:
        """The text as a notification: a title alone if it is short, else its first line is the title."""
        if not hook.rest:
            raise NotFound("name a topic: /hooks/plain/TOPIC")
        try:
            text = hook.body.decode().strip()
        except UnicodeDecodeError:
            raise BadRequest("the body is not text in UTF-8") from None
        title, click = _option(hook, "title"), _option(hook, "click")
        body = text if title or "\n" in text or len(text) > TITLE_LIMIT else ""
        title = one_line(title or text.partition("\n")[0])
        if not title:
            raise BadRequest("say something: the body is the text")
        if click and link(click) is None:
            raise BadRequest("click: must be an http(s) URL or a path that begins with a single slash")
        return [
            Notice(
                title=title,
                body=paragraphs(body),
                url=click or None,
                kind=KIND,
                priority=_priority(_option(hook, "priority")),
                idempotency_key=hook.headers.get("idempotency-key"),
                topics=[hook.rest],
            )
        ]


def _priority(value: str) -> Priority:
    found = PRIORITIES.get(value.lower() or "default")
    if found is None:
        raise BadRequest("priority: 1 to 5, or min, low, default, high, urgent")
    return found


def _option(hook: Hook, name: str) -> str:
    """What is said of this name beside the text. Programs send UTF-8 in headers, which HTTP reads as Latin-1."""
    for header in (name, f"x-{name}"):
        if value := hook.headers.get(header):
            try:
                return value.encode("latin-1").decode().strip()
            except UnicodeError:
                return value.strip()
    return hook.query.get(name, "").strip()

"""One call of an operation: who calls, and what was sent with it, checked."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
import orjson
from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.requests import Request

from notifs.api.operations import Asked
from notifs.errors import BadRequest, NotifsError, OutOfScope
from notifs.requests import explain
from notifs.store.keys import Key

BESIDE = 262_144
"""Bytes of a body from which on it is read in a thread, beside the event loop."""
BODY_SECONDS = 30.0
"""How long a body may take to come."""
DEPTH_LIMIT = 64
"""Levels of nesting in a body."""
IDEMPOTENCY_KEY = re.compile(r'(?!")[!-~]([ -~]{0,198}[!-~])?|"[ !#-~]{1,200}"')
"""1 to 200 printable ASCII characters; or the same in quotes, as draft-ietf-httpapi-idempotency-key-header has it."""
A = TypeVar("A", bound=Asked)


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler knows beside the data."""

    key: Key
    headers: Headers
    charge: Callable[[int], Awaitable[None]]
    """Take so many requests more out of the key's limit; raises TooManyRequests where there are none left."""

    @property
    def producer(self) -> str | None:
        """Whose notifications this key reaches; None for everybody's."""
        return None if self.key.may("admin") else self.key.producer

    @property
    def idempotency_key(self) -> str | None:
        """The header `Idempotency-Key`, without its quotes.

        Raises:
            BadRequest: it is none.
        """
        value = self.headers.get("idempotency-key")
        if value is not None and not IDEMPOTENCY_KEY.fullmatch(value):
            raise BadRequest("Idempotency-Key: 1 to 200 printable ASCII characters")
        return value[1:-1] if value and value[0] == '"' else value

    def check_kind(self, kind: str) -> None:
        """Return if the key may send this kind.

        Raises:
            OutOfScope: it may not.
        """
        if not self.key.may_kind(kind):
            raise OutOfScope(f"this key may not send the kind {kind}; its kinds are {', '.join(self.key.kinds or ())}")

    def check_topic(self, topic: str) -> None:
        """Return if the key may use this topic.

        Raises:
            OutOfScope: it may not.
        """
        if not self.key.may_topic(topic):
            raise OutOfScope(f"this key may not use the topic {topic}; it has {', '.join(self.key.topics or ())}")

    def check_everybody(self) -> None:
        """Return if the key may send to people, and not to the followers of some topics alone.

        Raises:
            OutOfScope: it may not.
        """
        if self.key.topics is not None:
            raise OutOfScope(f"this key may send to its topics alone; it has {', '.join(self.key.topics)}")


async def body(request: Request, model: type[A], wrong: type[NotifsError]) -> A:
    """The body as a `model`.

    Raises:
        BadRequest: `unsupported_media_type`, `too_slow`, `bad_json` or `too_deep`.
        wrong: it is of another shape.
        TooLarge: it is over its bound.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadRequest("send JSON, with Content-Type: application/json", code="unsupported_media_type", status=415)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            raw = await request.body()
    except TimeoutError:
        raise BadRequest("the body took too long to come", code="too_slow", status=408) from None
    if len(raw) > BESIDE:
        return await anyio.to_thread.run_sync(_parse, raw, model, wrong)
    return _parse(raw, model, wrong)


def _parse(raw: bytes, model: type[A], wrong: type[NotifsError]) -> A:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise BadRequest("the body is not JSON", code="bad_json") from None
    if _depth(value) > DEPTH_LIMIT:
        raise BadRequest(f"the body is nested deeper than {DEPTH_LIMIT} levels", code="too_deep")
    return checked(value, model, wrong)


def checked(value: Any, model: type[A], wrong: type[NotifsError]) -> A:
    """JSON as a `model`; raises `wrong`, naming what is."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise wrong(explain(error)) from None


def words(values: dict[str, Any], model: type[A]) -> A:
    """Parameters of a URL as a `model`.

    Raises:
        BadRequest: names what is wrong.
    """
    try:
        return model.model_validate_strings(values)
    except ValidationError as error:
        raise BadRequest(explain(error)) from None


def _depth(value: Any) -> int:
    """Levels of lists and objects, counted without recursion."""
    level, depth = [value], 0
    while level and depth <= DEPTH_LIMIT:
        level = [inner for each in level for inner in _inner(each) if isinstance(inner, dict | list)]
        depth += 1
    return depth


def _inner(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()

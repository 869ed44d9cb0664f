"""Requests that are tried until they are answered, and answers that become errors of ours."""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import orjson

from notifs.errors import InvalidNotification, NotifsError, Unreachable

PAUSE, PAUSE_LIMIT = 0.2, 10.0
"""Seconds between the first two tries, and at most; each pause is about twice as long as the one before."""
AGAIN = frozenset({429, 502, 503, 504})
"""Answers that say: not now."""
KEY_LIMIT = 200
"""Characters of an idempotency key."""
_NO_ANSWER = (
    httpx2.DecodingError,
    httpx2.TimeoutException,
    httpx2.NetworkError,
    httpx2.ProxyError,
    httpx2.RemoteProtocolError,
    TimeoutError,
)


class Calls:
    """Makes requests of the API.

    Args:
        http: the connections.
        base: the URL of the API.
        key: proves who asks.
        timeout: seconds of one try.
        deadline: seconds of all tries and the pauses between them.
    """

    def __init__(self, http: httpx2.AsyncClient, base: str, key: str, *, timeout: float, deadline: float) -> None:
        self._http = http
        self._base = base
        self._headers = {"authorization": f"Bearer {key}", "accept": "application/json"}
        self._timeout = timeout
        self._deadline = deadline

    async def make(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """The answer to a request, which is made until there is one, or the deadline has come.

        Raises:
            NotifsError: what the server says against it, or the last reason why there was no answer.
        """
        headers = {**self._headers, **({} if key is None else {"idempotency-key": _checked(key)})}
        content = None if body is None else _json(body)
        if content is not None:
            headers["content-type"] = "application/json"
        clock = asyncio.get_running_loop().time
        end = clock() + self._deadline
        for pause in pauses():
            seconds = min(self._timeout, max(end - clock(), 0.1))
            outcome = await self._try(seconds, method, path, content, headers)
            if not isinstance(outcome, NotifsError):
                return outcome
            wait = pause + getattr(outcome, "retry_after", 0)
            if not is_passing(outcome) or clock() + wait >= end:
                raise outcome
            await asyncio.sleep(wait)
        raise AssertionError("there is always another pause")

    async def _try(self, seconds: float, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> Any:
        """The answer to one request; or as an error, what is wrong with it, or that there was none."""
        try:
            async with asyncio.timeout(seconds):
                answer = await self._http.request(
                    method, self._base + path, content=content, headers=headers, timeout=seconds
                )
        except _NO_ANSWER as error:
            return Unreachable(
                f"no answer from {self._base} ({type(error).__name__}): nobody knows whether it was done"
            )
        try:
            told = orjson.loads(answer.content) if answer.content else None
        except orjson.JSONDecodeError:
            told = None
        if answer.is_success and (told is not None or not answer.content):
            return told
        return _refused(answer, told)


def pauses() -> Iterator[float]:
    """Seconds to wait after each try: longer and longer, and never the same for two clients."""
    pause = PAUSE
    while True:
        yield pause * random.uniform(0.5, 1.5)  # noqa: S311
        pause = min(2 * pause, PAUSE_LIMIT)


def is_passing(outcome: object) -> bool:
    """Whether it is an error that may be gone in a moment."""
    return isinstance(outcome, NotifsError) and outcome.status in AGAIN


def error_of(code: str, status: int, message: str) -> NotifsError:
    """The error of this code; of one that is not known here, the one of its status."""
    kinds = list(_tree(NotifsError))
    found = next((kind for kind in kinds if kind.code == code), None)
    kind = found or next((kind for kind in kinds if kind.status == status and status < 500), NotifsError)
    error = kind.__new__(kind)
    NotifsError.__init__(error, message, code=code, status=status)
    return error


def _tree(kind: type[NotifsError]) -> Iterator[type[NotifsError]]:
    yield kind
    for each in kind.__subclasses__():
        if each.__module__ == NotifsError.__module__:
            yield from _tree(each)


def _refused(answer: httpx2.Response, told: Any) -> NotifsError:
    code, detail = (told.get(name) if isinstance(told, dict) else None for name in ("code", "detail"))
    if isinstance(code, str):
        error = error_of(code, answer.status_code, str(detail))
    elif answer.status_code in AGAIN:
        error = Unreachable(f"{answer.url.host} answered {answer.status_code}", status=answer.status_code)
    else:
        said = f"{answer.url} answered {answer.status_code}, and not as notifs does; is the url right?"
        error = NotifsError(said, status=answer.status_code)
    seconds = _retry_after(answer)
    if seconds is not None:
        error.retry_after = seconds  # type: ignore[attr-defined]
    return error


def _retry_after(answer: httpx2.Response) -> float | None:
    """Seconds that the server asks to wait: it says a number, or a date."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value).astimezone(UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None


def _checked(key: str) -> str:
    if not 0 < len(key) <= KEY_LIMIT or not key.isascii() or not key.isprintable() or key != key.strip():
        raise InvalidNotification(f"idempotency_key: 1 to {KEY_LIMIT} printable ASCII characters name a call")
    return key


def _json(body: Any) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        raise InvalidNotification("data: must be JSON: text, numbers, lists and dicts with text keys") from None

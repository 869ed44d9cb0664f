"""`AsyncClient`: notify from another program, over HTTP, with the words of `Notifs`."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Self, Unpack
from urllib.parse import quote

import httpx2

from notifs.client.calls import Calls, error_of, is_passing, pauses
from notifs.client.words import Announcement, Changes, Item, Notification, Options, Progress, Receipt, Sent
from notifs.errors import BadRequest, InvalidNotification, NotFound, NotifsError

BATCH_LIMIT = 1000
"""Notifications that go in one request."""
_LISTS = ("to", "topics", "exclude")


class AsyncClient:
    """Sends to a server of notifs, as the producer whose key it has.

    Every method raises the error that the server answers with, by its code, or `Unreachable`.

    Args:
        url: where the server is, with the path that notifs is mounted at, if any.
        key: an API key; `notifs key create` makes one.
        timeout: seconds that one try may take.
        deadline: seconds until a request is given up, with all its tries and the pauses between them.
        http: a client of your own, for a proxy or certificates, say; it is not closed.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 10.0,
        deadline: float = 60.0,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        if not url.startswith(("https://", "http://")):
            raise BadRequest("url: where the server is, like https://notifs.example.org")
        if not key.isascii() or not key.isprintable() or not key:
            raise BadRequest("key: the key that notifs key create has shown")
        self._own = http is None
        self._http = http or httpx2.AsyncClient()
        self._calls = Calls(self._http, f"{url.rstrip('/')}/api/v1", key, timeout=timeout, deadline=deadline)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._own:
            await self._http.aclose()

    async def notify(
        self, *, to: str | Iterable[str] = (), idempotency_key: str | None = None, **options: Unpack[Options]
    ) -> str:
        """Notify some recipients, the followers of some topics, or both, and return the notification's id.

        Args:
            to: a recipient's id, or several.
            idempotency_key: names this call, for 24 hours, also if it is made again by another process. Without one
                it has a key of its own, and is done once however often it is tried here.
            options: what `Notifs.notify` takes; a kind is its key in `kind`, and its fields in `payload`.
        """
        return (await self.send(to=to, idempotency_key=idempotency_key, **options)).id

    async def send(
        self, *, to: str | Iterable[str] = (), idempotency_key: str | None = None, **options: Unpack[Options]
    ) -> Sent:
        """`notify` that returns all that there is to know: how many get it, and the job that sends it."""
        body = _plain({**options, "to": to})
        return _sent(await self._post("/notifications", body, idempotency_key))

    async def notify_many(
        self, items: Iterable[Item], *, idempotency_key: str | None = None
    ) -> list[Sent | NotifsError]:
        """Send many notifications, each with the words of `notify`. One that is refused does not keep the others.

        Args:
            items: any number of them; each may have an `idempotency_key` of its own.
            idempotency_key: names the whole call: the same items in the same order are sent once.

        Returns for each item, in their order, what became of it.
        """
        key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
        bodies = [{"idempotency_key": f"{key}:{number}", **_plain(item)} for number, item in enumerate(items)]
        found: list[Sent | NotifsError] = []
        for start in range(0, len(bodies), BATCH_LIMIT):
            found += await self._batch(bodies[start : start + BATCH_LIMIT])
        return found

    async def update(self, id: str, **changes: Unpack[Changes]) -> None:
        """Change a notification in place, on every screen; who has read it still has."""
        await self._calls.make("PATCH", f"/notifications/{_part(id)}", dict(changes))

    async def retract(self, id: str | None = None, /, *, subject: tuple[str, str] | None = None) -> int:
        """Take back a notification, or all about a subject. Returns how many there were; none is no error."""
        if subject is not None:
            type_, about = subject
            answer = await self._calls.make("DELETE", f"/subjects/{_part(type_)}/{_part(about)}")
            return int(answer["retracted"])
        if id is None:
            raise InvalidNotification("name what to take back: an id, or a subject")
        try:
            await self._calls.make("DELETE", f"/notifications/{_part(id)}")
        except NotFound:
            return 0
        return 1

    async def announce(self, *, idempotency_key: str | None = None, **options: Unpack[Announcement]) -> str:
        """Notify everyone, and return the notification's id."""
        return str((await self._post("/announcements", _plain(options), idempotency_key))["id"])

    async def follow(self, recipient: str, topic: str) -> None:
        """Let a recipient get what is sent to a topic from now on."""
        await self._post(f"/topics/{_part(topic)}/followers", {"add": [recipient]}, None)

    async def unfollow(self, recipient: str, topic: str) -> None:
        """The opposite; who does not follow it is no error."""
        await self._post(f"/topics/{_part(topic)}/followers", {"remove": [recipient]}, None)

    async def get(self, id: str) -> Notification:
        """A notification, and how many have seen and read it. The key needs the scope `read`."""
        found: Notification = await self._calls.make("GET", f"/notifications/{_part(id)}")
        return found

    async def receipts(self, id: str) -> AsyncIterator[Receipt]:
        """Who has it, and when they saw, read and archived it, by recipient: page by page as you go on."""
        cursor = ""
        while True:
            more = f"&cursor={_part(cursor)}" if cursor else ""
            page = await self._calls.make("GET", f"/notifications/{_part(id)}/receipts?limit=1000{more}")
            for receipt in page["items"]:
                yield receipt
            cursor = page["next"]
            if not cursor:
                return

    async def progress(self, job: str) -> Progress:
        """How far a job of `Sent.job` is."""
        found: Progress = await self._calls.make("GET", f"/jobs/{_part(job)}")
        return found

    async def _batch(self, bodies: Sequence[dict[str, Any]]) -> list[Sent | NotifsError]:
        """What became of each. Those that could not be stored just now are sent once more, under the same keys."""
        found: dict[int, Sent | NotifsError] = {}
        left = list(range(len(bodies)))
        for pause in pauses():
            answer = await self._post("/notifications/batch", {"items": [bodies[n] for n in left]}, None)
            results = [_result(each) for each in answer["results"]]
            found.update(zip(left, results, strict=True))
            left = [n for n, result in zip(left, results, strict=True) if is_passing(result)]
            if not left or pause > 1:
                break
            await asyncio.sleep(pause)
        return [found[n] for n in range(len(bodies))]

    async def _post(self, path: str, body: Any, key: str | None) -> Any:
        return await self._calls.make("POST", path, body, str(uuid.uuid4()) if key is None else key)


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """The words as JSON has them; what is None was not said."""
    body = {name: value for name, value in options.items() if value is not None}
    for name in _LISTS:
        if name in body:
            body[name] = [body[name]] if isinstance(body[name], str) else list(body[name])
    if "subject" in body:
        type_, id = body["subject"]
        body["subject"] = {"type": type_, "id": id}
    return body


def _part(text: str) -> str:
    """A name as one part of a path. One that is `.` or `..` would be taken for a step in it."""
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%2E")


def _sent(answer: Any) -> Sent:
    return Sent(answer["id"], answer["recipients"], answer["job"])


def _result(answer: Any) -> Sent | NotifsError:
    if "error" not in answer:
        return _sent(answer)
    return error_of(answer["error"]["code"], answer["status"], answer["error"]["message"])

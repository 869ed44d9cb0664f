"""The site under test: its URL, two people who are signed in, and how a notification is made there."""

import asyncio
import http.client
import secrets
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from notifs.testing.check import Unmet, expect
from notifs.testing.client import Client, Json
from notifs.testing.rule import Mailbox
from notifs.wire import SNAPSHOT_LIMIT

Send = Callable[[str, str], Awaitable[Any]]
"""Makes a notification: `await send(to, title)`."""
JSON = {"accept": "application/json"}


@dataclass(frozen=True)
class Account:
    """A person: how `send` calls them, and the Cookie header of their sign-in."""

    name: str
    cookie: str


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise Unmet("JSON", self.body.decode(errors="replace")) from None


@dataclass
class Site:
    """What checks are given.

    Args:
        url: of the application, without a slash at its end.
        one, other: two people.
        send: makes a notification.
        patience: seconds until something that is waited for is given up.
        rate: client events that one socket may send in a second.
    """

    url: str
    one: Account
    other: Account
    send: Send
    patience: float = 10.0
    rate: int = 20
    heard: list[Json] = field(default_factory=list)
    """Every message that came in the run."""
    run: str = field(default_factory=lambda: f"conformance {secrets.token_hex(4)}")
    """How the titles of this run begin."""
    _made: int = 0

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @asynccontextmanager
    async def outside(self, account: Account, mailbox: Mailbox | None = None) -> AsyncIterator[Client]:
        """A socket of theirs that has not joined."""
        headers = {"cookie": account.cookie, "origin": self.origin}
        async with Client.open(self.url, headers, self.patience, self.heard.append, mailbox) as client:
            yield client

    @asynccontextmanager
    async def socket(
        self, account: Account | None = None, cursor: object = None, mailbox: Mailbox | None = None
    ) -> AsyncIterator[Client]:
        """A socket of theirs, of the first person's if nobody is named, that was greeted.

        Args:
            cursor: what it says where it stands.
            mailbox: what it knows already, with its cursor.
        """
        async with self.outside(account or self.one, mailbox) as client:
            cursor = mailbox.cursor if mailbox else cursor
            frame = await client.join(None if cursor is None else {"cursor": cursor})
            expect(frame.startswith("40"), "to be let into the namespace", frame)
            await client.greeted()
            yield client

    async def notify(self, account: Account | None = None) -> str:
        """Make a notification, for the first person if nobody is named. Returns its title."""
        self._made += 1
        title = f"{self.run} {self._made}"
        await self.send((account or self.one).name, title)
        return title

    async def make(self, client: Client) -> Json:
        """Make a notification for the first person, and wait until `client` has it."""
        title = await self.notify()
        await client.until(lambda: row(client, title), f"{title!r} to arrive")
        return row(client, title) or {}

    async def stored(self, client: Client, filter: str = "unread") -> Json:
        """All that is stored under a filter, by `fetch`: as one page, of one moment."""
        while True:
            pages = [await client.do("fetch", {"filter": filter, "limit": SNAPSHOT_LIMIT})]
            while pages[-1]["has_more"]:
                expect(pages[-1]["notifs"], "a page that has more after it to have something", pages[-1])
                before = pages[-1]["notifs"][-1]["position"]
                pages.append(await client.do("fetch", {"filter": filter, "before": before, "limit": SNAPSHOT_LIMIT}))
            if len({page["cursor"] for page in pages}) == 1:
                return {**pages[-1], "notifs": [row for page in pages for row in page["notifs"]]}

    async def get(self, path: str, **headers: str) -> Answer:
        """GET below the URL, as a page of this site would."""
        return await asyncio.to_thread(request, self.url + path, "GET", {**JSON, **headers})

    async def tidy(self) -> None:
        """Put away what the run has made."""
        for account in (self.one, self.other):
            async with self.socket(account) as client:
                kept = [row for filter in ("all", "snoozed") for row in (await self.stored(client, filter))["notifs"]]
                ids = [row["id"] for row in kept if row["title"].startswith(self.run)]
                for start in range(0, len(ids), 200):
                    await client.do("archive", {"ids": ids[start : start + 200]})


def asked(event: str, id: str) -> Json:
    """The data of an act on one notification. What is snoozed is so until tomorrow."""
    until = {"until": (datetime.now(UTC) + timedelta(days=1)).isoformat()} if event == "snooze" else {}
    return {"ids": [id], **until}


def row(client: Client, title: str) -> Json | None:
    """The notification of this title, as the client knows it, or None."""
    return next((dict(r) for r in client.mailbox.rows.values() if r.get("title") == title), None)


def request(url: str, method: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
    """One HTTP request, which follows no redirect."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=30)
    try:
        connection.request(method, f"{parts.path or '/'}?{parts.query}".rstrip("?"), body, headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def sign_in(url: str, email: str, password: str) -> str:
    """The Cookie header that `notifs serve` gives at its sign-in page.

    Raises:
        Unmet: it gives none.
    """
    parts = urlsplit(url)
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": f"{parts.scheme}://{parts.netloc}"}
    form = urlencode({"email": email, "password": password}).encode()
    answer = request(f"{url}/login/", "POST", headers | JSON, form)
    cookies = SimpleCookie("; ".join(answer.headers.get_all("set-cookie", [])))
    if answer.status != 303 or not cookies:
        raise Unmet(f"a cookie for {email} from {url}/login/", f"{answer.status} {answer.body[:200]!r}")
    return "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())


def command(template: str) -> Send:
    """A `send` that runs a command, without a shell: {to} and {title} in its words are replaced."""
    words = shlex.split(template)

    async def send(to: str, title: str) -> None:
        filled = [word.replace("{to}", to).replace("{title}", title) for word in words]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*filled, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
        output, _ = await process.communicate()
        if process.returncode:
            raise Unmet(f"{shlex.join(filled)} to make a notification", output.decode(errors="replace").strip())

    return send

"""Real workers over one database and one Redis, each with proxies of its own; producers and people."""

import asyncio
import contextlib
import logging
import random
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs import Notifs, Settings
from notifs.errors import NotifsError
from notifs.signing import Signer
from notifs.store import accounts, sessions
from notifs.wire import Cursor
from tests.faults.history import Fault, Report, examine, read_journals
from tests.faults.person import Person
from tests.faults.proxy import Proxy, proxy
from tests.faults.reckoning import truth, view
from tests.programs import Child, Restarted, free_port
from tests.servers import Redis, clean_environment
from tests.waiting import until
from tests.web.site import CHEAP
from tests.wire import http_client

log = logging.getLogger("faults")
HERE = Path(__file__).parent


class Worker(Restarted):
    """A worker process. `env` is what it gets on its next start.

    Clients come in by `front`, and it reaches Redis by `bus` and PostgreSQL by `base`, where those proxies were
    wanted.
    """

    def __init__(self, env: dict[str, str], folder: Path, *args: str) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.env = env
        self.front: Proxy | None = None
        self.bus: Proxy | None = None
        self.base: Proxy | None = None
        command = [sys.executable, str(HERE / "launcher.py"), "serve", "--port", str(self.port), *args]
        super().__init__(
            lambda: Child(command, ready="notifs is ready", env={**clean_environment(), **self.env}, cwd=folder)
        )

    @property
    def url(self) -> str:
        return self.front.url if self.front else self.address

    async def heal(self) -> None:
        """Run as it should."""
        for it in (self.front, self.bus, self.base):
            if it is not None:
                await it.heal()
        failing = self.env.pop("FAILPOINTS", None)
        if self.running:
            self.resume()
        if failing or not self.running:
            await self.stop()
            await self.start()

    async def ready(self) -> Any:
        """What `/readyz` answers: its status and its JSON."""
        async with http_client(timeout=60) as http:
            answer = await http.get(f"{self.address}/readyz")
        return answer.status_code, answer.json()

    def children(self) -> set[int]:
        """The processes that serve, where it was told to have several."""
        found: set[int] = set()
        for pid in Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split():
            with contextlib.suppress(OSError):  # it has gone since
                if Path(f"/proc/{pid}/comm").read_text() == "spawn_main\n":
                    found.add(int(pid))
        return found

    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.child.pid}/fd").iterdir()))

    def memory(self) -> int:
        """Resident KiB."""
        return int(Path(f"/proc/{self.child.pid}/status").read_text().partition("RssAnon:")[2].split()[0])


class Producer(Restarted):
    """A producer process; see producer.py."""

    def __init__(self, journal: Path, rate: float, limit: int, recipients: Sequence[str], env: dict[str, str]) -> None:
        self.journal = journal
        self.env = env
        command = [sys.executable, str(HERE / "producer.py"), str(journal), str(rate), str(limit), *recipients]
        super().__init__(
            lambda: Child(command, ready="producing", env={**clean_environment(), **self.env}, cwd=journal.parent)
        )

    async def finish(self) -> None:
        """Let it end what it has begun."""
        if self.running:
            assert await self.stop(signal.SIGTERM) == 0, self.child.lines

    async def ended(self) -> None:
        """Wait until it has sent all that it was to send."""
        await until(lambda: not self.running)


@dataclass
class Cluster:
    """Workers, and who works with them. `notifs` is opened in the test's own process, beside them."""

    notifs: Notifs
    env: dict[str, str]
    folder: Path
    workers: list[Worker] = field(default_factory=list)
    producers: list[Producer] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    away: set[Worker] = field(default_factory=set)
    """Workers that the balancer in front knows to be away."""

    async def heal(self) -> None:
        """As in the beginning: nobody is here, every worker runs, and no proxy does harm."""
        for producer in self.producers:
            producer.end()
        self.people, self.producers, self.faults, self.away = [], [], [], set()
        for worker in self.workers:
            await worker.heal()

    async def bus(self, state: str, *workers: Worker) -> None:
        """Wait until these workers, or all, say of themselves that their bus is so."""
        async with asyncio.timeout(30):
            for worker in workers or self.workers:
                while (await worker.ready()) != (200, {"ok": True, "bus": state}):
                    await asyncio.sleep(0.1)

    def fault(self, name: str) -> None:
        """Note that a fault is being made."""
        self.faults.append(Fault(name, time.monotonic()))

    def entrance(self) -> str:
        """The address of some worker: what a balancer does."""
        return random.choice([w for w in self.workers if w not in self.away] or self.workers).url

    async def account(self) -> str:
        """A new person; returns the recipient id."""
        name = secrets.token_hex(6)
        return (await self.notifs.store.add_user(f"{name}@example.org", name, CHEAP)).id

    async def accounts(self, count: int) -> list[str]:
        """So many new people, made at once."""
        names = [secrets.token_hex(6) for _ in range(count)]

        async def add(connection: AsyncConnection) -> list[str]:
            return [(await accounts.add(connection, f"{n}@example.org", n, CHEAP)).id for n in names]

        return await self.notifs.store.database.write(add)

    async def cookie(self, recipient: str) -> str:
        """The Cookie header of a new sign-in."""
        (cookie,) = await self.cookies([recipient])
        return cookie

    async def cookies(self, recipients: Sequence[str]) -> list[str]:
        """The Cookie header of a new sign-in of each."""
        signer = Signer(self.notifs.settings.secret_keys)
        tokens = [secrets.token_urlsafe(32) for _ in recipients]

        async def start(connection: AsyncConnection) -> None:
            for recipient, token in zip(recipients, tokens, strict=True):
                await sessions.start(connection, recipient, signer.hashes(token)[0], 1)

        await self.notifs.store.database.write(start)
        return [f"notifs={token}" for token in tokens]

    async def tabs(self, recipient: str, count: int = 1, at: Worker | None = None) -> list[Person]:
        """Tabs of one person, with one sign-in; at any worker, or always `at` one. See `present`."""
        cookie = await self.cookie(recipient)
        entrance = self.entrance if at is None else lambda: at.url
        made = [Person(recipient, cookie, entrance) for _ in range(count)]
        self.people += made
        return made

    @asynccontextmanager
    async def present(self, *people: Person) -> AsyncIterator[None]:
        """They are there, and stand."""
        async with AsyncExitStack() as stack:
            for person in people:
                await stack.enter_async_context(person.present())
            await until(lambda: all(p.stands for p in people))
            yield

    async def producer(
        self, recipients: Sequence[str], rate: float = 20, limit: int = 0, env: dict[str, str] | None = None
    ) -> Producer:
        """A producer that sends to one or two of `recipients` at a time."""
        journal = self.folder / f"{secrets.token_hex(4)}.jsonl"
        made = Producer(journal, rate, limit, recipients, {**self.env, **(env or {})})
        self.producers.append(made)
        await made.start()
        return made

    async def notify(self, to: Iterable[str], key: str | None = None) -> str:
        """Notify from this very process, which nobody hears of but by looking; returns the key."""
        key, recipients = key or secrets.token_hex(8), sorted(to)
        await self.notifs.notify(to=recipients, title=key, body=" ".join(recipients))
        return key

    async def settle(self, people: Sequence[Person] | None = None, seconds: float = 60) -> None:
        """Wait until everybody has what the store has, or give up: what then differs, `report` says."""
        people = people or self.people
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not await self._at_rest(people):
                    await asyncio.sleep(0.1)

    async def reckon(self, seconds: float = 60) -> Report:
        """Let producers end, wait until all is quiet, and see that nothing is wrong."""
        await asyncio.gather(*(producer.finish() for producer in self.producers))
        await self.settle(seconds=seconds)
        report = await self.report()
        table = report.table(self.faults)
        log.info("\n%s", table)
        assert report.problems == [], "\n".join([table, *report.problems])
        return report

    async def report(self, people: Sequence[Person] | None = None) -> Report:
        """Compare everything."""
        people = people or self.people
        cookies = {p.recipient: p.cookie for p in people}
        truths = {r: await truth(self.notifs.store, self.entrance, r, cookie) for r, cookie in cookies.items()}
        sent = read_journals(p.journal for p in self.producers)
        mine = {k: s for k, s in sent.items() if truths.keys() >= set(s.to)}
        return examine(mine, [view(f"tab {n}", p) for n, p in enumerate(people)], truths)

    async def _at_rest(self, people: Sequence[Person]) -> bool:
        if not all(p.stands for p in people):
            return False
        store = self.notifs.store
        try:
            revisions = (await store.look(list({p.recipient for p in people}))).revisions
        except NotifsError:
            return False
        cursors = {p: str(Cursor(store.epoch, revisions.get(p.recipient, 0))) for p in people}
        return all(p.stands and p.mailbox.cursor == cursor for p, cursor in cursors.items())


def tcp(port: int, url: str) -> str:
    """The same database at a port of loopback."""
    return f"postgresql+asyncpg://notifs@127.0.0.1:{port}/{make_url(url).database}"


@asynccontextmanager
async def cluster(
    database_url: str,
    folder: Path,
    *,
    workers: int = 3,
    redis: Redis | None = None,
    fronts: bool = False,
    bases: bool = False,
    env: dict[str, str] | None = None,
    each: Sequence[dict[str, str]] = (),
    args: Sequence[str] = (),
) -> AsyncIterator[Cluster]:
    """Workers on a migrated database.

    Args:
        workers: how many.
        fronts: clients go through proxies.
        bases: workers reach PostgreSQL through proxies.
        env: settings of all.
        each: what else is in each worker's environment.
        args: for `notifs serve`.
    """
    common = {
        "NOTIFS_DATABASE_URL": database_url,
        "NOTIFS_REDIS_URL": redis.url if redis else "",
        "NOTIFS_SOCKETS_PER_ADDRESS": "0",
        "NOTIFS_CONNECTS_PER_MINUTE": "10000",  # some come back more often than people do
        "NOTIFS_DRAIN_SECONDS": "0.2",
        **(env or {}),
    }
    async with AsyncExitStack() as stack:
        notifs = await stack.enter_async_context(Notifs(Settings(database_url=database_url)).open())
        made = Cluster(notifs, common, folder)
        for number in range(workers):
            worker = Worker({**common, **(each[number] if each else {})}, folder, *args)
            stack.callback(worker.end)
            if redis is not None:
                worker.bus = await stack.enter_async_context(proxy(redis.port))
                worker.env["NOTIFS_REDIS_URL"] = redis.url.replace(str(redis.port), str(worker.bus.port))
            if bases:
                worker.base = await stack.enter_async_context(proxy(make_url(database_url).port or 5432))
                worker.env["NOTIFS_DATABASE_URL"] = tcp(worker.base.port, database_url)
            if fronts:
                worker.front = await stack.enter_async_context(proxy(worker.port))
            made.workers.append(worker)
        await asyncio.gather(*(worker.start() for worker in made.workers))
        try:
            yield made
        finally:
            for producer in made.producers:
                producer.end()

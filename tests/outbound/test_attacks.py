"""S31 on a real network: a webhook is led astray by its name, its answers, its slowness; nothing comes of it."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest

from notifs.outbound import Outbound
from notifs.outbound import post as posting
from notifs.outbound.addresses import Network
from notifs.signals import Signals
from notifs.store.database import Database
from notifs.store.events import CREATED, Event
from notifs.store.webhooks import Told, Webhooks
from tests.outbound.receiver import Answer, Receiver, Request, status
from tests.programs import find

NAME = "hooks.example"
ALLOWED, FORBIDDEN = "127.0.0.1", "127.0.0.2"


class World:
    """A sender in a world where names lead where the test says, and where only ALLOWED may be led to."""

    def __init__(self, webhooks: Webhooks) -> None:
        self.webhooks = webhooks
        self.asked: list[str] = []
        self.addresses: Callable[[], Sequence[str]] = lambda: [ALLOWED]
        self.allow(ip_network(ALLOWED))

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.addresses()

    def allow(self, *networks: Network, tls: ssl.SSLContext | None = None) -> None:
        """Make a sender that these networks are open to, and that believes these certificates."""
        self.outbound = Outbound(
            self.webhooks, Signals(), ["k" * 32], networks=networks, resolve=self._resolve, tls=tls
        )

    def believe(self, certificate: Path) -> None:
        """Make a sender that believes this certificate."""
        self.allow(ip_network(ALLOWED), tls=ssl.create_default_context(cafile=certificate))

    async def tell(self, receiver: Receiver, url: str | None = None) -> None:
        """Send one delivery to a receiver, by its name unless by `url`."""
        hook = await self.outbound.add(url or receiver.url.replace(ALLOWED, NAME))
        receiver.secret = self.outbound.secret(hook.id)
        await self.webhooks._database.write(lambda c: self.webhooks.enqueue(c, [Event(CREATED, dict)]))
        self.outbound.start()

    async def outcome(self) -> Told:
        """Wait until the delivery has ended, or has failed for this time."""
        async with asyncio.timeout(30):
            while True:
                (told,) = await self.webhooks.deliveries()
                if told.error or told.finished_at:
                    return told
                await asyncio.sleep(0.01)

    async def failure(self) -> str:
        outcome = await self.outcome()
        assert outcome.error is not None
        return outcome.error


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    database = Database(sqlite_url)
    world = World(Webhooks(database))
    yield world
    await world.outbound.close()
    await database.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def canary(receiver: Receiver) -> AsyncIterator[Receiver]:
    """Somebody inside, at the receiver's port, whom no connection may reach."""
    canary = Receiver(FORBIDDEN)
    await canary.listen(receiver.port)
    yield canary
    await canary.end()
    assert canary.connections == 0


async def test_s31_the_address_that_was_looked_at_is_connected_to_and_the_name_stays(
    world: World, receiver: Receiver
) -> None:
    await world.tell(receiver)
    (request,) = await receiver.take(1)
    assert request.headers["host"] == f"{NAME}:{receiver.port}"
    assert (await world.outcome()).error is None
    assert world.asked == [NAME]


async def test_s31_a_name_that_is_bound_anew_between_look_and_connection_leads_nowhere_else(
    world: World, receiver: Receiver, canary: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([[ALLOWED]])
    world.addresses = lambda: next(answers, [FORBIDDEN])
    resolve = socket.getaddrinfo

    def rebound(host: str, *args: object, **kwargs: object) -> object:
        # Whoever asks once more, by whatever way, is led inside.
        return resolve(FORBIDDEN if host in (NAME, NAME.encode()) else host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    await world.tell(receiver)
    await receiver.take(1)
    assert (await world.outcome()).error is None
    assert world.asked == [NAME]


async def test_s31_a_name_is_looked_at_again_at_each_try(world: World, receiver: Receiver, canary: Receiver) -> None:
    receiver.answer = status("500 Later")
    await world.tell(receiver)
    assert await world.failure() == "answered 500"
    world.addresses = lambda: [FORBIDDEN]
    (told,) = await world.webhooks.deliveries()
    await world.webhooks.retry(told.id)
    assert "NOTIFS_WEBHOOK_NETWORKS" in await world.failure()
    assert (len(world.asked), receiver.connections) == (2, 1)


async def test_s31_a_name_with_one_address_inside_among_others_is_refused(
    world: World, receiver: Receiver, canary: Receiver
) -> None:
    world.addresses = lambda: [ALLOWED, FORBIDDEN]
    await world.tell(receiver)
    assert "NOTIFS_WEBHOOK_NETWORKS" in await world.failure()
    assert receiver.connections == 0


@pytest.mark.parametrize("code", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_s31_a_redirect_is_a_failure_and_not_followed(
    code: str, world: World, receiver: Receiver, canary: Receiver
) -> None:
    where = f"http://{FORBIDDEN}:{canary.port}/latest/meta-data/"
    receiver.answer = status(code, f"Location: {where}")
    await world.tell(receiver)
    assert await world.failure() == f"answered {code[:3]}"
    assert receiver.connections == 1


async def test_s31_proxies_of_the_environment_are_not_used(
    world: World, receiver: Receiver, canary: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{FORBIDDEN}:{canary.port}")
    await world.tell(receiver)
    await receiver.take(1)
    assert (await world.outcome()).error is None


async def test_s31_cookies_are_not_kept(world: World, receiver: Receiver) -> None:
    receiver.answer = status("500 Later", "Set-Cookie: session=stolen; Path=/")
    await world.tell(receiver)
    await world.failure()
    await world.webhooks.retry((await world.outcome()).id)
    requests = await receiver.take(2)
    assert ["cookie" in request.headers for request in requests] == [False, False]


def endless(what: bytes, *, head: bytes = b"", pause: float = 0.0) -> Answer:
    """Say `head`, then `what` for ever."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(what)
            await writer.drain()
            await asyncio.sleep(pause)

    return answer


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [endless(b"1\r\nx\r\n", head=HEAD, pause=0.05), endless(b"400\r\n" + b"x" * 1024 + b"\r\n", head=HEAD)],
    ids=["slow", "endless"],
)
async def test_s31_a_body_that_does_not_end_is_not_waited_for(
    answer: Answer, world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "SECONDS", 3600)
    receiver.answer = answer
    await world.tell(receiver)
    assert (await world.outcome()).error is None
    await receiver.until(lambda: receiver.open == 0)


@pytest.mark.parametrize(
    "answer",
    [
        endless(b"", pause=0.05),
        endless(b"x", head=b"HTTP/1.1 200 OK\r\nX-Slow: ", pause=0.05),
        endless(b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.05),
    ],
    ids=["silence", "a header that drips", "1xx for ever"],
)
async def test_s31_an_answer_that_does_not_come_is_waited_for_so_long_and_no_longer(
    answer: Answer, world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "SECONDS", 0.3)
    receiver.answer = answer
    await world.tell(receiver)
    assert await world.failure() == "no answer in time"
    await receiver.until(lambda: receiver.open == 0)


async def test_s31_headers_that_do_not_end_are_cut_off(world: World, receiver: Receiver) -> None:
    receiver.answer = endless(b"x" * 4096, head=b"HTTP/1.1 200 OK\r\nX-Long: ")
    await world.tell(receiver)
    assert (await world.failure()).startswith("RemoteProtocolError")
    await receiver.until(lambda: receiver.open == 0)


async def test_an_address_that_does_not_answer_is_followed_by_the_next(world: World, receiver: Receiver) -> None:
    world.allow(ip_network(ALLOWED), ip_network("::1"))
    world.addresses = lambda: ["::1", ALLOWED]
    await world.tell(receiver)
    await receiver.take(1)
    assert (await world.outcome()).error is None


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for NAME, that vouches for itself; its key is in a file beside it."""
    path = tmp_path_factory.mktemp("tls") / "hooks.crt"
    make = [find("openssl", package="openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    make += ["-nodes", "-days", "2", "-subj", "/CN=test", "-addext", f"subjectAltName=DNS:{NAME}"]
    subprocess.run([*make, "-keyout", path.with_suffix(".key"), "-out", path], check=True, capture_output=True)
    return path


@pytest.fixture
async def secure(certificate: Path) -> AsyncIterator[Receiver]:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, certificate.with_suffix(".key"))
    async with Receiver(tls=tls) as receiver:
        yield receiver


async def test_s31_the_certificate_is_that_of_the_name(world: World, secure: Receiver, certificate: Path) -> None:
    world.believe(certificate)
    await world.tell(secure)
    await secure.take(1)
    assert (await world.outcome()).error is None


@pytest.mark.parametrize("name", ["other.example", ALLOWED])
async def test_s31_who_has_no_certificate_for_the_name_gets_nothing(
    name: str, world: World, secure: Receiver, certificate: Path
) -> None:
    world.believe(certificate)
    await world.tell(secure, f"https://{name}:{secure.port}/hook")
    assert "CERTIFICATE_VERIFY_FAILED" in await world.failure()
    assert secure.taken == []


async def test_s31_a_certificate_that_nobody_vouches_for_is_not_believed(world: World, secure: Receiver) -> None:
    await world.tell(secure)
    assert "CERTIFICATE_VERIFY_FAILED" in await world.failure()
    assert secure.taken == []

"""Signing out with a provider: here when somebody has signed out there, and there when they do here."""

import asyncio
import time
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sqlalchemy import func, select

from notifs import Notifs, Settings
from notifs.store.models import Session
from notifs.web.oidc import client, logout
from tests.provider.running import Running, begin, path_of, sign_in
from tests.web.site import Document, Site, cookies, serve
from tests.wire import PATIENCE, Client

INBOX = "/api/v1/inbox"
BACK = "/login/local/backchannel/"


@pytest.fixture
def settings(sqlite_url: str, provider: Running) -> Settings:
    return Settings(database_url=sqlite_url, providers=provider.known(create_accounts=True))


async def session(notifs: Notifs) -> str:
    """What the provider calls the session of the only sign-in."""
    found = await notifs.store.database.read(lambda c: c.scalar(select(Session.provider_session)))
    return str(found)


async def sign_ins(notifs: Notifs) -> int:
    return await notifs.store.database.read(lambda c: c.scalar(select(func.count()).select_from(Session))) or 0


async def is_in(visitor: httpx2.AsyncClient) -> bool:
    return (await visitor.get(INBOX)).status_code == 200


async def test_who_signs_out_here_signs_out_there(
    site: Site, notifs: Notifs, provider: Running, nobody: httpx2.AsyncClient
) -> None:
    await sign_in(nobody, provider)
    id_token = await notifs.store.database.read(lambda c: c.scalar(select(Session.id_token)))
    answer = await nobody.post("/logout/")
    assert answer.status_code == 200
    assert 'notifs=""' in answer.headers["set-cookie"]
    assert await sign_ins(notifs) == 0
    url = Document(answer).onward
    assert Document(answer).links["Continue to Local"] == url
    assert max(map(len, answer.headers.values())) < 1000, "a proxy takes no more than some thousand bytes of headers"
    assert url.startswith(f"{provider.url}/end?")
    asked = parse_qs(urlsplit(url).query)
    assert asked["id_token_hint"] == [id_token]
    assert asked["client_id"] == ["notifs"]
    back = (await provider.client.get(url)).headers["location"]
    assert back.startswith(f"{site.url}/login/?")
    assert (await nobody.get(path_of(back))).status_code == 200


@pytest.mark.parametrize("metadata", [{"end_session_endpoint": None}, {"end_session_endpoint": "http://evil.example/"}])
async def test_nobody_is_sent_where_one_cannot_sign_out(
    notifs: Notifs, provider: Running, nobody: httpx2.AsyncClient, metadata: dict[str, object]
) -> None:
    await provider.set(metadata=metadata)
    await sign_in(nobody, provider)
    assert await notifs.store.database.read(lambda c: c.scalar(select(Session.id_token))) is None
    answer = await nobody.post("/logout/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login/")


async def test_who_came_by_a_password_signs_out_here_alone(adas: httpx2.AsyncClient) -> None:
    answer = await adas.post("/logout/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login/")


async def test_one_is_signed_out_here_before_the_provider_is_asked(
    notifs: Notifs, provider: Running, nobody: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(nobody, provider)
    monkeypatch.setattr(client, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(logout, "PATIENCE", 60.0)
    await provider.misbehave("silent")
    before = await provider.count("discovery")
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        signing_out = group.create_task(nobody.post("/logout/"))
        while await provider.count("discovery") == before:
            await asyncio.sleep(0.01)
        assert await sign_ins(notifs) == 0
        (line, *_) = await notifs.store.audit.read()
        assert line.event == "signed_out"
        await provider.misbehave()
    assert Document(signing_out.result()).onward.startswith(f"{provider.url}/end?")


async def test_a_provider_that_keeps_one_waiting_is_left_alone_for_a_while(
    notifs: Notifs, provider: Running, nobody: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(nobody, provider)
    monkeypatch.setattr(client, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(client, "AWAY_SECONDS", 60.0)
    monkeypatch.setattr(logout, "PATIENCE", 0.1)
    await provider.misbehave("silent")
    answer = await nobody.post("/logout/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login/")
    assert await sign_ins(notifs) == 0
    before = await provider.count("discovery")
    await provider.misbehave()
    assert (await begin(nobody)).status_code == 503
    assert await provider.count("discovery") == before


async def test_one_signs_out_here_whatever_has_become_of_the_provider(
    sqlite_url: str, provider: Running, nobody: httpx2.AsyncClient
) -> None:
    await sign_in(nobody, provider)
    async with (
        serve(Settings(database_url=sqlite_url)) as site,
        site.visitor(cookie=cookies(nobody)["cookie"]) as visitor,
    ):
        assert (await visitor.post("/logout/")).status_code == 303
        assert await sign_ins(site.notifs) == 0


@pytest.mark.parametrize("by", ["sub", "sid"])
async def test_the_provider_ends_sign_ins_and_their_sockets(
    site: Site, notifs: Notifs, provider: Running, adas: httpx2.AsyncClient, by: str
) -> None:
    async with site.visitor() as visitor, site.visitor() as other:
        await sign_in(visitor, provider, "mallory")
        await sign_in(other, provider, "grace")
        async with Client.open(site.url, headers=cookies(visitor)) as socket:
            found = await notifs.store.database.read(
                lambda c: c.scalar(select(Session.provider_session).order_by(Session.created_at).offset(1).limit(1))
            )
            claims = {"sub": "mallory-1"} if by == "sub" else {"sid": found}
            answer = await provider.logout_token(f"{site.url}{BACK}", **claims)
            assert (answer["status"], answer["body"]) == (200, "")
            await socket.until(lambda: socket.closed)
        (mallory,) = [person for person in await notifs.store.users() if person.email == "mallory@example.org"]
        lines = await notifs.store.audit.read(mallory.id)
        assert (lines[0].event, lines[0].detail) == ("session_ended", {"issuer": provider.url})
        assert not await is_in(visitor)
        assert await is_in(other)
        assert await is_in(adas)


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": None},
        {"nonce": "x"},
        {"events": None},
        {"events": {}},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": 1}},
        {"events": ["http://schemas.openid.net/event/backchannel-logout"]},
        {"iss": "https://elsewhere.example"},
        {"aud": "another"},
        {"aud": None},
        {"jti": None},
        {"iat": None},
        {"iat": 1},
        {"iat": "now"},
        {"iat": 4_000_000_000},
        {"exp": None},
        {"exp": 1},
        {"sub": 1},
        {"sub": {}},
    ],
)
async def test_a_wrong_logout_token_ends_nothing(
    site: Site, provider: Running, nobody: httpx2.AsyncClient, claims: dict[str, object]
) -> None:
    await sign_in(nobody, provider)
    answer = await provider.logout_token(f"{site.url}{BACK}", **{"sub": "ada-1", **claims})
    assert answer["status"] == 400, claims
    assert await is_in(nobody)


@pytest.mark.parametrize(
    "fault",
    [
        "unsigned", "signed_with_the_public_key", "signed_with_the_client_secret", "key_in_the_header",
        "key_set_in_the_header", "signed_by_somebody_else", "changed_after_signing", "of_fifty_kilobytes",
        "no_token_at_all",
    ],
)  # fmt: skip
async def test_a_logout_token_that_the_provider_has_not_signed_ends_nothing(
    site: Site, provider: Running, nobody: httpx2.AsyncClient, fault: str
) -> None:
    await sign_in(nobody, provider)
    await provider.misbehave(fault)
    token = await provider.logout_token(sub="ada-1" if fault != "changed_after_signing" else "grace-1")
    answer = await nobody.post(BACK, data={"logout_token": token})
    assert answer.status_code in (400, 413)
    assert await is_in(nobody)


async def test_an_id_token_is_no_logout_token(notifs: Notifs, provider: Running, nobody: httpx2.AsyncClient) -> None:
    await sign_in(nobody, provider)
    id_token = await notifs.store.database.read(lambda c: c.scalar(select(Session.id_token)))
    answer = await nobody.post(BACK, data={"logout_token": id_token})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_logout_token")
    assert answer.headers["cache-control"] == "no-store"
    assert await is_in(nobody)


async def test_a_logout_token_of_another_type_is_none(provider: Running, nobody: httpx2.AsyncClient) -> None:
    await sign_in(nobody, provider)
    token = await provider.logout_token(header={"typ": "at+jwt"}, sub="ada-1")
    assert (await nobody.post(BACK, data={"logout_token": token})).status_code == 400
    token = await provider.logout_token(header={"typ": "JWT"}, sub="ada-1")
    assert (await nobody.post(BACK, data={"logout_token": token})).status_code == 200


async def test_a_logout_token_works_once(provider: Running, nobody: httpx2.AsyncClient) -> None:
    await sign_in(nobody, provider)
    token = await provider.logout_token(sub="ada-1")
    assert (await nobody.post(BACK, data={"logout_token": token})).status_code == 200
    await sign_in(nobody, provider)
    assert (await nobody.post(BACK, data={"logout_token": token})).status_code == 400
    assert await is_in(nobody)


async def test_an_old_logout_token_is_none_and_a_slow_clock_is_forgiven(
    provider: Running, nobody: httpx2.AsyncClient
) -> None:
    await sign_in(nobody, provider)
    now = int(time.time())
    token = await provider.logout_token(sub="ada-1", iat=now - 200, exp=now + 300)
    assert (await nobody.post(BACK, data={"logout_token": token})).status_code == 400
    token = await provider.logout_token(sub="ada-1", iat=now - 100, exp=now - 10)
    assert (await nobody.post(BACK, data={"logout_token": token})).status_code == 200


async def test_a_frame_of_the_provider_ends_the_session_that_it_names(
    notifs: Notifs, provider: Running, nobody: httpx2.AsyncClient
) -> None:
    await sign_in(nobody, provider)
    sid, path = await session(notifs), "/login/local/frontchannel/"
    wrong = [{"iss": provider.url, "sid": sid} for sid in ("", "\0", f"{sid}\0", "x" * 256)]
    for query in (*wrong, {}, {"iss": provider.url}, {"sid": sid}, {"iss": "https://elsewhere.example", "sid": sid}):
        assert (await nobody.get(path, params=query)).status_code == 400
    assert (await nobody.get(path, params={"iss": provider.url, "sid": "another"})).status_code == 200
    assert await is_in(nobody)
    answer = await nobody.get(path, params={"iss": provider.url, "sid": sid})
    assert answer.status_code == 200
    assert f"frame-ancestors {provider.url};" in answer.headers["content-security-policy"] + ";"
    assert "x-frame-options" not in answer.headers
    assert not await is_in(nobody)

"""What every response carries, and what an error tells: what was wrong, and nothing that should not be seen."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from notifs import Notifs, Settings
from notifs.store import Store, accounts
from notifs.store.accounts import Person
from notifs.web.passwords import Passwords
from tests.web.site import HTML, SECRET, Site, page, serve, sign_in
from tests.wire import hosted, http_client

CANARY = "canary-secret"
ID = "/notifications/00000000-0000-7000-8000-000000000000"
PATHS = [
    "/", "/healthz", "/readyz", "/login/", "/notifications/", f"{ID}/read/", f"{ID}/archive/", "/api/v1/inbox",
    "/api/v1/inbox/changes", "/api/v1/inbox?limit=x", "/api/v1/inbox/read", "/notifs/static/notifs.svg",
    "/notifs/static/none.js", "/socket.io/", "/nothing", "/notifications", "//evil.example/", "/notifs/static/%00",
    "/notifs/static/../../app.py", "/notifs/static/%2e%2e/%2e%2e/app.py", "/notifs/static/" + "x" * 300,
    "/notifications/%ff/read/", "/logout/", "/api/docs", "/api/openapi.json", "/api/v1/notifications", "/api/v1/jobs/x",
]  # fmt: skip


def check_headers(response: httpx2.Response, *, production: bool = False) -> None:
    headers = response.headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["style-src"] == "'self'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert policy.get("require-trusted-types-for") == "'script'" or response.request.url.path == "/api/docs"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert headers.get("strict-transport-security") == ("max-age=63072000; includeSubDomains" if production else None)
    if not response.request.url.path.startswith("/notifs/static/"):
        assert headers["cache-control"] == "no-store"
        assert headers["vary"].removeprefix("Accept-Language, ") == "Cookie, Authorization"


async def test_every_response_carries_the_headers_that_keep_doors_shut(
    site: Site, nobody: httpx2.AsyncClient, adas: httpx2.AsyncClient
) -> None:
    statuses = set()
    for path in PATHS:
        for visitor in (nobody, adas):
            for asked in ("GET */*", "GET text/html", "HEAD */*", "PUT text/html", "POST */*"):
                method, accept = asked.split()
                response = await visitor.request(method, path, headers={"accept": accept})
                check_headers(response)
                statuses.add(response.status_code)
                assert response.status_code < 500, path
                assert "Traceback" not in response.text
    assert statuses >= {200, 303, 307, 400, 401, 404, 405, 415}


async def test_production_insists_on_https(production: Site) -> None:
    async with production.visitor() as visitor:
        for path in PATHS:
            check_headers(await visitor.get(path), production=True)


async def test_a_host_application_says_itself_whether_its_domain_is_for_https_alone(sqlite_url: str) -> None:
    settings = Settings(database_url=sqlite_url, environment="production", secret_key=SECRET)
    async with hosted(Notifs(settings, path="/inbox")) as url, http_client() as visitor:
        for path in ("/login/", "/notifications/", "/api/v1/inbox", "/notifs/static/notifs.svg", "/socket.io/"):
            headers = (await visitor.get(f"{url}/inbox{path}")).headers
            assert "content-security-policy" in headers
            assert "strict-transport-security" not in headers


async def test_a_refused_socket_carries_them_too(site: Site) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{site.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket", proxy=None)
    response = refused.value.response
    assert response.status_code == 401
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


async def test_static_files_are_kept_only_under_their_own_hash(nobody: httpx2.AsyncClient) -> None:
    (icon,) = [a["href"] for tag, a in (await page(nobody, "/login/")).tags if a.get("rel") == "icon"]
    kept = await nobody.get(icon or "")
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    for other in ("?v=0123456789ab", "?v=", "", "?w=1"):
        assert (await nobody.get((icon or "").partition("?")[0] + other)).headers["cache-control"] == "no-cache"


async def test_a_part_of_the_script_is_kept_by_its_name(adas: httpx2.AsyncClient) -> None:
    tags = (await page(adas, "/notifications/")).tags
    parts = [a["href"] or "" for tag, a in tags if a.get("rel") in ("modulepreload", "prefetch")]
    assert len(parts) == 6
    for path in parts:
        assert (await adas.get(path)).headers["cache-control"] == "public, max-age=31536000, immutable", path
    none = await adas.get("/notifs/static/parts/base-00000000.js")
    assert (none.status_code, none.headers["cache-control"]) == (404, "no-store")


async def test_an_error_is_told_in_problem_details(nobody: httpx2.AsyncClient) -> None:
    answer = await nobody.get("/api/v1/inbox")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Session"
    assert answer.json() == {
        "type": "urn:notifs:error:not_signed_in", "title": "not signed in", "status": 401, "code": "not_signed_in",
        "detail": "sign in first; the session's cookie is missing or has ended",
    }  # fmt: skip
    answer = await nobody.get("/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = await nobody.delete("/api/v1/inbox")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_an_error_is_a_page_for_who_asks_for_one(adas: httpx2.AsyncClient) -> None:
    answer = await adas.get("/<script>alert(1)</script>", headers=HTML)
    assert answer.status_code == 404
    assert "here is nothing at this address" in answer.text
    assert "alert(1)" not in answer.text


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
async def test_an_error_of_ours_tells_nothing_of_itself(
    site: Site, adas: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(Store, "page", broken)
    for path in ("/api/v1/inbox", "/notifications/"):
        answer = await adas.get(path, headers={"accept": accept})
        assert answer.status_code == 500
        check_headers(answer)
        assert not re.search(f"{CANARY}|Traceback|RuntimeError|notifs/", answer.text.replace("/notifs/static/", ""))
        assert "can be tried again" in answer.text
    assert (await adas.get("/healthz")).status_code == 200


@pytest.mark.parametrize("environment", ["development", "production"])
async def test_the_log_of_an_error_has_no_password_and_no_cookie(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], environment: str
) -> None:
    def broken(_: str | None, password: str) -> bool:
        raise RuntimeError("hashing is broken")

    monkeypatch.setattr(accounts, "verify_password", broken)
    settings = Settings.load(database_url=sqlite_url, environment=environment, secret_key=SECRET)
    async with serve(settings) as site, site.visitor() as visitor:
        cookie = await site.cookie(await site.person("ada"))
        assert (await sign_in(visitor, password=CANARY, cookie=cookie)).status_code == 500
    log = capfd.readouterr().err
    assert "hashing is broken" in log
    assert CANARY not in log
    assert cookie.partition("=")[2][:20] not in log


async def test_the_log_of_an_error_has_no_reset_link(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("reading is broken")

    async with serve(Settings.load(database_url=sqlite_url)) as site, site.visitor() as visitor:
        link = await site.notifs.reset_link((await site.person("ada")).id, site.url)
        token = link.removeprefix(f"{site.url}/reset/").removesuffix("/")
        monkeypatch.setattr(Passwords, "of", broken)
        assert (await visitor.get(f"/reset/{token}/")).status_code == 500
    log = capfd.readouterr().err
    assert "reading is broken" in log
    assert "/reset/{token}/" in log
    assert token not in log


async def test_a_body_over_its_bound_is_refused_announced_or_not(
    site: Site, adas: httpx2.AsyncClient, ada: Person
) -> None:
    async def chunks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b" " * 1024

    json = {"content-type": "application/json"}
    for path in ("/api/v1/inbox/read", "/login/", "/notifications/read-all/"):
        for content in (b" " * 65_537, chunks(65)):
            headers = json if "api" in path else {"content-type": "application/x-www-form-urlencoded"}
            answer = await adas.post(path, content=content, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
            check_headers(answer)
    answer = await adas.post("/api/v1/inbox/read", content=b'{"ids":[]}' + b" " * (65_536 - 10), headers=json)
    assert answer.status_code == 200
    answer = await adas.post("/api/v1/inbox/read", content=chunks(64), headers=json)
    assert answer.json()["code"] == "bad_json"


async def test_a_form_over_its_bound_changes_nothing(site: Site, adas: httpx2.AsyncClient, ada: Person) -> None:
    id = await site.notifs.notify(to=ada.id, title="one")

    async def body() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b"next=" + b"x" * 1024

    for act in ("read", "archive"):
        answer = await adas.post(
            f"/notifications/{id}/{act}/", content=body(), headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert answer.status_code == 413
    (notif,) = await site.notifs.get_unread_notifs(ada.id)
    assert notif["revision"] == 1


async def test_who_leaves_half_way_is_no_error_of_ours(capfd: pytest.CaptureFixture[str], site: Site) -> None:
    cookie = await site.cookie(await site.person("ada"))
    host, port = site.url.removeprefix("http://").split(":")
    head = [
        "POST /api/v1/inbox/read HTTP/1.1", f"host: {host}:{port}", f"cookie: {cookie}", "sec-fetch-site: same-origin",
        "content-type: application/json", "content-length: 1000", "expect: 100-continue",
    ]  # fmt: skip
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write("\r\n".join([*head, "", ""]).encode())
    assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")  # it is being read
    writer.close()
    await writer.wait_closed()
    async with site.visitor() as visitor:
        for _ in range(3):
            assert (await visitor.get("/healthz")).status_code == 200
    assert "Traceback" not in capfd.readouterr().err

"""What may come instead of a good request: refused in words, and never a fault of ours."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from notifs.api import call
from notifs.errors import StoreUnavailable
from notifs.store.database import Database
from tests.api.producer import Producer
from tests.web.site import Site

JSON = {"content-type": "application/json"}
DEEP = b'{"title":"x","to":["a"],"data":' + b'{"a":' * 70 + b"1" + b"}" * 71
BAD: list[tuple[bytes, int, str]] = [
    (b"", 400, "bad_json"), (b"{", 400, "bad_json"), (b"\xff\xfe{}", 400, "bad_json"), (b"NaN", 400, "bad_json"),
    (b'{"title":"\\ud800","to":["a"]}', 400, "bad_json"), (b"[" * 5000, 400, "bad_json"),
    (b"[" * 500 + b"]" * 500, 400, "too_deep"), (DEEP, 400, "too_deep"), (b"null", 422, "invalid_notification"),
    (b"[]", 422, "invalid_notification"), (b'"x"', 422, "invalid_notification"),
    (b'{"title":"x","to":["a"],"data":{"n":' + b"9" * 400 + b"}}", 400, "bad_json"),
    (b'{"title":"x\\u0000","to":["a"]}', 422, "invalid_notification"),
    (b'{"title":"x","to":["\\u0000"]}', 422, "invalid_notification"),
    (b'{"title":"x","to":["a"],"data":{"\\u0000":1},"title":1}', 422, "invalid_notification"),
    (b'{"title":"x","to":["\\u200b"]}', 422, "invalid_recipient"),
]  # fmt: skip


async def test_what_is_no_good_json_is_refused(shop: Producer) -> None:
    for content, status, code in BAD:
        answer = await shop.refused("POST", "/notifications", content=content, headers=JSON)
        assert answer == (status, code), content[:80]


async def test_a_body_has_its_bound_at_each_address(shop: Producer) -> None:
    async def chunks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b" " * 65_536

    for path, limit in (("/notifications", 128), ("/notifications/batch", 128), ("/announcements", 1)):
        for content in (b" " * (limit * 65_536 + 1), chunks(limit + 1)):
            answer = await shop.refused("POST", path, content=content, headers=JSON)
            assert answer == (413, "too_large")
        answer = await shop.refused("POST", path, content=b" " * limit * 65_536, headers=JSON)
        assert answer == (400, "bad_json")


async def test_the_body_must_be_called_json(shop: Producer) -> None:
    body = b'{"to":["ada"],"title":"x"}'
    for type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""):
        answer = await shop.refused("POST", "/notifications", content=body, headers={"content-type": type})
        assert answer == (415, "unsupported_media_type")
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    assert (await shop.ask("POST", "/notifications", content=body, headers=headers)).status_code == 201


async def test_an_address_says_which_methods_it_takes(shop: Producer) -> None:
    known = {
        "/notifications": "GET, HEAD, OPTIONS, POST", "/announcements": "OPTIONS, POST",
        "/notifications/1": "DELETE, GET, HEAD, OPTIONS, PATCH", "/jobs/1": "GET, HEAD, OPTIONS",
    }  # fmt: skip
    for path, allow in known.items():
        for method in ("PUT", "TRACE", "LOCK"):
            response = await shop.ask(method, path)
            assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
            assert response.headers["allow"] == allow
        response = await shop.http.options(f"/api/v1{path}")
        assert (response.status_code, response.headers["allow"], response.content) == (204, allow, b"")


async def test_a_head_is_a_get_without_its_body(shop: Producer) -> None:
    for path in ("/notifications", "/topics"):
        got, head = [await shop.http.request(method, f"/api/v1{path}") for method in ("GET", "HEAD")]
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["content-length"] == got.headers["content-length"]


async def test_nobody_gets_a_page_here(shop: Producer) -> None:
    html = {"accept": "text/html"}
    for path in ("/notifications/nonsense", "/notifications/a/b/c", "/topics//", "/jobs/"):
        response = await shop.http.get(f"/api/v1{path}", headers=html)
        assert response.status_code in (400, 404)
        assert response.headers["content-type"] == "application/problem+json"


async def test_no_name_in_a_path_is_a_fault_of_ours(admin: Producer) -> None:
    for path in ("%00", "%0a", "%ff", "..%2f..", "a%2Fb", "%E2%80%AE", "x" * 201):
        await _try_as_a_name(admin, path)


async def _try_as_a_name(admin: Producer, path: str) -> None:
    for method, place in (
        ("GET", f"/users/{path}"), ("PUT", f"/users/{path}"), ("GET", f"/topics/{path}"),
        ("PUT", f"/topics/orders/followers/{path}"), ("DELETE", f"/topics/orders/followers/{path}"),
        ("PUT", f"/topics/{path}/followers/ada"), ("DELETE", f"/subjects/{path}/{path}"),
        ("GET", f"/users/ada/links/github/{path}"), ("DELETE", f"/users/ada/links/{path}/octocat"),
        ("GET", f"/jobs/{path}"), ("DELETE", f"/notifications/{path}"),
    ):  # fmt: skip
        response = await admin.ask(method, place)
        assert response.status_code in (200, 201, 204, 400, 404, 422), (method, place, response.text)


async def test_without_the_database_it_says_when_to_come_again(
    shop: Producer, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable("the database cannot be reached")

    body = {"to": ["ada"], "title": "x"}
    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", away)
        response = await shop.ask("POST", "/notifications", json=body)
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        results = (await shop.ask("POST", "/notifications/batch", json={"items": [body]})).json()["results"]
        assert results[0]["error"]["code"] == "store_unavailable"
    assert (await shop.send(to=["ada"]))["recipients"] == 1
    assert len(await site.notifs.get_unread_notifs("ada")) == 1


async def test_a_body_that_does_not_come_is_not_waited_for(
    shop: Producer, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "BODY_SECONDS", 0.1)
    url = urlsplit(site.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    key = shop.http.headers["authorization"]
    lines = ("POST /api/v1/notifications HTTP/1.1", f"host: {url.netloc}", f"authorization: {key}",
             "content-type: application/json", "content-length: 10", "", "{")  # fmt: skip
    writer.write("\r\n".join(lines).encode())
    answer = await reader.readuntil(b"}")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"code":"too_slow"' in answer
    writer.close()

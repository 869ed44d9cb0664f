"""The audit log over HTTP: for who may do everything, in pages, of what was asked for."""

import pytest

from tests.api.producer import Producer
from tests.web.site import Site, sign_in
from tests.wire import http_client

MOMENT = "2026-01-02T03:04:05Z"


async def test_an_admin_reads_what_happened_newest_first_in_pages(site: Site, admin: Producer) -> None:
    ada = await site.person("ada")
    async with site.visitor() as visitor:
        await sign_in(visitor, password="wrong")
        await sign_in(visitor)
    lines: list[dict[str, object]] = []
    cursor: dict[str, str] = {}
    while len(lines) < 20:
        page = await admin.get("/audit", recipient=ada.id, limit=1, **cursor)
        lines += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert [line["event"] for line in lines] == ["signed_in", "sign_in_failed", "account_made"]
    assert (lines[0]["recipient"], lines[0]["address"], lines[0]["actor"]) == (ada.id, "127.0.0.1", None)
    (made,) = (await admin.get("/audit", event="key_made"))["items"]
    assert made["detail"] == {"key": admin.key, "producer": "admin"}
    assert len((await admin.get("/audit", since=MOMENT))["items"]) >= 4
    assert (await admin.get("/audit", since="2999-01-02T03:04:05+01:00"))["items"] == []
    assert (await admin.get("/audit", recipient="nobody"))["items"] == []


@pytest.mark.parametrize("query", ["event=lunch", "since=yesterday", "limit=0", "cursor=x", "user=ada"])
async def test_what_cannot_be_asked_for_is_refused(admin: Producer, query: str) -> None:
    status, code = await admin.refused("GET", f"/audit?{query}")
    assert (status, code) == (400, "invalid_cursor" if query == "cursor=x" else "bad_request")


async def test_it_is_for_admins_alone(shop: Producer, site: Site) -> None:
    assert await shop.refused("GET", "/audit") == (403, "out_of_scope")
    async with http_client(site.url) as nobody:
        assert (await nobody.get("/api/v1/audit")).status_code == 401

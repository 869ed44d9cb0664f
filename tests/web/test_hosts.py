"""By which names a site is asked for: a Host is one name at most, and one of the settings' if they have any."""

import httpx2
import pytest
from starlette.types import Scope

from notifs import Settings
from notifs.origins import Origins
from tests.web.site import Site, serve

MALFORMED = [
    "",
    "a b",
    "a/b",
    "a@b",
    "a:b",
    "a:",
    ":80",
    "a:123456",
    "[::1",
    "::1",
    "a,b",
    "a\\b",
    "a?b",
    "a#b",
    "a%2eb",
    "<a>",
]


def scope(*hosts: str) -> Scope:
    return {"type": "http", "headers": [(b"host", host.encode()) for host in hosts]}


@pytest.mark.parametrize("host", MALFORMED)
async def test_what_is_no_host_is_refused(nobody: httpx2.AsyncClient, host: str) -> None:
    answer = await nobody.get("/login/", headers={"host": host})
    assert answer.status_code == 400
    if answer.headers["content-type"] == "application/problem+json":  # else the server did not even read it
        assert answer.json()["code"] == "unknown_host"
    assert Origins().names_us(scope(host)) is None


def test_two_hosts_or_none_are_no_host() -> None:
    for hosts in ([], ["a.example", "a.example"], ["a.example", "b.example"]):
        assert Origins().names_us(scope(*hosts)) is None
        assert Origins(["https://a.example"]).names_us(scope(*hosts)) is None


async def test_without_origins_any_host_is_ours(nobody: httpx2.AsyncClient) -> None:
    for host in ("a.example", "A.example:8000", "[::1]:80", "localhost", "under_score.example"):
        assert (await nobody.get("/login/", headers={"host": host})).status_code == 200


async def test_with_origins_their_hosts_are_ours_and_no_others(sqlite_url: str) -> None:
    origins = ("https://a.example", "http://b.example:8000", "http://[::1]:9")
    async with serve(Settings(database_url=sqlite_url, origins=origins)) as site, site.visitor() as visitor:
        for host in ("a.example", "A.Example", "a.example:443", "b.example:8000", "[::1]:9"):
            assert (await visitor.get("/login/", headers={"host": host})).status_code == 200, host
        for host in ("a.example:80", "b.example", "b.example:80", "[::1]", "c.example", "a.example.", "www.a.example"):
            answer = await visitor.get("/login/", headers={"host": host})
            assert (answer.status_code, answer.json()["code"]) == (400, "unknown_host"), host
            assert "NOTIFS_ORIGINS" in answer.json()["detail"]


async def test_who_looks_after_a_worker_may_ask_by_its_address(sqlite_url: str) -> None:
    settings = Settings(database_url=sqlite_url, origins=("https://a.example",), metrics_token="t" * 32)
    async with serve(settings) as site, site.visitor(authorization="Bearer " + "t" * 32) as visitor:
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await visitor.get(path)).status_code == 200
        assert (await visitor.get("/healthz/")).status_code == 400


async def test_a_redirect_goes_to_no_other_host(site: Site, nobody: httpx2.AsyncClient) -> None:
    answer = await nobody.get("/notifications", headers={"host": "a.example@evil.example"})
    assert answer.status_code == 400

"""Writes that another site's page could cause: refused on every route, before anything is done (CSRF)."""

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from notifs import Settings
from notifs.api.routes import Endpoint
from notifs.origins import Origins
from notifs.store.accounts import Person
from tests.web.site import Site, serve

ID = "00000000-0000-7000-8000-000000000000"
SAME = {"sec-fetch-site": "same-origin"}


def unsafe(app: Starlette) -> list[tuple[str, str]]:
    """Every method and path of the application that can change something, and that listens to cookies."""
    listening = [route for route in app.routes if isinstance(route, Route) and not isinstance(route, Endpoint)]
    listening = [route for route in listening if not route.path.startswith("/hooks/")]
    routes = [(method, route.path) for route in listening for method in route.methods or ()]
    return [(method, path.replace("{id}", ID)) for method, path in routes if method not in ("GET", "HEAD")]


def hostile(url: str) -> list[dict[str, str]]:
    """Headers of requests that no page of this site has sent."""
    host, _, port = url.removeprefix("http://").partition(":")
    origins = [
        "https://evil.example", "null", "", f"{url}.evil.example", f"http://evil{host}:{port}", f"http://{host}:1",
        f"http://{host}", f"https://{host}:{port}", f"http://localhost:{port}", f"http://user@{host}:{port}",
        url.upper(), f"{url}/", f"{url}, {url}",
    ]  # fmt: skip
    sites = ["cross-site", "same-site", "none", "", "SAME-ORIGIN", "same-origin, same-origin"]
    return [
        *({"origin": origin} for origin in origins),
        *({"origin": origin, **SAME} for origin in origins),
        *({"sec-fetch-site": site} for site in sites),
        *({"sec-fetch-site": site, "origin": url} for site in ("cross-site", "same-site")),
    ]


async def send(visitor: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str]) -> httpx2.Response:
    """A request with these headers and no others of a browser."""
    request = visitor.build_request(method, path, headers=headers)
    if "sec-fetch-site" not in headers:
        del request.headers["sec-fetch-site"]
    return await visitor.send(request)


async def test_no_other_site_can_cause_a_write(site: Site, ada: Person, adas: httpx2.AsyncClient) -> None:
    await site.notifs.notify(to=ada.id, title="one")
    routes = unsafe(site.app)
    assert {path for _, path in routes} >= {"/login/", "/logout/", "/api/v1/inbox/read", "/notifications/read-all/"}
    assert len(routes) == 27
    for method, path in routes:
        for headers in hostile(site.url):
            answer = await send(adas, method, path, headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "cross_site"), (path, headers)
    assert (await adas.get("/api/v1/inbox")).json()["notif_count"] == 1


async def test_a_write_with_a_cookie_must_say_where_it_comes_from(site: Site, adas: httpx2.AsyncClient) -> None:
    for method, path in unsafe(site.app):
        assert (await send(adas, method, path, {})).status_code == 403, path
        assert (await send(adas, method, path, {"x-http-method-override": "GET"})).status_code == 403, path


async def test_a_program_without_a_cookie_need_not(site: Site, nobody: httpx2.AsyncClient) -> None:
    for method, path in unsafe(site.app):
        assert (await send(nobody, method, path, {})).status_code in (303, 401, 404), path


async def test_pages_of_this_site_may_write(site: Site, ada: Person) -> None:
    for headers in (SAME, {"origin": site.url}, {"origin": site.url, **SAME}):
        for method, path in unsafe(site.app):
            async with site.visitor(ada) as visitor:
                assert (await send(visitor, method, path, headers)).status_code != 403, (path, headers)


async def test_a_method_in_the_form_or_the_query_is_not_listened_to(site: Site, adas: httpx2.AsyncClient) -> None:
    answer = await send(adas, "GET", "/logout/?_method=POST", {"x-http-method-override": "POST"})
    assert answer.status_code == 405
    assert (await adas.get("/api/v1/inbox")).status_code == 200


async def test_named_origins_are_ours_wherever_we_are_served(sqlite_url: str) -> None:
    named = {"origin": "https://example.org"}
    settings = Settings(database_url=sqlite_url, origins=("https://example.org", "https://www.example.org"))
    async with serve(settings) as site:
        ada = await site.person("ada")
        async with site.visitor(ada, host="example.org") as visitor:
            for allowed in (named, {**named, "sec-fetch-site": "same-site"}, {"origin": "https://www.example.org"}):
                assert (await send(visitor, "POST", "/api/v1/inbox/read", allowed)).status_code == 415
            refused: list[dict[str, str]] = [
                {"origin": site.url}, {"origin": "https://example.org.evil.example"}, {"origin": "http://example.org"},
                {"origin": "https://EXAMPLE.org"}, {"origin": "null"}, {"sec-fetch-site": "same-site"},
            ]  # fmt: skip
            for headers in refused:
                assert (await send(visitor, "POST", "/api/v1/inbox/read", headers)).status_code == 403, headers


@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_behind_tls_the_origin_has_https(scheme: str) -> None:
    scope = {"type": "http", "scheme": scheme, "headers": [(b"host", b"example.org")]}
    assert Origins().allows("https://example.org", scope)
    assert not Origins().allows("http://example.org", scope)

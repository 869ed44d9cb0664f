"""Where it is served: on the other database, and below a path of a host application."""

import re
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.routing import Mount

from notifs import Notifs, Settings
from tests.api.producer import BASE, Producer
from tests.web.site import Site, serve
from tests.wire import http_client, listening


async def test_each_list_and_each_thing_is_the_same_on_postgresql(postgres_url: str) -> None:
    async with serve(Settings(database_url=postgres_url, create_users=True)) as site:
        await _round_trip(site)


async def _round_trip(site: Site) -> None:
    async with Producer.of(site, "shop", "admin") as shop:
        people = ["Zoe", "ada", "émile", "Ada"]
        sent = await shop.send(to=people, subject={"type": "order", "id": "7"}, expires_at="2050-01-01T00:00:00Z")
        later = await shop.send(to=["ada"], send_at="2050-01-01T00:00:00Z", key="k")
        assert await shop.send(to=["ada"], send_at="2050-01-01T00:00:00Z", key="k") == later
        assert len((await shop.get("/notifications"))["items"]) == 2
        assert (await shop.get(f"/notifications/{sent['id']}"))["counts"]["recipients"] == 4
        assert (await shop.get(f"/jobs/{later['job']}"))["notification"] == later["id"]
        await shop.ask("POST", "/topics/orders/followers", json={"add": people})
        await shop.ask("PUT", "/users/ada/links/github/ada")
        for path, name in ((f"/notifications/{sent['id']}/receipts", "recipient"), ("/users", "id")):
            assert sorted(one[name] for one in await every(shop, path)) == sorted(people)
        assert sorted(await every(shop, "/topics/orders/followers")) == sorted(people)
        assert (await shop.get("/users/ada"))["links"] == [{"system": "github", "name": "ada"}]
        assert (await shop.ask("PATCH", f"/notifications/{sent['id']}", json={"title": "New"})).status_code == 200
        assert (await shop.ask("DELETE", "/subjects/order/7")).json() == {"retracted": 1}


async def every(producer: Producer, path: str) -> list[Any]:
    """The rows of all pages, one row each."""
    page = await producer.get(path, limit=1)
    found: list[Any] = page["items"]
    while page["next"] is not None:
        page = await producer.get(path, limit=1, cursor=page["next"])
        found += page["items"]
    return found


async def test_a_host_may_have_it_below_paths_of_its_own(sqlite_url: str) -> None:
    async def nobody(scope: Any) -> None: ...

    notifs = Notifs(Settings(database_url=sqlite_url), identify=nobody, path="/n")
    inner = Starlette()
    notifs.mount(inner)
    app = Starlette(routes=[Mount("/{tenant}", inner)], lifespan=notifs.lifespan)
    async with listening(app) as url:
        for tenant in ("host", "@host", "h%C3%B6st", "h%c3%b6st"):  # a path may be written in more ways than one
            await _tour(notifs, f"{url}/{tenant}/n{BASE}", tenant)


async def _tour(notifs: Notifs, base: str, someone: str) -> None:
    _, token = await notifs.store.keys.create("shop", ["admin"])
    json = {"content-type": "application/json"}
    async with http_client(headers={"authorization": f"Bearer {token}"}) as http:
        document = (await http.get(base.replace("v1", "openapi.json"))).json()
        assert all(path.startswith("/n/api/v1/") for path in document["paths"])
        response = await http.post(f"{base}/notifications", json={"to": [f"a/{someone}"], "title": "x"})
        assert re.fullmatch(r"/n/api/v1/notifications/[0-9a-f-]{36}", response.headers["location"])
        assert (await http.get(f"{base}/users/{quote(f'a/{someone}', safe='')}")).json()["unread"] == 1
        for path, code in (("/notifications", "bad_json"), ("/announcements", "too_large")):
            response = await http.post(base + path, content=b" " * 100_000, headers=json)
            assert response.json()["code"] == code
        response = await http.post(f"{base}/notifications", headers={"cookie": "session=x", "authorization": ""})
        assert response.json()["code"] == "invalid_key"
        response = await http.get(f"{base}/jobs/x/y", headers={"accept": "text/html"})
        assert "html" not in response.headers["content-type"]

"""Who may do what: keys, their scopes, kinds and topics; and what is other producers'."""

import re
from typing import Any

from notifs.api.operations import Operation, declared
from notifs.api.producers import ROOMS
from tests.api.producer import BASE, Producer
from tests.web.site import Site
from tests.wire import http_client

OPERATIONS: list[Operation] = [operation for room in ROOMS for operation in declared(room)]
PLACES = {"id": "01935d3f-7b1e-7cc2-9d5a-0b6f5a3c2e11", "topic": "orders", "system": "github"}


def place(operation: Operation) -> str:
    """An address of an operation."""
    return re.sub(r"{(\w+)}", lambda match: PLACES.get(match[1], "ada"), operation.path)


def body(operation: Operation) -> Any:
    """An example of what it takes."""
    if operation.body is None:
        return None
    extra: Any = operation.body.model_config["json_schema_extra"]
    return extra["examples"][0]


async def test_without_a_good_key_there_is_nothing(site: Site, shop: Producer) -> None:
    token = shop.http.headers["authorization"].removeprefix("Bearer ")
    ada = await site.person("ada")
    headers: list[dict[str, str]] = [
        {}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": f"Basic {token}"},
        {"authorization": token}, {"authorization": f"Bearer {token}x"}, {"authorization": f"Bearer {token[:-1]}"},
        {"authorization": "Bearer nk_000000000000_" + "x" * 43}, {"authorization": f"Bearer {token} {token}"},
        {"x-api-key": token}, {"cookie": await site.cookie(ada), "sec-fetch-site": "same-origin"},
        {"cookie": await site.cookie(ada)}, {"cookie": f"authorization=Bearer {token}", "accept": "text/html"},
    ]  # fmt: skip
    async with http_client(site.url) as nobody:
        for operation in OPERATIONS:
            for given in headers if operation.name in ("send", "users") else headers[:1]:
                path = f"{BASE}{place(operation)}?access_token={token}"
                response = await nobody.request(operation.method, path, json=body(operation), headers=given)
                shop.document.check(response)
                assert (response.status_code, response.json()["code"]) == (401, "invalid_key")
                assert response.headers["www-authenticate"] == "Bearer"
                assert "set-cookie" not in response.headers


async def test_a_revoked_key_is_no_good_at_once(site: Site, shop: Producer) -> None:
    await shop.send(to=["ada"])
    await site.notifs.store.keys.revoke(shop.key)
    for operation in OPERATIONS:
        answer = await shop.refused(operation.method, place(operation), json=body(operation))
        assert answer == (401, "invalid_key")


async def test_each_operation_needs_its_scope_and_says_so(site: Site) -> None:
    others = {"send": ["read"], "read": ["send"], "admin": ["send", "read"]}
    for scope, given in others.items():
        async with Producer.of(site, "limited", *given) as limited:
            for operation in (each for each in OPERATIONS if each.scope == scope):
                response = await limited.ask(operation.method, place(operation), json=body(operation))
                assert (response.status_code, response.json()["code"]) == (403, "out_of_scope"), operation.name
                assert f"the scope {scope}" in response.json()["detail"]


async def test_what_others_have_sent_is_not_there(site: Site, shop: Producer, blog: Producer, admin: Producer) -> None:
    sent = await shop.send(to=["ada"], send_at="2050-01-01T00:00:00Z")
    here = f"/notifications/{sent['id']}"
    nowhere = f"/notifications/{PLACES['id']}"
    for method, rest in (("GET", ""), ("GET", "/receipts"), ("PATCH", ""), ("DELETE", "")):
        options = {"json": {"title": "Mine"}} if method == "PATCH" else {}
        theirs, unknown = [await blog.ask(method, where + rest, **options) for where in (here, nowhere)]
        assert theirs.status_code == unknown.status_code == 404
        assert theirs.json() == unknown.json()
    assert await blog.refused("GET", f"/jobs/{sent['job']}") == (404, "not_found")
    assert (await blog.get("/notifications"))["items"] == []
    assert (await shop.get(here))["title"] == "Hello"
    assert (await admin.get(here))["producer"] == "shop"
    assert len((await admin.get("/notifications"))["items"]) == 1
    assert (await admin.ask("DELETE", here)).status_code == 204


async def test_another_key_of_the_same_name_reaches_the_same(site: Site, shop: Producer) -> None:
    sent = await shop.send(to=["ada"], key="k")
    async with Producer.of(site, "shop", "send", "read") as next_key:
        assert (await next_key.get(f"/notifications/{sent['id']}"))["title"] == "Hello"
        assert await next_key.send(to=["ada"], key="k") == sent


async def test_a_key_may_be_for_some_kinds_alone(site: Site) -> None:
    async with Producer.of(site, "ci", "send", kinds=["build.*", "deploy"]) as ci:
        sent = await ci.send(to=["ada"], kind="build.failed")
        await ci.send(to=["ada"], kind="deploy")
        for kind in ("builds", "deploy.now", None):
            request = {"to": ["ada"], "title": "x", **({"kind": kind} if kind else {})}
            assert await ci.refused("POST", "/notifications", json=request) == (403, "out_of_scope")
        assert await ci.refused("POST", "/announcements", json={"title": "x"}) == (403, "out_of_scope")
        items = [{"to": ["ada"], "title": "x", "kind": kind} for kind in ("deploy", "other")]
        results = (await ci.ask("POST", "/notifications/batch", json={"items": items})).json()["results"]
        assert [result["status"] for result in results] == [201, 403]
    async with Producer.of(site, "ci", "send", kinds=["other"]) as other:
        change = await other.refused("PATCH", f"/notifications/{sent['id']}", json={"title": "x"})
        assert change == (403, "out_of_scope")


async def test_a_key_may_be_for_some_topics_alone(site: Site, shop: Producer, admin: Producer) -> None:
    topics = site.notifs.store.topics
    await topics.follow("orders", ["ada"])
    await topics.follow("secret", ["grace"])
    async with Producer.of(site, "orders only", "admin", topics=["orders"]) as limited:
        await limited.send(topics=["orders"])
        for where in ({"topics": ["secret"]}, {"topics": ["orders", "secret"]}, {"to": ["ada"]}):
            request = {**where, "title": "x"}
            assert await limited.refused("POST", "/notifications", json=request) == (403, "out_of_scope")
        assert await limited.refused("POST", "/announcements", json={"title": "x"}) == (403, "out_of_scope")
        assert (await limited.get("/topics"))["items"] == ["orders"]
        assert await limited.get("/topics", limit=1) == {
            "items": ["orders"],
            "next": None,
        }  # it would name the next one
        await topics.follow("secret", ["ada"])
        await admin.ask("PUT", "/users/ada")
        assert (await limited.get("/users/ada"))["topics"] == ["orders"]
        others = [await shop.send(to=["grace"]), (await shop.ask("POST", "/announcements", json={"title": "x"})).json()]
        for sent in others:
            refused = await limited.refused("PATCH", f"/notifications/{sent['id']}", json={"title": "y"})
            assert refused == (403, "out_of_scope")
        for operation in (each for each in OPERATIONS if "{topic}" in each.path):
            path = place(operation).replace("orders", "secret")
            answer = await limited.refused(operation.method, path, json=body(operation))
            assert answer == (403, "out_of_scope"), operation.name
    assert await topics.followers("secret") == ["ada", "grace"]

"""Topics and their followers, users and their links, over HTTP."""

from tests.api.producer import Producer
from tests.web.site import Site


async def test_a_topic_is_there_from_its_first_follower_on(shop: Producer, admin: Producer) -> None:
    for method, path in (("GET", "/topics/acme%2Fapi"), ("GET", "/topics/acme%2Fapi/followers")):
        assert await shop.refused(method, path) == (404, "unknown_topic")
    for _ in range(2):
        assert (await shop.ask("PUT", "/topics/acme%2Fapi/followers/ada%20l")).status_code == 204
    assert await shop.get("/topics/acme%2Fapi") == {"name": "acme/api", "followers": 1}
    assert (await shop.get("/topics/acme%2Fapi/followers"))["items"] == ["ada l"]
    assert (await shop.get("/topics"))["items"] == ["acme/api"]
    for _ in range(2):
        assert (await shop.ask("DELETE", "/topics/acme%2Fapi/followers/ada%20l")).status_code == 204
    assert await shop.get("/topics/acme%2Fapi") == {"name": "acme/api", "followers": 0}
    assert (await admin.ask("DELETE", "/topics/acme%2Fapi")).status_code == 204
    assert await admin.refused("DELETE", "/topics/acme%2Fapi") == (404, "unknown_topic")


async def test_many_follow_at_once(site: Site, shop: Producer) -> None:
    grace = await site.person("grace")
    add = ["grace@example.org", *(f"r{n:04}" for n in range(2000))]
    response = await shop.ask("POST", "/topics/all/followers", json={"add": add, "remove": ["nobody"]})
    assert response.json() == {"added": 2001, "removed": 0}
    response = await shop.ask("POST", "/topics/all/followers", json={"add": ["r0001"], "remove": ["grace@example.org"]})
    assert response.json() == {"added": 0, "removed": 1}
    found: list[str] = []
    page = await shop.get("/topics/all/followers", limit=1000)
    while page["next"]:
        found += page["items"]
        page = await shop.get("/topics/all/followers", limit=1000, cursor=page["next"])
    assert found + page["items"] == add[1:]
    assert grace.id not in found
    assert (await shop.send(topics=["all"]))["recipients"] == 2000
    answer = await shop.refused("POST", "/topics/all/followers", json={"add": ["nobody@example.org"]})
    assert answer == (422, "unknown_recipient")


async def test_topics_come_in_pages(shop: Producer) -> None:
    for topic in ("a", "b", "c"):
        await shop.ask("PUT", f"/topics/{topic}/followers/ada")
    first = await shop.get("/topics", limit=2)
    assert first["items"] == ["a", "b"]
    assert await shop.get("/topics", cursor=first["next"]) == {"items": ["c"], "next": None}


async def test_a_user_has_a_mailbox_topics_and_names_elsewhere(shop: Producer, admin: Producer) -> None:
    assert await shop.refused("GET", "/users/42") == (404, "not_found")
    made, again = [await admin.ask("PUT", "/users/42") for _ in range(2)]
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json() == {"id": "42", "unread": 0, "unseen": 0, "topics": [], "links": []}
    link = "/users/42/links/github/OctoCat"
    assert await shop.refused("GET", link) == (404, "not_found")
    assert [(await admin.ask("PUT", link)).status_code for _ in range(2)] == [201, 200]
    assert await shop.get(link) == {"system": "github", "name": "octocat"}
    await shop.ask("PUT", "/topics/orders/followers/42")
    await shop.send(to=["42"])
    assert await shop.get("/users/42") == {
        "id": "42", "unread": 1, "unseen": 1, "topics": ["orders"],
        "links": [{"system": "github", "name": "octocat"}],
    }  # fmt: skip
    assert (await admin.ask("DELETE", link)).status_code == 204
    assert await admin.refused("DELETE", link) == (404, "not_found")
    assert await admin.refused("PUT", "/users/unknown/links/github/x") == (404, "not_found")


async def test_users_come_in_pages(site: Site, shop: Producer) -> None:
    await site.notifs.store.recipients.create_mailboxes(["a", "b", "c"])
    first = await shop.get("/users", limit=2)
    assert [user["id"] for user in first["items"]] == ["a", "b"]
    rest = await shop.get("/users", limit=2, cursor=first["next"])
    assert ([user["id"] for user in rest["items"]], rest["next"]) == (["c"], None)

"""Sending, changing and taking back over HTTP."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from notifs import Kind, Notifs, Settings
from tests.api.producer import Producer
from tests.web.site import Site
from tests.wire import hosted

LATER = (datetime.now(UTC) + timedelta(days=1)).isoformat()
PAST = "2020-01-01T00:00:00Z"
UNKNOWN = "01935d3f-7b1e-7cc2-9d5a-0b6f5a3c2e11"


async def inbox(site: Site, recipient: str) -> list[str]:
    """The titles of what is unread, newest first."""
    return [notif["title"] for notif in await site.notifs.get_unread_notifs(recipient)]


async def test_what_is_sent_is_in_the_mailbox_of_each_recipient(site: Site, shop: Producer) -> None:
    fields: dict[str, Any] = {
        "title": "Order 7", "body": "It is placed.", "url": "/orders/7", "icon": "/shop.svg", "priority": "high",
        "group": "orders", "kind": "order.placed", "data": {"order": 7}, "actor": {"name": "Shop"},
        "actions": [{"label": "Pay", "url": "/orders/7/pay"}],
    }  # fmt: skip
    subject = {"type": "order", "id": "7"}
    response = await shop.ask("POST", "/notifications", json={**fields, "to": ["ada", "grace"], "subject": subject})
    assert response.status_code == 201
    sent = response.json()
    assert (sent["recipients"], sent["job"]) == (2, None)
    assert response.headers["location"] == f"/api/v1/notifications/{sent['id']}"
    for recipient in ("ada", "grace"):
        (notif,) = await site.notifs.get_unread_notifs(recipient)
        assert notif["id"] == sent["id"]
        assert (notif["title"], notif["url"], notif["data"]) == ("Order 7", "/orders/7", {"order": 7})
    shown = await shop.get(f"/notifications/{sent['id']}")
    assert shown["counts"] == {"recipients": 2, "seen": 0, "read": 0, "archived": 0}
    assert (shown["producer"], shown["subject"], shown["version"], shown["announced"]) == ("shop", subject, 1, False)
    assert {name: shown[name] for name in ("title", "body", "priority", "group", "kind", "data")} == {
        name: fields[name] for name in ("title", "body", "priority", "group", "kind", "data")
    }


async def test_it_goes_to_the_followers_of_topics_but_not_to_those_excluded(site: Site, shop: Producer) -> None:
    await site.notifs.store.topics.follow("orders", ["ada", "grace", "linus"])
    sent = await shop.send(topics=["orders"], to=["barbara"], exclude=["grace"])
    assert sent["recipients"] == 3
    assert [await inbox(site, r) for r in ("ada", "barbara", "grace", "linus")] == [["Hello"], ["Hello"], [], ["Hello"]]


async def test_what_is_sent_later_has_a_job_that_tells_how_far_it_is(site: Site, shop: Producer) -> None:
    response = await shop.ask("POST", "/notifications", json={"to": ["ada"], "title": "Later", "send_at": LATER})
    sent = response.json()
    assert (response.status_code, sent["recipients"]) == (202, 1)
    assert response.headers["location"] == f"/api/v1/jobs/{sent['job']}"
    job = await shop.get(f"/jobs/{sent['job']}")
    assert (job["act"], job["notification"], job["total"], job["done"]) == ("send", sent["id"], 1, 0)
    assert job["finished_at"] is None
    assert (await shop.get(f"/notifications/{sent['id']}"))["job"] == sent["job"]
    assert await inbox(site, "ada") == []
    assert (await shop.ask("DELETE", f"/notifications/{sent['id']}")).status_code == 204  # and is never sent
    past = await shop.send(to=["ada"], send_at=PAST)
    assert past["job"] is None


async def test_a_hundred_thousand_recipients_fit_in_one_request(site: Site, shop: Producer) -> None:
    response = await shop.ask("POST", "/notifications", json={"title": "All", "to": [f"r{n}" for n in range(100_000)]})
    assert (response.status_code, response.json()["recipients"]) == (202, 100_000)
    await shop.ask("DELETE", f"/notifications/{response.json()['id']}")
    too_many = {"title": "All", "to": ["ada"] * 100_001}
    assert await shop.refused("POST", "/notifications", json=too_many) == (422, "invalid_notification")


async def test_the_same_key_is_answered_with_the_same_and_done_once(site: Site, shop: Producer) -> None:
    async def post(key: str) -> Any:
        headers = {"idempotency-key": key}
        return await shop.ask("POST", "/notifications", json={"to": ["ada"], "title": "Once"}, headers=headers)

    first, *others = await asyncio.gather(*(post("order-7") for _ in range(5)))
    assert {response.status_code for response in others} == {first.status_code} == {201}
    assert {response.content for response in others} == {first.content}
    replayed = [response.headers.get("idempotency-replayed") for response in (first, *others)]
    assert sorted(replayed, key=str) == [None, "true", "true", "true", "true"]
    assert (await post('"order-7"')).content == first.content  # as the draft of the IETF writes it
    assert await inbox(site, "ada") == ["Once"]
    later = [await shop.send(to=["ada"], send_at=LATER, key="later") for _ in range(2)]
    assert later[0] == later[1]


async def test_the_same_key_with_another_request_is_refused(site: Site, shop: Producer) -> None:
    await shop.send(to=["ada"], key="k")
    headers = {"idempotency-key": "k"}
    for other in ({"to": ["ada"], "title": "Other"}, {"to": ["grace"], "title": "Hello"}):
        answer = await shop.refused("POST", "/notifications", json=other, headers=headers)
        assert answer == (422, "idempotency_key_reused")
    assert await inbox(site, "ada") == ["Hello"]


async def test_keys_of_different_producers_never_meet(shop: Producer, blog: Producer) -> None:
    ids = {(await producer.send(to=["ada"], key="k"))["id"] for producer in (shop, blog)}
    assert len(ids) == 2
    response = await blog.ask(
        "POST", "/notifications", json={"to": ["grace"], "title": "Hello"}, headers={"idempotency-key": "k"}
    )
    assert response.json()["code"] == "idempotency_key_reused"  # of its own


async def test_what_is_no_key_is_refused(shop: Producer) -> None:
    for key in (b"", b"x" * 201, "ä".encode(), b'""', b'"a"b"'):
        body = {"to": ["ada"], "title": "x"}
        answer = await shop.refused("POST", "/notifications", json=body, headers=[("idempotency-key", key)])
        assert answer == (400, "bad_request"), key


async def test_an_unread_one_with_the_same_dedupe_key_is_updated(site: Site, shop: Producer) -> None:
    first = await shop.send(to=["ada"], dedupe_key="build", title="Running")
    second = await shop.send(to=["ada"], dedupe_key="build", title="Done")
    assert first["id"] == second["id"]
    assert await inbox(site, "ada") == ["Done"]


WRONG: list[dict[str, Any]] = [
    {}, {"title": ""}, {"title": "x" * 201}, {"title": 7}, {"title": "a\0b"}, {"title": "x", "url": "javascript:1"},
    {"title": "x", "url": "//evil"}, {"title": "x", "priority": "loud"}, {"title": "x", "nonsense": 1},
    {"title": "x", "actions": [{}]}, {"title": "x", "body": "ä" * 2049}, {"title": "x", "kind": "Nope!"},
    {"title": "x", "send_at": "tomorrow"}, {"title": "x", "send_at": 1_900_000_000},
    {"title": "x", "send_at": "2030-02-30T00:00:00Z"}, {"title": "x", "send_at": "0001-01-01T00:00:00+23:00"},
    {"title": "x", "send_at": "2030-01-01T00:00:00"}, {"title": "x", "expires_at": PAST},
    {"title": "x", "payload": {}}, {"kind": "unknown.kind", "payload": {}}, {"title": "x", "subject": {"type": "t"}},
    {"title": "x", "data": {"x": "y" * 9000}}, {"title": "x", "dedupe_key": ""},
    {"title": "x", "dedupe_key": "k", "send_at": LATER}, {"title": "x", "to": []}, {"title": "x", "to": "ada"},
    {"title": "x", "to": [""]}, {"title": "x", "to": ["a\nb"]}, {"title": "x", "to": [7]},
    {"title": "x", "topics": ["no topic!"]}, {"title": "x", "topics": [".."]},
    {"title": "x", "topics": [f"t{n}" for n in range(11)]}, {"title": "x", "exclude": ["x" * 201]},
]  # fmt: skip


async def test_what_is_wrong_is_refused_and_not_written(site: Site, shop: Producer) -> None:
    for fields in WRONG:
        answer = await shop.refused("POST", "/notifications", json={"to": ["ada"], **fields})
        assert answer == (422, "invalid_notification"), fields
    assert await inbox(site, "ada") == []


async def test_a_change_is_on_every_copy(site: Site, shop: Producer) -> None:
    sent = await shop.send(to=["ada", "grace"], body="old", url="/old", group="g")
    response = await shop.ask("PATCH", f"/notifications/{sent['id']}", json={"title": "New", "url": None})
    assert response.status_code == 200
    changed = response.json()
    assert (changed["title"], changed["body"], changed["url"], changed["group"]) == ("New", "old", None, "g")
    assert changed["version"] == 2
    assert await inbox(site, "grace") == ["New"]


async def test_a_wrong_change_changes_nothing(site: Site, shop: Producer) -> None:
    sent = await shop.send(to=["ada"])
    for fields in ({"title": ""}, {"title": None}, {"url": "javascript:1"}, {"kind": "other"}, {"to": ["grace"]}):
        answer = await shop.refused("PATCH", f"/notifications/{sent['id']}", json=fields)
        assert answer == (422, "invalid_notification"), fields
    assert await inbox(site, "ada") == ["Hello"]


async def test_a_change_is_made_to_what_was_read_or_not_at_all(site: Site, shop: Producer) -> None:
    place = f"/notifications/{(await shop.send(to=['ada']))['id']}"
    etag = (await shop.ask("GET", place)).headers["etag"]
    (notif,) = await site.notifs.get_unread_notifs("ada")
    await site.notifs.acts.do("ada", "read", ids=[UUID(notif["id"])])  # which is no change of it
    first = await shop.ask("PATCH", place, json={"title": "First"}, headers={"if-match": etag})
    assert first.status_code == 200
    for stale in (etag, '"9-x"', "", "garbage"):
        answer = await shop.refused("PATCH", place, json={"title": "Second"}, headers={"if-match": stale})
        assert answer == (412, "changed_meanwhile")
    for fresh in (first.headers["etag"], "*"):
        assert (await shop.ask("PATCH", place, json={"body": "x"}, headers={"if-match": fresh})).status_code == 200
    assert (await shop.get(place))["title"] == "First"
    etag = (await shop.ask("GET", place)).headers["etag"]
    raced = [
        shop.ask("PATCH", place, json={"title": f"Raced {number}"}, headers={"if-match": etag}) for number in range(4)
    ]
    assert sorted([response.status_code for response in await asyncio.gather(*raced)]) == [200, 412, 412, 412]


async def test_what_has_not_changed_is_not_sent_again(site: Site, shop: Producer) -> None:
    sent = await shop.send(to=["ada"], send_at=LATER)
    for place in (f"/notifications/{sent['id']}", f"/jobs/{sent['job']}"):
        etag = (await shop.ask("GET", place)).headers["etag"]
        for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            response = await shop.ask("GET", place, headers={"if-none-match": known})
            assert (response.status_code, response.headers["etag"]) == (304, etag)
        assert (await shop.ask("GET", place, headers={"if-none-match": '"x"'})).status_code == 200
    place = f"/notifications/{sent['id']}"
    etag = (await shop.ask("GET", place)).headers["etag"]
    await shop.ask("PATCH", place, json={"title": "New"})
    assert (await shop.ask("GET", place, headers={"if-none-match": etag})).status_code == 200


async def test_what_was_taken_back_is_nowhere_any_more(site: Site, shop: Producer) -> None:
    sent = await shop.send(to=["ada", "grace"])
    place = f"/notifications/{sent['id']}"
    assert (await shop.ask("DELETE", place)).status_code == 204
    assert await inbox(site, "ada") == await inbox(site, "grace") == []
    for method, path in (("GET", place), ("GET", f"{place}/receipts"), ("DELETE", place)):
        assert await shop.refused(method, path) == (404, "not_found")
    assert await shop.refused("PATCH", place, json={"title": "x"}) == (404, "not_found")
    assert (await shop.get("/notifications"))["items"] == []


async def test_all_about_a_subject_is_taken_back_at_once(site: Site, shop: Producer, blog: Producer) -> None:
    subject = {"type": "pull request", "id": "acme/api#7"}
    for title in ("one", "two"):
        await shop.send(to=["ada"], subject=subject, title=title)
    await blog.send(to=["ada"], subject=subject, title="of another")
    response = await shop.ask("DELETE", "/subjects/pull%20request/acme%2Fapi%237")
    assert response.json() == {"retracted": 2}
    assert await inbox(site, "ada") == ["of another"]
    assert (await shop.ask("DELETE", "/subjects/post/7")).json() == {"retracted": 0}
    assert await shop.refused("DELETE", "/subjects/post/%E2%80%A8") == (422, "invalid_notification")


async def test_an_announcement_is_for_everyone(site: Site, shop: Producer) -> None:
    await site.notifs.store.recipients.create_mailboxes(["ada", "grace"])
    body = {"title": "Tonight"}
    first, second = [
        await shop.ask("POST", "/announcements", json=body, headers={"idempotency-key": "a"}) for _ in range(2)
    ]
    assert (first.status_code, first.content) == (201, second.content)
    shown = await shop.get(f"/notifications/{first.json()['id']}")
    assert (shown["title"], shown["announced"]) == ("Tonight", True)
    other = await shop.refused("POST", "/announcements", json={"title": "x"}, headers={"idempotency-key": "a"})
    assert other == (422, "idempotency_key_reused")
    assert await shop.refused("POST", "/announcements", json={}) == (422, "invalid_notification")
    assert await shop.refused("POST", "/announcements", json={**body, "to": ["ada"]}) == (422, "invalid_notification")


async def test_lists_come_in_pages_newest_first(shop: Producer) -> None:
    for number in range(5):
        await shop.send(to=["ada"], title=f"n{number}", kind="a" if number % 2 else "b")
    assert await titles(shop, limit=2) == [["n4", "n3"], ["n2", "n1"], ["n0"]]
    assert await titles(shop, limit=5) == [["n4", "n3", "n2", "n1", "n0"]]
    assert await titles(shop, limit=1, kind="a") == [["n3"], ["n1"]]


async def titles(producer: Producer, **query: Any) -> list[list[str]]:
    """The titles of each page."""
    pages = []
    cursor: dict[str, str] = {}
    while True:
        page = await producer.get("/notifications", **query, **cursor)
        pages.append([one["title"] for one in page["items"]])
        if page["next"] is None:
            return pages
        cursor = {"cursor": page["next"]}


async def test_what_is_no_cursor_is_refused(shop: Producer) -> None:
    for cursor in ("garbage", "!!", "AAAA", "_w", UNKNOWN, "ä", "YWRhXG4", "%00"):
        assert await shop.refused("GET", f"/notifications?cursor={cursor}") == (400, "invalid_cursor"), cursor


async def test_a_wrong_query_is_refused(shop: Producer) -> None:
    for query in ("limit=0", "limit=1001", "limit=x", "kind=Nope!", "key=nk_1", "cursor="):
        assert await shop.refused("GET", f"/notifications?{query}") == (400, "bad_request"), query


async def test_receipts_say_who_has_seen_and_read_it(site: Site, shop: Producer) -> None:
    sent = await shop.send(to=["c", "a", "b"])
    (notif,) = await site.notifs.get_unread_notifs("b")
    id = UUID(notif["id"])
    await site.notifs.acts.do("b", "read", ids=[id])
    await site.notifs.acts.do("c", "archive", ids=[id])
    first = await shop.get(f"/notifications/{sent['id']}/receipts", limit=2)
    second = await shop.get(f"/notifications/{sent['id']}/receipts", limit=2, cursor=first["next"])
    assert second["next"] is None
    marks = [
        (one["recipient"], one["read_at"] is not None, one["archived_at"] is not None)
        for one in first["items"] + second["items"]
    ]
    assert marks == [("a", False, False), ("b", True, False), ("c", False, True)]
    shown = await shop.get(f"/notifications/{sent['id']}")
    assert (shown["counts"]["read"], shown["counts"]["archived"]) == (1, 1)


async def test_each_item_of_a_batch_has_its_own_answer_in_order(site: Site, shop: Producer) -> None:
    items: list[Any] = [{"to": ["ada"], "title": f"n{number}"} for number in range(60)]
    items[3] = {"to": ["ada"]}
    items[7] = "nonsense"
    items[9] = {"to": ["grace"], "title": "later", "send_at": LATER}
    items[11] = {"to": ["nobody@example.org"], "title": "x"}
    response = await shop.ask("POST", "/notifications/batch", json={"items": items})
    results = response.json()["results"]
    assert response.status_code == 200
    assert [result["status"] for result in results] == [
        {3: 422, 7: 422, 9: 202, 11: 422}.get(number, 201) for number in range(60)
    ]
    assert [results[n]["error"]["code"] for n in (3, 7, 11)] == [*["invalid_notification"] * 2, "unknown_recipient"]
    assert sorted(await inbox(site, "ada")) == sorted(f"n{n}" for n in range(60) if n not in (3, 7, 9, 11))


async def test_a_batch_may_be_sent_again(site: Site, shop: Producer) -> None:
    items = [{"to": ["ada"], "title": "a"}, {"to": ["ada"], "title": "b", "idempotency_key": "own"}]
    first, second = [
        (
            await shop.ask("POST", "/notifications/batch", json={"items": items}, headers={"idempotency-key": "k"})
        ).json()["results"]
        for _ in range(2)
    ]
    assert [one["replayed"] for one in first + second] == [False, False, True, True]
    assert [one["id"] for one in first] == [one["id"] for one in second]
    assert (await shop.send(to=["ada"], title="a", key="k:0"))["id"] == first[0]["id"]
    assert len(await inbox(site, "ada")) == 2


async def test_a_batch_has_one_to_a_thousand_items(shop: Producer) -> None:
    for items in ([], [{"to": ["ada"], "title": "x"}] * 1001):
        assert await shop.refused("POST", "/notifications/batch", json={"items": items}) == (400, "bad_request")


async def test_recipients_are_accounts_by_address_or_id_or_made_on_first_mention(site: Site, shop: Producer) -> None:
    ada = await site.person("ada")
    await shop.send(to=["ada@example.org", ada.id, "new one"], exclude=["nobody@example.org"])
    assert await inbox(site, ada.id) == await inbox(site, "new one") == ["Hello"]
    assert (await shop.send(to=["new one", "ada@example.org"], exclude=["ada@example.org"]))["recipients"] == 1
    answer = await shop.refused("POST", "/notifications", json={"to": ["nobody@example.org"], "title": "x"})
    assert answer == (422, "unknown_recipient")


@dataclass(frozen=True)
class OrderPlaced(Kind):
    key: ClassVar = "order.placed"
    order: int
    due: datetime | None = None

    def title(self) -> str:
        return f"Order {self.order}"


async def test_a_registered_kind_makes_the_content_and_checks_its_payload(sqlite_url: str) -> None:
    async def nobody(scope: Any) -> None: ...

    notifs = Notifs(Settings(database_url=sqlite_url), kinds=[OrderPlaced], identify=nobody)
    async with hosted(notifs) as url:
        async with Producer.at(url, notifs, "shop", "send") as shop:
            payload: dict[str, Any] = {"order": 7, "due": "2030-01-01T00:00:00Z"}
            body: dict[str, Any] = {"to": ["anybody at all"], "kind": "order.placed", "payload": payload}
            assert (await shop.ask("POST", "/notifications", json=body)).status_code == 201
            (notif,) = await notifs.get_unread_notifs("anybody at all")
            assert (notif["kind"], notif["title"], notif["data"]["order"]) == ("order.placed", "Order 7", 7)
            for payload in ({}, {"order": "7"}, {"order": 7, "more": 1}, {"order": 7, "due": "soon"}, {"order": 7.5}):
                body = {**body, "payload": payload}
                assert await shop.refused("POST", "/notifications", json=body) == (422, "invalid_notification")
            both = {"to": ["a"], "kind": "order.placed", "payload": {"order": 7}, "title": "x"}
            assert await shop.refused("POST", "/notifications", json=both) == (422, "invalid_notification")

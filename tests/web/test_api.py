"""The inbox over HTTP: pages, changes, acts, and what bad input gets."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx2
import orjson
import pytest

from notifs import Actor, Notifs
from notifs.identity import person_of
from notifs.store.accounts import Person
from tests.web.site import Site

INBOX = "/api/v1/inbox"


async def fill(notifs: Notifs, person: Person, count: int = 3) -> list[str]:
    """Ids of that many new notifications, the oldest first."""
    return [await notifs.notify(to=person.id, title=f"n{number}") for number in range(1, count + 1)]


async def get(visitor: httpx2.AsyncClient, path: str = "", **query: Any) -> Any:
    answer = await visitor.get(INBOX + path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def post(visitor: httpx2.AsyncClient, act: str, **data: Any) -> Any:
    answer = await visitor.post(f"{INBOX}/{act}", json=data)
    assert answer.status_code == 200, answer.text
    return answer.json()


def titles(page: Any) -> list[str]:
    return [notif["title"] for notif in page["notifs"]]


async def test_a_page_has_one_filter_newest_first_with_counts(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient
) -> None:
    ids = await fill(notifs, ada, 4)
    await post(adas, "read", ids=ids[:1])
    await post(adas, "archive", ids=ids[1:2])
    page = await get(adas)
    cursor = f"{notifs.store.epoch}:6"
    assert page == {
        "filter": "unread", "before": None, "kind": None, "actor": None, "text": None,
        "notifs": (await notifs.get_unread_notifs(ada.id)),
        "notif_count": 2, "unseen_count": 2, "cursor": cursor, "has_more": False, "through": 3,
    }  # fmt: skip
    assert titles(page) == ["n4", "n3"]
    assert titles(await get(adas, filter="all")) == ["n4", "n3", "n1"]
    assert titles(await get(adas, filter="archived")) == ["n2"]


async def test_pages_go_back_to_the_oldest(notifs: Notifs, ada: Person, adas: httpx2.AsyncClient) -> None:
    await fill(notifs, ada, 7)
    seen: list[str] = []
    before: dict[str, Any] = {}
    for more in (True, True, False):
        page = await get(adas, filter="all", limit=3, **before)
        assert page["has_more"] is more
        seen += titles(page)
        before = {"before": page["notifs"][-1]["position"]}
    assert seen == [f"n{number}" for number in range(7, 0, -1)]
    assert (await get(adas, before=0))["notifs"] == []
    assert len((await get(adas, before=2**62, limit=200))["notifs"]) == 7


@pytest.mark.parametrize(
    "query",
    [
        "filter=everything", "filter=", "filter=unread%27%20OR%201=1", "before=-1", "before=x", "before=", "before=1.5",
        "text=%00", f"text={'x' * 201}", f"actor={'x' * 201}", "kind=%00",
        "before=9223372036854775808", "limit=0", "limit=201", "limit=x", "limit=1e2", "recipient=grace", "limit=%00",
    ],
)  # fmt: skip
async def test_a_bad_value_is_named_and_not_repeated(adas: httpx2.AsyncClient, query: str) -> None:
    answer = await adas.get(f"{INBOX}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert answer.json()["detail"].startswith(query.partition("=")[0] + ": ")
    assert "everything" not in answer.text
    assert "OR" not in answer.text


async def test_changes_are_exactly_what_a_cursor_has_missed(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient
) -> None:
    ids = await fill(notifs, ada)
    cursor = (await get(adas))["cursor"]
    delta = await get(adas, "/changes", cursor=cursor)
    assert (delta["type"], delta["recovered"], delta["notifs"], delta["cursor"]) == ("delta", True, [], cursor)
    assert delta["person"] == person_of(ada.id)
    await post(adas, "read", ids=ids[:1])
    await notifs.notify(to=ada.id, title="n4")
    delta = await get(adas, "/changes", cursor=cursor)
    assert (delta["type"], delta["recovered"], delta["prev"]) == ("delta", True, 3)
    assert titles(delta) == ["n4", "n1"]
    assert (delta["notif_count"], delta["unseen_count"], delta["cursor"]) == (3, 3, f"{notifs.store.epoch}:5")


async def test_a_cursor_that_tells_nothing_gets_a_snapshot(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient
) -> None:
    await fill(notifs, ada, 60)
    epoch = notifs.store.epoch
    assert (await get(adas, "/changes"))["person"] == person_of(ada.id)
    for cursor in (
        "", "garbage", epoch, f"{epoch}:", f"{epoch}:-1", f"{epoch}:01", f"{epoch}:61", f"{epoch}:{'9' * 18}",
        f"{epoch}:{'9' * 19}", f"{epoch.upper()}:60x", "0123456789abcdef:60", f"{epoch}:60\0", f" {epoch}:60",
    ):  # fmt: skip
        snapshot = await get(adas, "/changes", cursor=cursor)
        assert (snapshot["type"], snapshot["recovered"]) == ("snapshot", False), cursor
        assert (snapshot["has_more"], len(snapshot["notifs"]), snapshot["cursor"]) == (True, 50, f"{epoch}:60")
    assert (await get(adas, "/changes"))["type"] == "snapshot"


async def test_each_act_does_what_it_says_once(notifs: Notifs, ada: Person, adas: httpx2.AsyncClient) -> None:
    id, _ = await fill(notifs, ada, 2)
    steps: list[tuple[str, str | None, int, int]] = [
        ("seen", "seen_at", 2, 1), ("read", "read_at", 1, 1), ("unread", None, 2, 1), ("archive", "archived_at", 1, 1),
        ("unarchive", None, 2, 1),
    ]  # fmt: skip
    for revision, (act, field, unread, unseen) in enumerate(steps, 3):
        ack = {"ok": True, "cursor": f"{notifs.store.epoch}:{revision}", "notif_count": unread, "unseen_count": unseen}
        assert await post(adas, act, ids=[id]) == {**ack, "changed": 1}
        assert await post(adas, act, ids=[id, id]) == {**ack, "changed": 0}
        (notif,) = (await get(adas, filter="archived" if act == "archive" else "all"))["notifs"][-1:]
        assert (notif["id"], notif["revision"]) == (id, revision)
        assert {f for f in ("read_at", "archived_at") if notif[f]} == {field} - {None, "seen_at"}
        assert notif["seen_at"] is not None
    assert (await post(adas, "seen", up_to=f"{notifs.store.epoch}:2"))["unseen_count"] == 0


async def test_read_all_leaves_what_arrived_since(notifs: Notifs, ada: Person, adas: httpx2.AsyncClient) -> None:
    await fill(notifs, ada)
    cursor = (await get(adas))["cursor"]
    late = await notifs.notify(to=ada.id, title="late")
    ack = await post(adas, "read-all", up_to=cursor)
    assert (ack["notif_count"], ack["changed"]) == (1, 3)
    assert [notif["id"] for notif in (await get(adas))["notifs"]] == [late]
    assert await post(adas, "read-all", up_to=cursor) == {**ack, "changed": 0}


async def test_an_act_is_undone_by_its_cursor(notifs: Notifs, ada: Person, adas: httpx2.AsyncClient) -> None:
    ids = await fill(notifs, ada, 3)
    await post(adas, "read", ids=ids[:1])
    ack = await post(adas, "read-all", up_to=(await get(adas))["cursor"])
    undone = await post(adas, "unread", at=ack["cursor"])
    assert (undone["notif_count"], undone["changed"]) == (2, 2)
    assert titles(await get(adas)) == ["n3", "n2"]


async def test_what_is_snoozed_waits_under_its_filter(notifs: Notifs, ada: Person, adas: httpx2.AsyncClient) -> None:
    ids = await fill(notifs, ada)
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    there = until.astimezone(timezone(timedelta(hours=9)))
    ack = await post(adas, "snooze", ids=ids[:2], until=there.isoformat())
    assert (ack["notif_count"], ack["unseen_count"], ack["changed"]) == (1, 1, 2)
    snoozed = await get(adas, filter="snoozed")
    assert titles(snoozed) == ["n2", "n1"]
    assert {notif["snoozed_until"] for notif in snoozed["notifs"]} == {f"{until:%Y-%m-%dT%H:%M:%S}.000Z"}
    assert {notif["archived_at"] for notif in snoozed["notifs"]} == {None}
    assert titles(await get(adas, filter="all")) == ["n3"]
    ack = await post(adas, "unsnooze", at=ack["cursor"])
    assert ack["notif_count"] == 3
    await post(adas, "read", ids=ids[:1])
    assert (await post(adas, "snooze", at=ack["cursor"], until=there.isoformat()))["changed"] == 1
    assert titles(await get(adas, filter="snoozed")) == ["n2"]


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("tomorrow", "ISO 8601"), (None, "ISO 8601"), (1764236096, "ISO 8601"), ("2026-11-27T25:00:00Z", "ISO 8601"),
        ("2999-01-01T00:00:00", "no zone"), ("2020-01-01T00:00:00Z", "past"), ("2999-01-01T00:00:00Z", "366 days"),
        ("9999-12-31T23:59:59-23:59", "366 days"), ("0001-01-01T00:00:00+23:59", "past"),
    ],
)  # fmt: skip
async def test_a_snooze_is_until_a_moment_that_comes(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient, until: object, said: str
) -> None:
    ids = await fill(notifs, ada)
    answer = await adas.post(f"{INBOX}/snooze", json={"ids": ids, "until": until})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_until")
    assert said in answer.json()["detail"]
    assert (await get(adas))["notif_count"] == 3


async def test_a_page_tells_what_was_searched_for(notifs: Notifs, ada: Person, adas: httpx2.AsyncClient) -> None:
    actor = Actor(name="Grace", id="g")
    await notifs.notify(to=ada.id, title="50% done", kind="build.done", actor=actor)
    await notifs.notify(to=ada.id, title="500 done", kind="build.done", actor=actor)
    asked = {"kind": "build.done", "actor": "g", "text": "0% DONE"}
    page = await get(adas, **asked)
    assert {name: page[name] for name in asked} == asked
    assert (titles(page), page["notif_count"], page["has_more"]) == (["50% done"], 2, False)


async def test_other_peoples_ids_are_unknown_ids(
    notifs: Notifs, ada: Person, grace: Person, adas: httpx2.AsyncClient, graces: httpx2.AsyncClient
) -> None:
    ids, (own,) = await fill(notifs, ada), await fill(notifs, grace, 1)
    for act in ("seen", "read", "archive", "unsnooze"):
        for unknown in (ids, ["00000000-0000-7000-8000-000000000000"], ["no id", "", "7"]):
            assert (await post(graces, act, ids=unknown))["cursor"].endswith(":1")
    assert (await post(graces, "read", ids=[*ids, own]))["notif_count"] == 0
    cursor = (await get(adas))["cursor"]
    await post(graces, "read-all", up_to=cursor)
    assert (await post(graces, "archive", at=cursor))["changed"] == 0
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert (await post(graces, "snooze", ids=ids, until=tomorrow))["changed"] == 0
    assert (await get(graces, filter="all", before=2))["notifs"][0]["id"] == own
    assert [notif["revision"] for notif in (await get(adas))["notifs"]] == [3, 2, 1]


ACTS = ("seen", "read", "unread", "archive", "unarchive", "snooze", "unsnooze", "read-all")
BAD_BODIES: list[tuple[bytes, str]] = [
    (b"", "bad_json"), (b"{", "bad_json"), (b"ids=1", "bad_json"), (b"\xff\xfe", "bad_json"),
    (b'{"ids":NaN}', "bad_json"), (b"[" * 20_000, "bad_json"),
    (b'{"ids":["\\ud800"]}', "bad_json"), (b"null", "bad_request"), (b"[]", "bad_request"),
    (b"7", "bad_request"), (b'"ids"', "bad_request"), (b"{}", "bad_request"), (b'{"ids":null}', "bad_request"),
    (b'{"ids":"all"}', "bad_request"), (b'{"ids":[1]}', "bad_request"), (b'{"ids":[null]}', "bad_request"),
    (b'{"ids":{"a":"b"}}', "bad_request"), (b'{"ids":[],"recipient":"ada"}', "bad_request"), (b'{"up_to":7}', ""),
    (b'{"up_to":"garbage"}', ""), (b'{"up_to":"0123456789abcdef:1"}', ""),
    (orjson.dumps({"ids": ["x"] * 201}), "bad_request"), (orjson.dumps({"ids": ["canary" * 11]}), "bad_request"),
]  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
async def test_bad_input_gets_a_code_and_changes_nothing(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient, act: str
) -> None:
    await fill(notifs, ada)
    for body, code in BAD_BODIES:
        answer = await adas.post(f"{INBOX}/{act}", content=body, headers={"content-type": "application/json"})
        problem = answer.json()
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), body
        takes_cursor = act in ("seen", "read-all")
        assert problem["code"] == (code or ("invalid_cursor" if takes_cursor else "bad_request")), body
        assert set(problem) == {"type", "title", "status", "detail", "code"}
        assert "canary" not in answer.text
        assert "pydantic" not in answer.text
    assert (await get(adas))["cursor"].endswith(":3")


@pytest.mark.parametrize("act", ["read", "unread", "archive", "unarchive", "snooze", "unsnooze"])
async def test_an_act_takes_either_ids_or_a_cursor_of_here(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient, act: str
) -> None:
    ids = await fill(notifs, ada)
    here = (await get(adas))["cursor"]
    until = {"until": (datetime.now(UTC) + timedelta(days=1)).isoformat()} if act == "snooze" else {}
    for body, code in (
        ({"ids": ids, "at": here}, "bad_request"), ({"ids": None, "at": None}, "bad_request"),
        ({"at": 7}, "invalid_cursor"), ({"at": "garbage"}, "invalid_cursor"),
        ({"at": "0123456789abcdef:1"}, "invalid_cursor"),
    ):  # fmt: skip
        answer = await adas.post(f"{INBOX}/{act}", json={**body, **until})
        assert (answer.status_code, answer.json()["code"]) == (400, code), body
    assert (await get(adas))["cursor"] == here


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
async def test_only_json_is_taken(adas: httpx2.AsyncClient, content_type: str) -> None:
    for act in ACTS:
        answer = await adas.post(f"{INBOX}/{act}", content=b'{"ids":[]}', headers={"content-type": content_type})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    assert (await adas.post(f"{INBOX}/read", content=b'{"ids":[]}', headers=headers)).status_code == 200


async def test_who_is_not_signed_in_gets_401_and_hears_nothing_else(nobody: httpx2.AsyncClient) -> None:
    for path in ("", "/changes", "?limit=x"):
        answer = await nobody.get(INBOX + path)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    for act in ACTS:
        answer = await nobody.post(f"{INBOX}/{act}", content=b"{")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


async def test_what_is_meant_for_one_person_is_not_done_to_another(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient, graces: httpx2.AsyncClient
) -> None:
    ids = await fill(notifs, ada)
    meant = {"notifs-person": person_of(ada.id)}
    for path in ("", "/changes"):
        answer = await graces.get(INBOX + path, headers=meant)
        assert (answer.status_code, answer.json()["code"]) == (409, "another_person")
    for act in ACTS:
        answer = await graces.post(f"{INBOX}/{act}", json={}, headers=meant)
        assert (answer.status_code, answer.json()["code"]) == (409, "another_person")
    answer = await adas.post(f"{INBOX}/archive", json={"ids": ids[:1]}, headers=meant)
    assert (answer.status_code, answer.json()["changed"]) == (200, 1)


async def test_list_counts_and_cursor_agree_while_others_write(
    site: Site, notifs: Notifs, ada: Person, adas: httpx2.AsyncClient
) -> None:
    async def write() -> None:
        for number in range(30):
            id = await notifs.notify(to=ada.id, title=f"n{number}")
            if number % 3:
                async with asyncio.TaskGroup() as together:
                    for act in ("seen", "read", "archive", "unread", "unarchive")[: number % 5]:
                        together.create_task(post(adas, act, ids=[id]))

    writing, revisions = asyncio.create_task(write()), set[int]()
    async with site.visitor(ada) as reader:
        while not writing.done():
            page, changes = await asyncio.gather(
                get(reader, limit=200), get(reader, "/changes", cursor=f"{notifs.store.epoch}:0")
            )
            revision = int(page["cursor"].partition(":")[2])
            revisions.add(revision)
            assert len(page["notifs"]) == page["notif_count"]
            assert max((notif["revision"] for notif in page["notifs"]), default=0) <= revision
            known = [notif for notif in changes["notifs"] if not notif["archived_at"]]
            assert sum(not notif["read_at"] for notif in known) == changes["notif_count"]
            assert sum(not notif["seen_at"] for notif in known) == changes["unseen_count"]
    await writing
    assert len(revisions) > 10

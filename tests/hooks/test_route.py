"""`POST /hooks/{name}` of a real server: who is told, and that it is once."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx2
import pytest

from notifs import Notifs, Settings
from notifs.errors import Forbidden
from notifs.hooks import Hook, Notice, Source
from tests.hooks.github import DOCUMENTED, PULL, RECORDED, SECRET, comment, event, outcome
from tests.wire import Client, by_header, hosted, http_client

ISSUE = {"number": 12, "title": "The mill jams", "html_url": "https://github.com/analytical/engine/issues/12"}


class Doorbell:
    """A source of somebody else's."""

    name = "doorbell"

    async def verify(self, hook: Hook) -> None:
        if hook.headers.get("x-ring") != "ding":
            raise Forbidden("this is not our bell")

    def parse(self, hook: Hook) -> Iterable[Notice]:
        if "x-nobody" in hook.headers:
            yield Notice("Hello?", topics=["nothing"])
        for who in hook.body.decode().split():
            yield Notice(f"{who} is at the door", to=["ada"], idempotency_key=f"{hook.query['n']}:{who}")


@pytest.fixture
def sources() -> list[Source]:
    return [Doorbell()]


@pytest.fixture
async def notifs(sqlite_url: str, sources: list[Source]) -> Notifs:
    settings = Settings(database_url=sqlite_url, github_secret=SECRET)
    return Notifs(settings, identify=by_header, sources=sources)


@pytest.fixture
async def http(notifs: Notifs) -> AsyncIterator[httpx2.AsyncClient]:
    async with hosted(notifs) as url, http_client(url, timeout=30) as http:
        await notifs.store.links.link("github", "Ada", "ada")
        await notifs.store.links.link("github", "grace", "grace")
        await notifs.store.links.link("github", "analytical/millers", "ada")
        await notifs.store.links.link("github", "analytical/millers", "mary")
        yield http


async def deliver(
    http: httpx2.AsyncClient, name: str, payload: Any, delivery: str = "d-1", **headers: str
) -> httpx2.Response:
    body = json.dumps(payload).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return await http.post(
        "/hooks/github",
        content=body,
        headers={
            "content-type": "application/json",
            "user-agent": "GitHub-Hookshot/044aadd",
            "x-github-event": name,
            "x-github-delivery": delivery,
            "x-hub-signature-256": signature,
            **headers,
        },
    )


async def titles(notifs: Notifs, recipient: str) -> list[str]:
    return [notif["title"] for notif in await notifs.get_unread_notifs(recipient)]


def commented(body: str = "@ada, oil it.", action: str = "created") -> dict[str, Any]:
    return event(action, issue=ISSUE, comment=comment(body))


async def test_who_is_mentioned_is_told_by_their_link_and_sees_it_at_once(
    http: httpx2.AsyncClient, notifs: Notifs
) -> None:
    async with Client.open(str(http.base_url).rstrip("/"), headers={"x-user": "ada"}) as client:
        await client.message("snapshot")
        answer = await deliver(http, "issue_comment", commented())
        (notif,) = (await client.message("created"))["notifs"]
    assert answer.status_code == 200
    assert answer.json() == {"notified": [notif["id"]], "updated": [], "retracted": 0}
    assert notif["title"] == "grace commented on engine#12: The mill jams"
    assert notif["body"] == "@ada, oil it."
    assert notif["url"] == "https://github.com/analytical/engine/issues/12#issuecomment-99"
    assert notif["actor"]["name"] == "grace"


async def test_a_delivery_that_comes_again_notifies_once(http: httpx2.AsyncClient, notifs: Notifs) -> None:
    first = await deliver(http, "issue_comment", commented())
    answers = await asyncio.gather(*(deliver(http, "issue_comment", commented()) for _ in range(5)))
    assert {answer.text for answer in answers} == {first.text}
    assert len(await titles(notifs, "ada")) == 1


async def test_a_delivery_that_comes_again_to_others_is_not_told_twice(
    http: httpx2.AsyncClient, notifs: Notifs
) -> None:
    await deliver(http, "issue_comment", commented("@ada @mary"))
    await notifs.store.links.link("github", "mary", "mary")
    again = (await deliver(http, "issue_comment", commented("@ada @mary"))).json()
    assert again["ignored"] == "the delivery d-1 has notified before"
    assert len(await titles(notifs, "ada")) == 1


async def test_a_team_is_several_and_whoever_did_it_is_not_among_them(http: httpx2.AsyncClient, notifs: Notifs) -> None:
    payload = event(
        "review_requested", "ada", pull_request=PULL, requested_team={"slug": "millers"},
        organization={"login": "analytical"},
    )  # fmt: skip
    await deliver(http, "pull_request", payload)
    assert await titles(notifs, "mary") == ["ada asks for your review of engine#13: Oil the mill"]
    assert await titles(notifs, "ada") == []


async def test_followers_of_the_repository_are_told_but_not_the_sender(
    http: httpx2.AsyncClient, notifs: Notifs
) -> None:
    for recipient in ("ada", "grace", "mary"):
        await notifs.follow(recipient, "github:analytical/engine")
    await deliver(http, "issue_comment", commented())
    assert [len(await titles(notifs, who)) for who in ("ada", "grace", "mary")] == [1, 0, 1]


async def test_every_delivery_is_taken_and_told_to_followers_where_the_table_says_so(database_url: str) -> None:
    every = [(each["event"], each["payload"]) for each in RECORDED] + DOCUMENTED
    notifs = Notifs(Settings(database_url=database_url, github_secret=SECRET), identify=by_header)
    async with hosted(notifs) as url, http_client(url, timeout=30) as http:
        for repository in ("Codertocat/Hello-World", "octo-org/octo-repo", "analytical/engine"):
            await notifs.follow("ada", f"github:{repository}")
        for number, (name, payload) in enumerate(every):
            answer = await deliver(http, name, payload, f"d-{number}")
            assert answer.status_code == 200, answer.text
            told, (whom, *_) = answer.json(), outcome(name, payload)
            assert bool(told["notified"]) == ("followers" in whom)
            if not whom:
                assert told["ignored"]


@pytest.mark.parametrize("body", ["Nobody in particular", "@bob?", "@grace herself"])
async def test_where_nobody_is_known_it_is_said_and_nothing_is_stored(
    body: str, http: httpx2.AsyncClient, notifs: Notifs
) -> None:
    answer = await deliver(http, "issue_comment", commented(body))
    assert answer.status_code == 200
    assert answer.json()["notified"] == []
    assert "follows github:analytical/engine" in answer.json()["ignored"]
    await notifs.store.links.link("github", "bob", "bob")
    assert (await deliver(http, "issue_comment", commented("@bob"))).json()["notified"]


async def test_an_edit_changes_what_was_told_and_a_deletion_takes_it_back(
    http: httpx2.AsyncClient, notifs: Notifs
) -> None:
    (id,) = (await deliver(http, "issue_comment", commented())).json()["notified"]
    edited = await deliver(http, "issue_comment", commented("@ada, please.", "edited"), "d-2")
    assert edited.json() == {"notified": [], "updated": [id], "retracted": 0}
    (notif,) = await notifs.get_unread_notifs("ada")
    assert notif["body"] == "@ada, please."
    deleted = await deliver(http, "issue_comment", commented("@ada, please.", "deleted"), "d-3")
    assert deleted.json() == {"notified": [], "updated": [], "retracted": 1}
    assert await titles(notifs, "ada") == []
    late = await deliver(http, "issue_comment", commented("@ada!", "edited"), "d-4")
    assert late.json() == {"notified": [], "updated": [], "retracted": 0}


async def test_what_others_have_sent_about_the_same_is_left(http: httpx2.AsyncClient, notifs: Notifs) -> None:
    await notifs.notify(to="ada", title="Mine", subject=("github.comment", "analytical/engine/99"))
    await deliver(http, "issue_comment", commented("x", "deleted"))
    assert await titles(notifs, "ada") == ["Mine"]


async def test_a_review_and_its_comments_are_one_notification(http: httpx2.AsyncClient, notifs: Notifs) -> None:
    review = {"id": 55, "state": "commented", "body": None, "user": {"login": "grace"}}
    line = comment("Here?", path="mill.py", pull_request_review_id=55)
    await deliver(http, "pull_request_review", event("submitted", pull_request=PULL, review=review), "d-1")
    await deliver(http, "pull_request_review_comment", event("created", pull_request=PULL, comment=line), "d-2")
    assert await titles(notifs, "ada") == ["grace commented on mill.py in engine#13: Oil the mill"]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"x-hub-signature-256": "sha256=" + "0" * 64}, 403, "bad_signature"),
        ({"x-github-delivery": ""}, 400, "bad_request"),
        ({"x-github-event": ""}, 400, "bad_request"),
        ({"content-type": "application/x-www-form-urlencoded"}, 400, "bad_json"),
    ],
)
async def test_what_is_wrong_is_told_as_a_problem(
    headers: dict[str, str], status: int, code: str, http: httpx2.AsyncClient, notifs: Notifs
) -> None:
    answer = await deliver(http, "issue_comment", commented(), **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert await titles(notifs, "ada") == []


async def test_a_push_of_megabytes_is_taken_and_more_than_the_bound_is_not(
    http: httpx2.AsyncClient, notifs: Notifs
) -> None:
    await notifs.follow("ada", "github:analytical/engine")
    commits = [{"message": f"Turn {n}" + "\n" * 1000} for n in range(2000)]
    push = event(None, ref="refs/heads/main", commits=commits)
    assert (await deliver(http, "push", push)).status_code == 200
    assert await titles(notifs, "ada") == ["grace pushed 2000 commits to main of analytical/engine"]
    answer = await deliver(http, "push", {**push, "more": "x" * 8 * 1024 * 1024})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_body_that_does_not_come_is_not_waited_for(
    http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifs.web.hooks.BODY_SECONDS", 0.2)
    url = http.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"POST /hooks/github HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{")
    assert (await reader.readline()).split()[1] == b"408"
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("path", ["/hooks/gitlab", "/hooks/gitlab/x", "/hooks/GitHub"])
async def test_there_is_nothing_under_another_name(path: str, http: httpx2.AsyncClient) -> None:
    answer = await http.post(path, content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_github_is_not_there_without_a_secret(sqlite_url: str) -> None:
    async with hosted(Notifs(Settings(database_url=sqlite_url), identify=by_header)) as url:
        async with http_client(url) as http:
            assert (await deliver(http, "ping", {})).status_code == 404


async def test_a_source_of_one_s_own_does_what_the_built_in_ones_do(http: httpx2.AsyncClient, notifs: Notifs) -> None:
    rings = [await http.post("/hooks/doorbell?n=1", content=b"Bob Carol", headers={"x-ring": "ding"}) for _ in "12"]
    assert [len(ring.json()["notified"]) for ring in rings] == [2, 2]
    assert rings[0].text == rings[1].text
    assert await titles(notifs, "ada") == ["Carol is at the door", "Bob is at the door"]
    assert (await http.post("/hooks/doorbell?n=2", content=b"Eve")).status_code == 403


async def test_text_goes_to_the_followers_of_a_topic(http: httpx2.AsyncClient, notifs: Notifs) -> None:
    key, token = await notifs.store.keys.create("backups", ["send"], topics=["disk"])
    await notifs.follow("ada", "disk")
    auth = {"authorization": f"Bearer {token}", "content-type": "application/x-www-form-urlencoded"}
    answer = await http.post("/hooks/plain/disk", content=b"The disk is full", headers=auth)
    assert answer.status_code == 200
    assert await titles(notifs, "ada") == ["The disk is full"]
    assert (await http.post("/hooks/plain/cpu", content=b"x", headers=auth)).status_code == 403
    await notifs.store.keys.revoke(key.id)
    refused = await http.post("/hooks/plain/disk", content=b"x", headers=auth)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_key")


async def test_text_under_a_key_of_its_own_is_told_once_and_other_text_is_refused(
    http: httpx2.AsyncClient, notifs: Notifs
) -> None:
    _, token = await notifs.store.keys.create("backups", ["send"])
    await notifs.follow("ada", "teams/disk")
    headers = {"authorization": f"Bearer {token}", "idempotency-key": "monday"}
    ids = {(await http.post("/hooks/plain/teams/disk", content=b"full", headers=headers)).text for _ in "12"}
    assert len(ids) == 1
    other = await http.post("/hooks/plain/teams/disk", content=b"empty", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await titles(notifs, "ada") == ["full"]


async def test_text_to_a_topic_that_nobody_follows_is_said_to_be_so(http: httpx2.AsyncClient, notifs: Notifs) -> None:
    _, token = await notifs.store.keys.create("backups", ["send"])
    answer = await http.post("/hooks/plain/disc", content=b"full", headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["ignored"]) == (200, "nobody follows disc")


async def test_text_counts_as_a_request_of_its_key(sqlite_url: str) -> None:
    notifs = Notifs(Settings(database_url=sqlite_url, api_requests_per_minute=2), identify=by_header)
    async with hosted(notifs) as url, http_client(url) as http:
        _, token = await notifs.store.keys.create("backups", ["send"])
        auth = {"authorization": f"Bearer {token}"}
        answers = [await http.post("/hooks/plain/disk", content=b"full", headers=auth) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert int(answers[2].headers["retry-after"]) > 0


async def test_an_error_is_never_a_page_here(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/hooks/plain/disk", content=b"x", headers={"accept": "text/html", "cookie": "a=b"})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


async def test_one_that_concerns_nobody_does_not_keep_the_others(http: httpx2.AsyncClient, notifs: Notifs) -> None:
    headers = {"x-ring": "ding", "x-nobody": "first"}
    answer = (await http.post("/hooks/doorbell?n=1", content=b"Bob", headers=headers)).json()
    assert (len(answer["notified"]), answer["ignored"]) == (1, "nobody follows nothing")

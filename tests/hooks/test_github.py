"""Deliveries of GitHub's: who has sent them, and what is made of them."""

import json
from urllib.parse import urlencode

import pytest

from notifs.errors import BadRequest, Forbidden, SettingsError
from notifs.hooks import GitHub, Hook, Ignored, Notice
from tests.docs.markdown import rows, section
from tests.hooks.github import DOCUMENTED, PULL, RECORDED, SECRET, comment, event, hook, outcome, parse, push, review
from tests.hooks.roles import cast

REVIEWED = "tests/hooks/reviewed.md"
PING = b'{"zen":"Keep it logically awesome."}'


def label(name: str, action: str | None) -> str:
    return f"{name} {action or ''}".strip()


def as_notice(told: object) -> Notice:
    assert isinstance(told, Notice)
    return told


def test_every_recorded_delivery_makes_what_was_reviewed() -> None:
    made = []
    for each in RECORDED:
        name, payload = each["event"], each["payload"]
        whom = outcome(name, cast(payload))[0]
        made.append([label(name, payload.get("action")), whom, *outcome(name, payload)[1:]])
    assert made == rows(section(REVIEWED, "## Recorded"))
    assert len(made) == 41


def test_every_documented_event_makes_what_was_reviewed() -> None:
    made = [[label(name, payload.get("action")), *outcome(name, payload)] for name, payload in DOCUMENTED]
    assert made == rows(section(REVIEWED, "## Documented"))


def test_a_comment_is_told_with_all_that_one_wants_to_see() -> None:
    recorded = RECORDED[0]["payload"]
    notice = as_notice(parse("issue_comment", recorded))
    assert notice.body == "You are totally right! I'll get this fixed right away."
    assert notice.actor is not None
    assert (notice.actor.name, notice.actor.avatar) == ("Codertocat", recorded["sender"]["avatar_url"])
    assert notice.subject == ("github.comment", "Codertocat/Hello-World/492700400")
    assert notice.group == "github:Codertocat/Hello-World#1"
    assert notice.topics == ["github:Codertocat/Hello-World"]
    assert notice.idempotency_key == "d-1"


def test_an_edit_and_a_deletion_are_about_what_the_comment_was_about() -> None:
    told, edited, deleted = (parse("issue_comment", RECORDED[n]["payload"]) for n in (0, 7, 5))
    assert as_notice(told).subject == edited.notice.subject == deleted.subject  # type: ignore[union-attr]


def test_a_push_lists_the_first_lines_of_its_commits() -> None:
    assert as_notice(parse("push", push("Oil\n\nthe mill", "Turn it"))).body == "Oil\nTurn it"
    lines = as_notice(parse("push", push(*(f"Turn {n}" for n in range(12))))).body.splitlines()
    assert len(lines) == 11
    assert lines[-1] == "and 2 more"


def test_a_template_s_hidden_comment_is_not_shown() -> None:
    assert as_notice(parse(*DOCUMENTED[0])).body == "Since the  rain, @grace."


def test_code_and_addresses_mention_nobody() -> None:
    body = "@ada `@bob`\n```\n@carol\n``` x@example.org /@dan, and @analytical/millers @ada"
    notice = as_notice(parse("commit_comment", event("created", comment=comment(body, commit_id="c0ffee"))))
    assert notice.names == ["ada", "analytical/millers"]


def test_a_review_and_the_comments_in_it_are_one_while_nobody_has_read_it() -> None:
    line = comment("Here?", path="mill.py", pull_request_review_id=55)
    told = [
        parse("pull_request_review", event("submitted", pull_request=PULL, review=review("commented", None))),
        parse("pull_request_review_comment", event("created", pull_request=PULL, comment=line)),
    ]
    assert len({as_notice(each).dedupe_key for each in told}) == 1


def test_a_team_is_of_the_organization_that_is_named() -> None:
    payload = event("review_requested", pull_request=PULL, requested_team={"slug": "millers"})
    assert as_notice(parse("pull_request", payload)).names == ["charles/millers"]
    payload["organization"] = {"login": "analytical"}
    assert as_notice(parse("pull_request", payload)).names == ["analytical/millers"]


def test_a_title_is_cut_where_it_ends_and_a_body_at_a_character() -> None:
    issue = {"number": 1, "title": "ü" * 500, "body": '"\n' * 1000 + "🦊" * 5000}
    notice = as_notice(parse("issues", event("opened", issue=issue)))
    assert len(notice.title) == 200
    assert notice.title.endswith("…")
    assert notice.body.endswith("🦊…")
    assert len(json.dumps(notice.body, ensure_ascii=False).encode()) <= 4098


def test_somebody_who_has_left_is_somebody() -> None:
    notice = as_notice(parse("issue_comment", event("created", issue={"number": 1}, comment=comment("", user=None))))
    assert notice.title == "Somebody commented on engine#1"
    assert notice.actor is None


async def test_a_delivery_with_the_right_signature_is_theirs() -> None:
    await GitHub(SECRET).verify(hook("ping", PING))


async def test_while_one_secret_takes_anothers_place_both_sign() -> None:
    for secret in ("new", SECRET):
        await GitHub("new", SECRET).verify(hook("ping", PING, secret=secret))
    with pytest.raises(Forbidden):
        await GitHub("new", SECRET).verify(hook("ping", PING, secret=f"new,{SECRET}"))


def test_the_signature_is_the_one_that_github_documents() -> None:
    # The example of "Validating webhook deliveries".
    signed = hook("ping", b"Hello, World!").headers["x-hub-signature-256"]
    assert signed == "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Hub_Signature_256": ""},
        {"X_Hub_Signature_256": "sha256="},
        {"X_Hub_Signature_256": "ünlikely"},
        {"X_Hub_Signature_256": "sha1=0000000000000000000000000000000000000000"},
        {"secret": "another"},
    ],
)
async def test_a_delivery_with_another_signature_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden) as refused:
        await GitHub(SECRET).verify(hook("ping", PING, **headers))
    assert refused.value.code == "bad_signature"


async def test_a_delivery_without_a_signature_is_refused_as_is_one_by_sha1_alone() -> None:
    for headers in ({}, {"X-Hub-Signature": "sha1=0000000000000000000000000000000000000000"}):
        with pytest.raises(Forbidden):
            await GitHub(SECRET).verify(Hook(headers, PING))


async def test_a_signature_is_of_the_very_bytes() -> None:
    signed = hook("ping", PING)
    with pytest.raises(Forbidden):
        await GitHub(SECRET).verify(Hook(signed.headers, PING + b" "))


def test_there_is_no_github_without_a_secret() -> None:
    for secrets in ((), ("",), (SECRET, "")):
        with pytest.raises(SettingsError):
            GitHub(*secrets)


def test_a_ping_is_answered_with_pong() -> None:
    with pytest.raises(Ignored, match="pong"):
        GitHub(SECRET).parse(hook("ping", PING))


def test_both_content_types_say_the_same() -> None:
    payload = json.dumps(RECORDED[0]["payload"])
    form = hook(
        "issue_comment", urlencode({"payload": payload}).encode(), Content_Type="application/x-www-form-urlencoded"
    )
    assert GitHub(SECRET).parse(form) == [parse("issue_comment", RECORDED[0]["payload"])]


@pytest.mark.parametrize(
    ("name", "body", "headers"),
    [
        ("", b"{}", {}),
        ("Push it", b"{}", {}),
        ("push", b"{}", {"delivery": ""}),
        ("push", b"{}", {"delivery": "x" * 151}),
        ("push", b"{}", {"delivery": "a b"}),
        ("push", b"", {}),
        ("push", b"[]", {}),
        ("push", b"{", {}),
        ("push", b'"\xff"', {}),
        ("push", b"{}", {}),
        ("push", b'{"repository": {"full_name": "../../etc"}}', {}),
        ("issues", b'{"action": "opened", "repository": {"full_name": "a/b"}}', {}),
        ("push", b"payload={}", {}),
        ("push", b"load={}", {"Content_Type": "application/x-www-form-urlencoded"}),
        ("push", b"payload=%ff", {"Content_Type": "application/x-www-form-urlencoded"}),
        ("push", b"payload=\xff", {"Content_Type": "application/x-www-form-urlencoded"}),
    ],
)
def test_what_is_no_delivery_is_refused(name: str, body: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        GitHub(SECRET).parse(hook(name, body, **headers))

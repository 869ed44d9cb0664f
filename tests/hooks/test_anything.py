"""Whatever JSON comes: a notification within its bounds, or why not. Never an error of another sort."""

import copy
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from notifs.drafting import checked, names, subject_of
from notifs.errors import BadRequest
from notifs.hooks import GitHub, Ignored, Notice, Retraction, Revision, Subject, Told
from notifs.hooks.github import RULES, SILENT
from notifs.hooks.text import one_line, paragraphs
from notifs.kinds import BODY_LIMIT, TITLE_LIMIT, Content
from tests.hooks.github import DOCUMENTED, RECORDED, SECRET, hook

ALL = [(each["event"], each["payload"]) for each in RECORDED] + DOCUMENTED
TEXT = st.text(max_size=30) | st.sampled_from(
    ["", "\0", "a\nb", "@" * 50, "\u202e", "x" * 5000, "😀" * 3000, '"' * 9000]
)
JUNK: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
LINKS = st.sampled_from(["javascript:alert(1)", "https://", "//x", "https://a/" + "b" * 3000, "https://x/" + '"' * 900])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a payload."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, Any]:
    """A real payload in which some things are missing, or are other things; perhaps under another event's name."""
    name, payload = draw(st.sampled_from(ALL))
    payload = copy.deepcopy(payload)
    for _ in range(draw(st.integers(1, 4))):
        *path, last = draw(st.sampled_from(list(places(payload)) or [("action",)]))
        inner = payload
        for step in path:
            inner = inner[step]
        if draw(st.booleans()) and isinstance(inner, dict):
            inner.pop(last, None)
        else:
            inner[last] = draw(JUNK | LINKS)
    return draw(st.sampled_from([name, name, name, *RULES])), payload


def check_subject(subject: Subject | None) -> None:
    if subject is not None:
        subject_of(subject)


def check(told: Told) -> None:
    """Refuse what could not be stored."""
    if isinstance(told, Retraction):
        check_subject(told.subject)
        return
    notice = told.notice if isinstance(told, Revision) else told
    fields = ("title", "body", "url", "kind", "icon", "actor", "actions", "priority", "group", "data")
    Content.check(**{name: getattr(notice, name) for name in fields})
    check_subject(notice.subject)
    names("topics", notice.topics, 10)
    names("exclude", notice.exclude, 1000)
    for what in ("dedupe_key", "idempotency_key"):
        if getattr(notice, what) is not None:
            checked(what, getattr(notice, what))


def check_reason(why: str) -> None:
    assert not any(unicodedata.category(c) == "Cc" for c in why)
    assert len(why) < 500


def tell(name: str, payload: Any) -> Told | None:
    """What is told of a payload, checked; None where nothing is."""
    try:
        (told,) = GitHub(SECRET).parse(hook(name, json.dumps(payload).encode()))
    except Ignored as ignored:
        check_reason(str(ignored))
    except BadRequest as refused:
        check_reason(refused.message)
    else:
        check(told)
        return told
    return None


def test_what_is_whole_can_be_stored() -> None:
    assert sum(isinstance(tell(name, payload), Notice) for name, payload in ALL) > 30


@settings(max_examples=500)
@given(damaged())
def test_what_is_damaged_is_a_notification_or_it_is_said_why_not(delivery: tuple[str, Any]) -> None:
    tell(*delivery)


@settings(max_examples=200)
@given(st.sampled_from([*RULES, *SILENT, "unheard_of"]), JUNK)
def test_what_is_anything_is_too(name: str, payload: Any) -> None:
    tell(name, payload)


@given(TEXT | st.text())
def test_text_of_others_fits(text: str) -> None:
    line, body = one_line(text), paragraphs(text)
    assert len(line) <= TITLE_LIMIT
    assert line == " ".join(line.split())
    assert len(json.dumps(body, ensure_ascii=False).encode()) <= BODY_LIMIT + 2 or len(body.encode()) <= BODY_LIMIT
    Content.check(title=line or "-", body=body)


def test_a_notice_is_plain_data() -> None:
    (told,) = (tell(name, payload) for name, payload in ALL[:1])
    assert told is not None
    assert asdict(told)["title"]

"""Plain text to the followers of a topic."""

from dataclasses import dataclass

import pytest

from notifs.errors import BadRequest, InvalidKey, NotFound, OutOfScope
from notifs.hooks import Hook, Notice
from notifs.hooks.plain import Plain
from notifs.store.keys import Key
from notifs.store.models import utcnow

TOKEN = {"Authorization": "Bearer good"}


@dataclass(frozen=True)
class OneKey:
    """Knows one key, whose token is `good`."""

    key: Key

    async def find(self, token: str) -> Key | None:
        return self.key if token == "good" else None


def plain(*scopes: str, kinds: tuple[str, ...] | None = None, topics: tuple[str, ...] | None = None) -> Plain:
    async def take(id: str) -> None:
        assert id == "k"

    return Plain(OneKey(Key("k", "backups", frozenset(scopes), kinds, topics, utcnow(), None, None)), take)


def parse(body: bytes | str, query: dict[str, str] | None = None, **headers: str) -> Notice:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    hook = Hook(named, body if isinstance(body, bytes) else body.encode(), "disk", query or {})
    (told,) = plain("send").parse(hook)
    assert isinstance(told, Notice)
    return told


def test_a_short_line_is_the_title() -> None:
    notice = parse("The disk is full\n")
    assert (notice.title, notice.body, notice.topics, notice.priority) == ("The disk is full", "", ["disk"], "normal")


def test_of_more_the_first_line_is_the_title_and_all_is_the_body() -> None:
    notice = parse("The disk is full\nOf what, nobody knows.")
    assert (notice.title, notice.body) == ("The disk is full", "The disk is full\nOf what, nobody knows.")
    long = parse("full " * 50)
    assert len(long.title) <= 200
    assert long.body == ("full " * 50).strip()


def test_a_title_is_a_header_or_a_parameter() -> None:
    assert parse("Of what?", Title="The disk is full").body == "Of what?"
    assert parse("Of what?", X_Title="The disk is full").title == "The disk is full"
    assert parse("Of what?", {"title": "The disk is full"}).title == "The disk is full"
    assert parse("", Title="The disk is full").title == "The disk is full"


def test_a_header_may_be_utf_8_as_curl_sends_it() -> None:
    assert parse("x", Title="Grüße".encode().decode("latin-1")).title == "Grüße"
    assert parse("x", Title="Gr\xfc\xdfe").title == "Grüße"


@pytest.mark.parametrize(
    ("said", "priority"),
    [("1", "low"), ("2", "low"), ("3", "normal"), ("4", "high"), ("MAX", "urgent"), ("low", "low")],
)
def test_a_priority_is_a_number_or_a_name(said: str, priority: str) -> None:
    assert parse("x", Priority=said).priority == priority
    assert parse("x", {"priority": said}).priority == priority


def test_a_click_leads_somewhere() -> None:
    assert parse("x", Click="https://example.org/disk").url == "https://example.org/disk"


def test_what_others_understand_does_no_harm() -> None:
    notice = parse("x", Tags="warning", Icon="https://example.org/i.png", Actions="view, x, https://example.org")
    assert (notice.icon, notice.actions) == (None, ())


def test_a_form_is_text_because_curl_calls_everything_a_form() -> None:
    assert parse("a=b&c%20d", Content_Type="application/x-www-form-urlencoded").title == "a=b&c%20d"


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"", {}), (b" \n", {}), (b"\xff", {}), (b"x", {"Priority": "loud"}), (b"x", {"Click": "javascript:alert(1)"})],
)
def test_what_cannot_be_told_is_refused(body: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        parse(body, None, **headers)


def test_a_topic_is_named() -> None:
    with pytest.raises(NotFound, match="topic"):
        plain("send").parse(Hook(TOKEN, b"x"))


async def test_a_key_that_may_send_says_who_it_is() -> None:
    for source in (plain("send"), plain("admin"), plain("send", kinds=("message",), topics=("disk", "cpu"))):
        assert await source.verify(Hook(TOKEN, b"x", "disk")) == "backups"


@pytest.mark.parametrize(
    "source",
    [plain("read"), plain("send", topics=("cpu",)), plain("send", kinds=("comment.*",)), plain("send", topics=())],
)
async def test_a_key_for_something_else_is_refused(source: Plain) -> None:
    with pytest.raises(OutOfScope):
        await source.verify(Hook(TOKEN, b"x", "disk"))


async def test_what_is_refused_counts_too() -> None:
    counted = []

    async def take(id: str) -> None:
        counted.append(id)

    key = Key("k", "backups", frozenset(["read"]), None, None, utcnow(), None, None)
    with pytest.raises(OutOfScope):
        await Plain(OneKey(key), take).verify(Hook(TOKEN, b"x", "disk"))
    assert counted == ["k"]


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, {}),
        ({}, {"key": "good", "access_token": "good", "auth": "good"}),
        ({"Authorization": "Bearer bad"}, {}),
        ({"Authorization": "Basic good"}, {}),
        ({"Authorization": "good"}, {}),
    ],
)
async def test_nobody_sends_without_a_key_in_the_header(headers: dict[str, str], query: dict[str, str]) -> None:
    with pytest.raises(InvalidKey):
        await plain("send").verify(Hook(headers, b"x", "disk", query))

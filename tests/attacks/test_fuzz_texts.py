"""Cursors and links of any text: they are taken or refused, and never the reason of an error."""

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifs.api import cursors
from notifs.errors import InvalidCursor
from notifs.urls import is_local_path, is_safe_url, safe_link, safe_picture
from notifs.wire import Cursor

ORIGIN = "https://images.example.org"
PIECES = (
    "http", "https", "javascript", "data", "//", "/", "\\", ":", "@", "#", "?", "%2f", "%09", "\t", "\n", "\0", " ",
    "[", "]", "::1", "evil.example", ".", "..", "٣", "\u3002", "\uff0f", ":443", "\x7f", "é",
)  # fmt: skip
TEXTS = st.one_of(
    st.text(), st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.from_regex(r"\Ahttps?://[^/]*/?\Z")
)
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5)


@given(st.one_of(VALUES, st.from_regex(r"\A[0-9a-f]{6,34}:-?[0-9]{0,25}\Z"), st.from_regex(r"\A\w+:\d+\Z")))
@example("0123456789abcdef:" + "9" * 18)
@example("0123456789abcdef:1\n")
@example("0123456789abcdef:٣")
def test_a_cursor_is_one_that_we_have_written_or_none(value: object) -> None:
    cursor = Cursor.parse(value)
    if cursor is not None:
        assert str(cursor) == value
        assert 0 <= cursor.revision < 2**63  # as much as the databases can compare with


@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1")), st.from_regex(r"\A[\w=-]{0,400}\Z")))
def test_a_page_s_cursor_is_text_that_may_be_asked_for_or_is_refused(text: str) -> None:
    for read in (cursors.after, cursors.before):
        try:
            key = read(text)
        except InvalidCursor:
            continue
        assert 0 < len(str(key)) <= 200
        assert str(key).isprintable()


@given(TEXTS)
@example("https://images.example.org@evil.example/")
@example("//evil.example")
@example("/\\evil.example")
@example("/\t/evil.example")
@example("http://[::1")
def test_a_link_that_is_safe_leads_where_it_says(text: str) -> None:
    assert safe_link(text) in (None, text)
    if is_local_path(text):
        assert urlsplit(text).netloc == ""
        assert text[1:2] not in ("/", "\\")
    elif is_safe_url(text):
        parts = urlsplit(text)
        assert parts.scheme in ("http", "https")
        assert parts.hostname
        assert "@" not in parts.netloc
    if is_safe_url(text):
        assert not set(text) & {*map(chr, range(33)), "\x7f", "\\"}
    if safe_picture(text, [ORIGIN]) is not None and not is_local_path(text):
        assert text.lower().startswith((f"{ORIGIN}/", f"{ORIGIN}?", f"{ORIGIN}#")) or text.lower() == ORIGIN


@pytest.mark.parametrize("value", [None, 7, ["https://example.org"], {"url": "/"}, b"/"])
def test_what_is_no_text_is_no_link(value: object) -> None:
    assert safe_link(value) is None
    assert safe_picture(value, [ORIGIN]) is None

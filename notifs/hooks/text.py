"""Text of others, made fit for a notification: bounded, on one line or in paragraphs, without what cannot be seen."""

import re
from bisect import bisect_right

import orjson

from notifs.kinds import BODY_LIMIT, TITLE_LIMIT
from notifs.urls import is_safe_url

LINK_LIMIT = 1000
"""Characters of a link: three of them and a body fit into a notification."""
# Controls cannot be seen, some cannot be stored; those of direction make text look like another.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_BLANK = re.compile(r"\n\s*\n")


def one_line(text: str, limit: int = TITLE_LIMIT) -> str:
    """`text` on one line of at most `limit` characters, with an ellipsis where it was cut."""
    line = " ".join(_UNSEEN.sub(" ", text[: 10 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def paragraphs(text: str, limit: int = BODY_LIMIT) -> str:
    """`text` as it is, without comments that nobody shall see, in at most `limit` bytes, counted as JSON."""
    text = _UNSEEN.sub("", _COMMENT.sub("", text[: 20 * limit].replace("\r\n", "\n")))
    text = _BLANK.sub("\n\n", text).strip()
    if _size(text) <= limit:
        return text
    fits = bisect_right(range(min(len(text), limit)), limit, key=lambda n: _size(text[:n] + "…"))
    return text[: max(fits - 1, 0)].rstrip() + "…"


def link(url: str) -> str | None:
    """`url`, if it may be followed."""
    return url if len(url) <= LINK_LIMIT and is_safe_url(url) else None


def _size(text: str) -> int:
    return len(orjson.dumps(text)) - 2

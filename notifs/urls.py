"""Which links may be followed, and which pictures shown: one rule for notifications, and for `next` after signing in.

It is asked when they are written, and again before they are shown: a stored one may be from an older version, or from
whoever has written to the database by hand. browser/elements/links.ts does the same.
"""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

URL_LIMIT = 2048
"""Characters of a URL."""
# Browsers drop tabs and newlines inside a URL and read a backslash as a slash, so none of them may be there at all.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
# A host without what the URL standard forbids in one, and a port perhaps. An @ would show one host and lead to another.
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^\x00-\x20#%/:<>?@\[\\\]^|\x7f]+)(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)


def is_local_path(url: str) -> bool:
    """Whether `url` is a path on this very host: a single slash first (RFC 3986, section 4.2)."""
    return url.startswith("/") and not url.startswith("//") and len(url) <= URL_LIMIT and not _FORBIDDEN.search(url)


def is_safe_url(url: str) -> bool:
    """Whether `url` is http(s) with a host, or a local path. Never javascript:, data:, or a bare `//host`."""
    return is_local_path(url) or _origin(url) is not None


def safe_link(url: Any) -> str | None:
    """`url`, if it may be followed; else there is none to show."""
    return url if isinstance(url, str) and is_safe_url(url) else None


def safe_picture(url: Any, hosts: Collection[str]) -> str | None:
    """`url`, if it is a picture on this host, or at one of the origins `hosts`: another's would tell it who reads."""
    if not isinstance(url, str):
        return None
    return url if is_local_path(url) or _origin(url) in hosts else None


@lru_cache(maxsize=1000)
def _origin(url: str) -> str | None:
    """The origin of an http(s) URL that may be followed. Those of one notification are asked for once per recipient."""
    if len(url) > URL_LIMIT or _FORBIDDEN.search(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    safe = parts.scheme in ("http", "https") and _AUTHORITY.fullmatch(parts.netloc)
    return f"{parts.scheme}://{parts.netloc.lower()}" if safe else None

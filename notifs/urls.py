"""Which links may be shown or followed: one rule for notifications, avatars, and `next` after signing in."""

import re
from urllib.parse import urlsplit

# Browsers drop tabs and newlines inside a URL and read a backslash as a slash, so none of them may be there at all.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")


def is_local_path(url: str) -> bool:
    """Whether `url` is a path on this very host: a single slash first (RFC 3986, section 4.2)."""
    return url.startswith("/") and not url.startswith("//") and not _FORBIDDEN.search(url)


def is_safe_url(url: str) -> bool:
    """Whether `url` is http(s) with a host, or a local path. Never javascript:, data:, or a bare `//host`."""
    if is_local_path(url):
        return True
    if _FORBIDDEN.search(url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False

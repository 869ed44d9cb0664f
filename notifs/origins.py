"""Which pages a browser may come from: one rule for sockets and for writes that carry a cookie."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import Scope


class Origins:
    """The origins (RFC 6454) that are ours.

    Args:
        allowed: exactly these; empty means the scheme and host that were asked for.
    """

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed = frozenset(allowed)

    def allows(self, origin: str, scope: Scope) -> bool:
        """Whether `origin`, as the browser spelled it, is ours. Letter for letter: no case folding, no suffixes."""
        if self._allowed:
            return origin in self._allowed
        scheme = "https" if scope.get("scheme") in ("https", "wss") else "http"
        return origin == f"{scheme}://{Headers(scope=scope).get('host', '')}"

    def same_site(self, scope: Scope) -> bool | None:
        """Whether a request comes from a page of ours; None if it carries no mark of a browser at all."""
        headers = Headers(scope=scope)
        fetch_site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if fetch_site is not None and fetch_site != "same-origin":
            return origin is not None and bool(self._allowed) and self.allows(origin, scope)
        if origin is not None:
            return self.allows(origin, scope)
        return True if fetch_site == "same-origin" else None

"""Which pages a browser may come from, and at which hosts we are: one rule for sockets and writes with a cookie."""

import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import Scope

_HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)


class Origins:
    """The origins (RFC 6454) that are ours.

    Args:
        allowed: exactly these; empty means the scheme and host that were asked for.
    """

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed = frozenset(allowed)
        self._hosts = frozenset(host for origin in allowed for host in _hosts(origin))

    def allows(self, origin: str, scope: Scope) -> bool:
        """Whether `origin`, as the browser spelled it, is ours. Letter for letter: no case folding, no suffixes."""
        return origin in self._allowed if self._allowed else origin == self.asked(scope)

    def asked(self, scope: Scope) -> str:
        """The origin that was asked for. If any are named its scheme is theirs, whatever a proxy has made of it."""
        scheme, host = (
            "https" if scope.get("scheme") in ("https", "wss") else "http",
            Headers(scope=scope).get("host", ""),
        )
        named = [origin for origin in self._allowed if host.lower() in _hosts(origin)]
        return max(named, default=f"{scheme}://{host}")  # of both schemes, https

    def names_us(self, scope: Scope) -> bool | None:
        """Whether the Host that was asked for is one of our origins', if any are named; None if it is no host at all.

        Two of them are none either: who is before us may go by the other one (RFC 9112, section 3.2).
        """
        given = [host.lower() for host in Headers(scope=scope).getlist("host")]
        if len(given) != 1 or not _HOST.fullmatch(given[0]):
            return None
        return not self._hosts or given[0] in self._hosts

    def same_site(self, scope: Scope) -> bool | None:
        """Whether a request comes from a page of ours; None if it carries no mark of a browser at all."""
        headers = Headers(scope=scope)
        fetch_site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if fetch_site is not None and fetch_site != "same-origin":
            return origin is not None and bool(self._allowed) and self.allows(origin, scope)
        if origin is not None:
            return self.allows(origin, scope)
        return True if fetch_site == "same-origin" else None


def _hosts(origin: str) -> tuple[str, ...]:
    """How a Host header may name the host of an origin: the scheme's own port may be there or not."""
    scheme, _, host = origin.partition("://")
    return (host,) if re.search(r":[0-9]+$", host) else (host, f"{host}:{443 if scheme == 'https' else 80}")

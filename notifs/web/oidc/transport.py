"""HTTP to providers: bounded in size and time, without redirects, cookies or proxies of the environment."""

from typing import Any

from authlib.integrations.httpx_client import AsyncOAuth2Client

from notifs.bounded import SECONDS, Bounded, certificates


class Client(AsyncOAuth2Client):
    """Authlib's client with these bounds; Authlib makes one for each request."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(
            *args,
            **options,
            transport=Bounded(verify=certificates()),
            timeout=SECONDS,
            follow_redirects=False,
            trust_env=False,
        )

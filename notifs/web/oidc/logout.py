"""Signing out with a provider: here when somebody has signed out there, and there when they do here."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from notifs.errors import BadRequest, ProviderUnavailable, SignInRefused
from notifs.origins import Origins
from notifs.store import identities, sessions
from notifs.store.database import Database
from notifs.store.identities import NAME_LIMIT
from notifs.web.middleware import policy
from notifs.web.oidc.client import LEEWAY, LOGOUT_SECONDS
from notifs.web.oidc.parties import Parties
from notifs.web.render import Render

PATIENCE = 3.0
"""Seconds that a sign-out waits for what a provider says of itself."""


class Logout:
    """Single sign-out, each way.

    Args:
        end_sockets: ends the live sockets of a session, by its key.
    """

    def __init__(
        self,
        parties: Parties,
        database: Database,
        origins: Origins,
        render: Render,
        *,
        end_sockets: Callable[[str], Awaitable[None]],
    ) -> None:
        self._parties = parties
        self._database = database
        self._origins = origins
        self._render = render
        self._end_sockets = end_sockets

    def routes(self, base: str, middleware: Sequence[Middleware]) -> list[Route]:
        """The routes below `base`."""
        below = f"{base}/login/{{provider}}"
        return [
            Route(f"{below}/backchannel/", self.backchannel, methods=["POST"], middleware=middleware),
            Route(f"{below}/frontchannel/", self.frontchannel, methods=["GET"], middleware=middleware),
        ]

    async def backchannel(self, request: Request) -> Response:
        """POST logout_token: the provider itself says who has signed out (Back-Channel Logout 1.0, section 2.5)."""
        party = self._parties.asked(request)
        async with request.form(max_files=0, max_fields=10) as form:
            token = str(form.get("logout_token", ""))
        try:
            left = await party.left(token)
        except SignInRefused:
            told = "that is no logout token of this provider, or an old one"
            raise BadRequest(told, code="invalid_logout_token") from None

        lives = LOGOUT_SECONDS + 2 * LEEWAY
        await self._end(
            await self._database.write(
                lambda c: identities.leave(
                    c, party.issuer, left.id, session=left.session, subject=left.subject, seconds=lives
                )
            )
        )
        return Response(status_code=200)

    async def frontchannel(self, request: Request) -> Response:
        """GET ?iss=&sid=: the provider lets the browser say so, in a frame (Front-Channel Logout 1.0, section 3).

        It comes without our cookie. Who can name a provider's session may end what came of it.
        """
        party, given = self._parties.asked(request), request.query_params
        session = given.get("sid", "")
        if given.get("iss") != party.issuer or not (0 < len(session) <= NAME_LIMIT and session.isprintable()):
            raise BadRequest("say by `iss` and `sid` which session has ended", code="invalid_session")
        # Anybody can ask this, so it is written only where there is something to end.
        if await self._database.read(lambda c: sessions.made_by(c, party.issuer, session)):
            ended = await self._database.write(lambda c: sessions.end_provider(c, party.issuer, session=session))
            await self._end(ended)
        parts = urlsplit(party.issuer)
        framed = {"content-security-policy": policy({"frame-ancestors": f"{parts.scheme}://{parts.netloc}"})}
        return PlainTextResponse("signed out", headers=framed)

    async def leave(self, request: Request, issuer: str, id_token: str) -> Response | None:
        """What sends the browser on, to sign out there too, of who came by this provider and has signed out here.

        None if it is not in the settings any more, does not offer it or does not answer.
        """
        party = self._parties.of(issuer)
        if party is None:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                url = await party.leave(id_token, f"{self._origins.asked(request.scope)}{self._render.login_url}")
        except (ProviderUnavailable, SignInRefused, TimeoutError):
            return None
        return self._render.onward(request, url, party.label) if url else None

    async def _end(self, keys: Sequence[str]) -> None:
        for key in keys:
            await self._end_sockets(key)

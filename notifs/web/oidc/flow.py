"""Signing in by a provider, and linking an account with one: to the provider, and back with what it says."""

import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from notifs.addresses import address_of, network_of
from notifs.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    NotifsError,
    NotSignedIn,
    ProviderUnavailable,
    SignInRefused,
    TooManyTries,
)
from notifs.identity import SESSION
from notifs.limits import Limits
from notifs.origins import Origins
from notifs.phrases import Phrase
from notifs.store import Store, identities
from notifs.store.accounts import Person
from notifs.store.identities import Claimed
from notifs.store.spent import spend
from notifs.urls import is_local_path
from notifs.web.login import Login
from notifs.web.oidc.client import Arrived, Relying
from notifs.web.oidc.parties import Parties
from notifs.web.oidc.pending import SECONDS, Pending, Started
from notifs.web.render import Render
from notifs.web.sessions import Sessions

NEXT_LIMIT = 1024
"""Characters of where somebody wants to go: it is on its way with them, in a cookie."""
NOTED_SECONDS = 60
"""How often, at most, the audit log says of one network that it was not let in, for each reason."""
TAKEN = (
    "There is an account here with your address already. If you have a password, sign in with it; then you can link "
    "{provider} on the page of your account."
)
NOBODY = (
    "Nobody here signs in with this account of {provider}. If you have a password, sign in with it; then you can link "
    "{provider} on the page of your account."
)
"""What people are told whom a provider has sent, and who are not let in."""


class Flow:
    """The addresses `/login/PROVIDER/`, and what `/account/link/PROVIDER/` does once it is known who asks.

    Args:
        login: lets people in, and has the page for who was not.
        end_sockets: ends the live sockets of a session, by its key.
    """

    def __init__(
        self,
        parties: Parties,
        store: Store,
        sessions: Sessions,
        pending: Pending,
        origins: Origins,
        render: Render,
        login: Login,
        limits: Limits,
        *,
        end_sockets: Callable[[str], Awaitable[None]],
    ) -> None:
        self._parties = parties
        self._store = store
        self._sessions = sessions
        self._pending = pending
        self._origins = origins
        self._render = render
        self._login = login
        self._limits = limits
        self._end_sockets = end_sockets

    def routes(self, base: str, middleware: Sequence[Middleware]) -> list[Route]:
        """The routes below `base`."""
        gets = {"/login/{provider}/": self.start, "/login/{provider}/callback/": self.callback}
        posts = {"/account/unlink/": self.unlink}
        return [
            *(Route(base + path, get, methods=["GET"], middleware=middleware) for path, get in gets.items()),
            *(Route(base + path, post, methods=["POST"], middleware=middleware) for path, post in posts.items()),
        ]

    async def start(self, request: Request) -> Response:
        """GET ?next=: on to the provider. It changes nothing here."""
        party = self._parties.asked(request)
        going = request.query_params.get("next", "")
        going = going if is_local_path(going) and len(going) <= NEXT_LIMIT else self._render.inbox_url
        if not _is_opened_by_a_person(request):
            raise Forbidden("to sign in, open this address in the browser", code="not_opened")
        try:
            url, sign_ins = await self._begin(request, party, going)
        except ProviderUnavailable as error:
            return self._login.page(request, going, error=error)
        response = RedirectResponse(url, 302)
        self._pending.write(response, sign_ins)
        return response

    async def link(self, request: Request) -> Response:
        """On to the provider, to link the account of who is signed in.

        Raises:
            BadRequest: `already_linked`.
            NotFound: nobody signs in by that one.
            NotSignedIn: nobody is signed in.
            ProviderUnavailable: it does not answer, or not as it should.
        """
        party = self._parties.asked(request)
        person = await self._person(request)
        linked = await self._store.database.read(lambda c: identities.of(c, person.id))
        if any(line.issuer == party.issuer for line in linked):
            told = Phrase("your account is linked with {provider} already; unlink that first", provider=party.label)
            raise BadRequest(told, code="already_linked")
        url, sign_ins = await self._begin(request, party, self._account_url, session=request.scope[SESSION])
        response = self._render.onward(request, url, party.label)
        self._pending.write(response, sign_ins)
        return response

    async def unlink(self, request: Request) -> Response:
        """POST issuer, subject: this identity is not the account's any more, and what came by it is ended."""
        person = await self._person(request)
        async with request.form(max_files=0, max_fields=10) as form:
            issuer, subject = (str(form.get(name, "")) for name in ("issuer", "subject"))
        more = {"but": request.scope[SESSION], "address": address_of(request.scope)}
        ended = await self._store.database.write(
            lambda c: identities.unlink(c, person.id, issuer, subject, issuers=self._parties.issuers, **more)
        )
        for key in ended:
            await self._end_sockets(key)
        return RedirectResponse(f"{self._account_url}?done=unlinked", 303)

    async def callback(self, request: Request) -> Response:
        """GET: back from the provider."""
        party = self._parties.asked(request)
        sign_ins = self._pending.read(request.scope)
        started = sign_ins.pop(state := request.query_params.get("state", ""), None)
        if started is None or started.provider != party.name:
            return self._login.page(request, self._render.inbox_url, error=_not_begun_here())
        response = await self._end(request, party, state, started)
        self._pending.write(response, sign_ins)
        return response

    async def _begin(
        self, request: Request, party: Relying, going: str, *, session: str = ""
    ) -> tuple[str, dict[str, Started]]:
        """Where the browser is to go, and all that is on its way in it then."""
        state, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        here = f"{self._origins.asked(request.scope)}{self._render.base}/login/{party.name}/callback/"
        url, verifier = await party.start(state, nonce, here)
        started = Started(party.name, nonce, verifier, here, going, time.time(), session)
        return url, {**self._pending.read(request.scope), state: started}

    async def _end(self, request: Request, party: Relying, state: str, started: Started) -> Response:
        address = address_of(request.scope)
        try:
            await self._limits.try_provider(network_of(address))
            # A worker may see a state for the first time that another one has seen already.
            if not await self._store.database.write(lambda c: spend(c, f"state {state}", seconds=2 * SECONDS)):
                raise _not_begun_here()
            arrived = await self._arrive(request, party, started)
            if started.session:
                return await self._link(request, arrived.claimed, started)
            person = await self._whose(party, arrived.claimed, address)
            arrival = replace(
                self._sessions.arrival(request.scope),
                issuer=party.issuer,
                provider_session=arrived.session,
                id_token=arrived.id_token,
            )
            return await self._login.enter(request, person, started.next, arrival, provider=party.name)
        except (SignInRefused, ProviderUnavailable, TooManyTries) as error:
            await self._note(error, party, address)
            if started.session:  # they are signed in, and need no page to do it
                raise
            return self._login.page(request, started.next, error=error)

    async def _arrive(self, request: Request, party: Relying, started: Started) -> Arrived:
        given = request.query_params
        if "error" in given:
            denied = given["error"] == "access_denied"
            told = "You did not sign in at {provider}." if denied else "Nobody was signed in by {provider}."
            raise SignInRefused(Phrase(told, provider=party.label), code="provider_denied")
        return await party.arrive(given.get("code", ""), given.get("iss"), started)

    async def _link(self, request: Request, claimed: Claimed, started: Started) -> Response:
        person = await self._sessions.person(request.scope)
        if person is None or request.scope[SESSION] != started.session:
            raise _not_begun_here()
        address = address_of(request.scope)
        await self._store.database.write(lambda c: identities.link(c, person.id, claimed, address=address))
        return RedirectResponse(f"{self._account_url}?done=linked", 303)

    async def _whose(self, party: Relying, claimed: Claimed, address: str) -> Person:
        person = None
        try:
            person = await self._store.database.write(
                lambda c: identities.enter(c, claimed, make=party.may_make(claimed), address=address)
            )
        except (BadRequest, NotFound) as error:
            if error.code == "email_taken":
                raise SignInRefused(Phrase(TAKEN, provider=party.label), code="email_taken") from None
        if person is None:  # the same for a disabled account
            raise SignInRefused(Phrase(NOBODY, provider=party.label), code="unknown_identity")
        return person

    async def _note(self, error: NotifsError, party: Relying, address: str) -> None:
        """Say in the audit log that somebody was not let in, and not for each of the tries that the limits allow."""
        if await self._limits.once(f"sign_in_failed.{error.code}", network_of(address), NOTED_SECONDS):
            await self._store.audit.record("sign_in_failed", address=address, provider=party.name, reason=error.code)

    @property
    def _account_url(self) -> str:
        return f"{self._render.base}/account/"

    async def _person(self, request: Request) -> Person:
        person = await self._sessions.person(request.scope)
        if person is None:
            raise NotSignedIn("sign in to link your account")
        return person


def _is_opened_by_a_person(request: Request) -> bool:
    """Whether a GET is a navigation (Fetch Metadata), as far as the browser says so, and no prefetch or frame."""
    headers = request.headers
    return (
        headers.get("sec-fetch-mode", "navigate") == "navigate"
        and headers.get("sec-fetch-dest", "document") == "document"
        and "sec-purpose" not in headers
        and "purpose" not in headers
    )


def _not_begun_here() -> SignInRefused:
    return SignInRefused(
        "This sign-in was not begun in this browser, or was ended already, or too long ago. Sign in again.",
        code="unknown_state",
    )

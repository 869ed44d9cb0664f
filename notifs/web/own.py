"""The accounts that notifs has of its own, put together: sign-in, the account page, the pages for admins, reset links.

A host application with its own users has none of it.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Unpack

from starlette.middleware import Middleware
from starlette.routing import Route

from notifs.errors import BadRequest
from notifs.limits import Limits
from notifs.origins import Origins
from notifs.providers import buttons
from notifs.settings import Settings
from notifs.signals import Signals
from notifs.signing import Signer
from notifs.store import Store
from notifs.store.people import By
from notifs.web.account import AccountPages, Link
from notifs.web.admin import AdminPages
from notifs.web.browsers import Browsers
from notifs.web.login import Leave, Login
from notifs.web.passwords import Passwords
from notifs.web.render import Render
from notifs.web.reset import Reset
from notifs.web.sessions import Sessions
from notifs.web.tries import Tries

End = Callable[[str], Awaitable[None]]


class OwnAccounts:
    """Accounts of notifs' own.

    Args:
        end_session: ends the live sockets of a session, by its key; `end_recipient`, all of a recipient's.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        sessions: Sessions,
        signer: Signer,
        limits: Limits,
        origins: Origins,
        render: Render,
        signals: Signals,
        *,
        end_session: End,
        end_recipient: End,
    ) -> None:
        self._settings = settings
        self._store = store
        self._sessions = sessions
        self._signer = signer
        self._limits = limits
        self._origins = origins
        self._render = render
        self._signals = signals
        self._end_session = end_session
        self._end_recipient = end_recipient
        self._passwords = Passwords(store.database)
        self._tries = Tries(store, self._passwords, limits)
        self._browsers = Browsers(signer, self._passwords, secure=settings.production)
        self._reset = Reset(self._passwords, signer, self._browsers, limits, render, end_sockets=end_recipient)

    def routes(self, safe: Sequence[Middleware]) -> list[Route]:
        """All of their routes, each wrapped in `safe`."""
        base, link = self._render.base, None
        if self._settings.providers:
            sign_in, link = self._by_providers(safe)
        else:
            sign_in = self._login().routes(base, safe)
        return [
            *sign_in,
            *self._reset.routes(base, safe),
            *self._account(link).routes(f"{base}/account", safe),
            *self._admin().routes(f"{base}/admin", safe),
        ]

    async def reset_link(self, recipient: str, origin: str = "", **by: Unpack[By]) -> str:
        """A link by which a person sets their password; see `Notifs.reset_link`."""
        origin = origin.rstrip("/") or next(iter(self._settings.origins), "")
        if not origin:
            raise BadRequest("it is not said where the site is; set NOTIFS_ORIGINS, or name it", code="no_origin")
        link = await self._reset.link(recipient, origin)
        await self._store.audit.record("reset_link_made", recipient, **by)
        return link

    def _by_providers(self, safe: Sequence[Middleware]) -> tuple[list[Route], Link]:
        """The routes of sign-in where there are providers, and what begins to link one."""
        # Here, as it loads a library that nobody else needs.
        from notifs.web.oidc.flow import Flow  # noqa: PLC0415
        from notifs.web.oidc.logout import Logout  # noqa: PLC0415
        from notifs.web.oidc.parties import Parties  # noqa: PLC0415
        from notifs.web.oidc.pending import Pending  # noqa: PLC0415

        parties, base = Parties(self._settings.providers), self._render.base
        logout = Logout(parties, self._store.database, self._origins, self._render, end_sockets=self._end_session)
        login = self._login(logout.leave)
        pending = Pending(self._signer, secure=self._settings.production)
        flow = Flow(
            parties, self._store, self._sessions, pending, self._origins, self._render, login, self._limits,
            end_sockets=self._end_session,
        )  # fmt: skip
        return [*(each for part in (login, flow, logout) for each in part.routes(base, safe))], flow.link

    def _login(self, leave: Leave | None = None) -> Login:
        return Login(
            self._store,
            self._sessions,
            self._browsers,
            self._tries,
            self._render,
            self._signals,
            end_sockets=self._end_session,
            buttons=buttons(self._settings.providers),
            leave=leave,
        )

    def _account(self, link: Link | None) -> AccountPages:
        return AccountPages(
            self._store,
            self._sessions,
            self._browsers,
            self._passwords,
            self._tries,
            self._render,
            self._settings.providers,
            end_sockets=self._end_session,
            link=link,
        )

    def _admin(self) -> AdminPages:
        return AdminPages(
            self._store,
            self._sessions,
            self._render,
            end_sockets=self._end_recipient,
            reset_link=self.reset_link,
            origin=next(iter(self._settings.origins), ""),
        )

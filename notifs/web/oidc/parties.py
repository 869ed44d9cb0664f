"""The providers that this application relies on."""

from collections.abc import Mapping

from starlette.requests import Request

from notifs.errors import NotFound
from notifs.providers import Provider, buttons
from notifs.web.oidc.client import Relying


class Parties:
    """The providers of the settings, each with a client of its own."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._parties = {
            button.name: Relying(button.name, button.label, providers[button.name]) for button in buttons(providers)
        }

    @property
    def issuers(self) -> frozenset[str]:
        return frozenset(party.issuer for party in self._parties.values())

    def asked(self, request: Request) -> Relying:
        """The provider that the address of a request names.

        Raises:
            NotFound: there is none of this name.
        """
        found = self._parties.get(request.path_params["provider"])
        if found is None:
            raise NotFound("nobody signs in by a provider of this name here")
        return found

    def of(self, issuer: str | None) -> Relying | None:
        """The provider with this issuer; None for one that is not in the settings any more."""
        return next((party for party in self._parties.values() if party.issuer == issuer), None)

"""Who else may say who somebody is: providers of OpenID Connect, as the settings name them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*", re.ASCII)
"""How a provider may be called: what the name of a variable and an address may both have."""
WELL_KNOWN = "/.well-known/openid-configuration"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_guarded(url: str) -> bool:
    """Whether nobody can change what is read there on its way: by TLS, or as it does not leave this machine."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        )
    except ValueError:
        return False


class Provider(BaseModel):
    """A provider of OpenID Connect that people may sign in with: `NOTIFS_PROVIDERS__NAME__` + its name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    discovery_url: str = Field(
        description="Where it describes itself: `https://HOST/.well-known/openid-configuration`."
    )
    client_id: str = Field(min_length=1, description="What it calls this application.")
    client_secret: SecretStr = Field(min_length=1, description="What this application proves itself with.")
    label: str = Field("", description="What people call it, on the button: `Sign in with LABEL`.")
    icon: str = Field("", description="A path on this host, or an address on one of `NOTIFS_IMAGE_HOSTS`.")
    issuer: str = Field("", description="The issuer, where it is not what the discovery URL begins with.")
    scope: str = Field("openid email profile", description="What is asked for.")
    create_accounts: bool = Field(
        False, description="Whoever it knows and who has no account yet gets one, if their address is of `DOMAINS`."
    )
    domains: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Comma-separated domains (`example.org`) of addresses that it has verified; none: of all."
    )

    @field_validator("domains", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        parts = value.split(",") if isinstance(value, str) else value
        return [part.strip().lower() for part in parts if part.strip()]

    @field_validator("discovery_url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        if not is_guarded(value):
            raise ValueError("must begin with https://")
        return value

    @field_validator("scope")
    @classmethod
    def _check_scope(cls, value: str) -> str:
        if "openid" not in value.split():
            raise ValueError("must contain openid; without it nobody says who has signed in")
        return value

    @model_validator(mode="after")
    def _check_issuer(self) -> Self:
        if not self.issuer and not self.discovery_url.endswith(WELL_KNOWN):
            raise ValueError(f"DISCOVERY_URL must end with {WELL_KNOWN}, or else ISSUER must be set")
        return self

    @property
    def expected_issuer(self) -> str:
        """The only issuer that is believed (OpenID Connect Discovery 1.0, section 4.3)."""
        return self.issuer or self.discovery_url.removesuffix(WELL_KNOWN)


@dataclass(frozen=True, slots=True)
class Button:
    """A provider as people see it."""

    name: str
    label: str
    icon: str


def buttons(providers: Mapping[str, Provider]) -> list[Button]:
    """The providers as people see them, in the order of the settings. Who has no label goes by the name."""
    return [
        Button(name, provider.label or name.replace("_", " ").capitalize(), provider.icon)
        for name, provider in providers.items()
    ]

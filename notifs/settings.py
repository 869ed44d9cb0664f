"""Everything that can be set, read once at the start from `NOTIFS_*` variables and refused there if it is wrong.

`NOTIFS_*_FILE` names a file that has the value: for secrets, which so are in no environment that a process shows.
"""

import ipaddress
import re
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from notifs.environment import SECRET_MIN, Environment, explained, listed
from notifs.errors import SettingsError
from notifs.providers import NAME, Provider, is_guarded

DEVELOPMENT_SECRET = "development only: set NOTIFS_SECRET_KEY in production"  # noqa: S105
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
ORIGIN = re.compile(r"http://[^/:@?#\s]+(:(?!80$)[0-9]{1,5})?|https://[^/:@?#\s]+(:(?!443$)[0-9]{1,5})?", re.ASCII)
IPV6 = re.compile(r"\[[0-9a-f:.]+\]", re.ASCII)


class Settings(BaseSettings):
    """Frozen settings. Every field is also the environment variable `NOTIFS_` + its name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="NOTIFS_", env_nested_delimiter="__", frozen=True, extra="ignore", populate_by_name=True
    )

    environment: Literal["development", "production"] = Field(
        "development",
        validation_alias=AliasChoices("NOTIFS_ENVIRONMENT", "NOTIFS_ENV"),
        description="`production` insists on a secret key, migrated tables and secure cookies. `NOTIFS_ENV` works too.",
    )
    secret_key: SecretStr = Field(
        SecretStr(DEVELOPMENT_SECRET),
        description="At least 32 characters, the same on every worker; it keys sessions and the secrets of webhooks. "
        "Production needs it. A comma-separated list while one "
        "[takes another's place](docs/secrets.md): the first signs, all verify.",
    )
    database_url: str = Field(
        "sqlite:///notifs.db",
        repr=False,
        description="`sqlite:///PATH` (relative to the working directory) or `postgresql://USER:PASSWORD@HOST/NAME`.",
    )
    redis_url: str = Field(
        "",
        repr=False,
        description="`redis://[USER:PASSWORD@]HOST[:PORT][/DB]`, `rediss://` for TLS: by it workers tell each other of "
        "changes at once. Without it they find them in the database.",
    )
    database_pool: int = Field(
        10, ge=1, le=200, description="Connections to PostgreSQL, or readers of SQLite, of one worker."
    )
    origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated origins (`https://example.org`) that browsers may come from, and by whose hosts "
        "alone the site may be asked for, so its own is among them; none: by any host, and from there.",
    )
    session_days: int = Field(14, ge=1, le=400, description="Days until a sign-in ends by itself.")
    session_idle_hours: int = Field(
        168, ge=0, le=9600, description="Hours without a request after which a sign-in ends; 0 for any number."
    )
    sign_in_tries: int = Field(
        10, ge=1, description="Failed sign-ins per account in 15 minutes; ten times as many per network."
    )
    providers: Annotated[dict[str, Provider], NoDecode] = Field(
        {},
        description="Who else signs people in: `NOTIFS_PROVIDERS__GOOGLE__CLIENT_ID` and so on, see "
        "[docs/sign-in.md](docs/sign-in.md).",
    )
    token_secret: SecretStr = Field(
        SecretStr(""),
        description="At least 32 characters: tokens that your application has signed with it (JWT, HS256) open "
        "sockets; a list, as above. None, and no `NOTIFS_TOKEN_KEYS_URL`: no token does.",
    )
    token_keys_url: str = Field(
        "", description="Where the public keys are (a JWK Set) of those who sign tokens by RS256, ES256 or EdDSA."
    )
    token_issuer: str = Field("", description="The `iss` that tokens have; needed where tokens are taken.")
    token_audience: str = Field("notifs", description="The `aud` that tokens have.")
    head_check_seconds: float = Field(
        5.0, gt=0, le=60, description="How often a worker looks for changes that nobody told it of."
    )
    sockets_per_user: int = Field(20, ge=1, description="Open sockets of one person, on one worker.")
    sockets_per_address: int = Field(
        100, ge=0, description="Open sockets from one client address, on one worker; 0 for any number."
    )
    polling: bool = Field(
        False,
        description="Whether a client may come by HTTP long-polling too, where WebSockets do not get through. All "
        "requests of a client must then reach the same worker.",
    )
    connects_per_minute: int = Field(
        120,
        ge=1,
        description="Sockets that one person may open in a minute, on all workers; ten times as many one network, "
        "if `NOTIFS_SOCKETS_PER_ADDRESS` is not 0.",
    )
    events_per_second: int = Field(
        20, ge=1, description="Client events that one socket may send in a second; one person five times as many."
    )
    drain_seconds: float = Field(
        1.0,
        ge=0,
        le=60,
        description="How long a worker that was told to stop says that it is not ready, before its sockets go.",
    )
    keep_days: int = Field(
        90, ge=1, description="`notifs db prune` deletes what was read or archived longer ago, or has expired."
    )
    audit_days: int = Field(
        365, ge=1, description="`notifs db prune` deletes lines of the audit log that are older than that."
    )
    image_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated origins (`https://images.example.org`) from which avatars and icons may come; "
        "none: from this host alone.",
    )
    webhook_networks: Annotated[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...], NoDecode] = Field(
        (),
        description="Comma-separated networks (`10.0.0.0/8`) that webhooks may lead to although they are private, also "
        "by `http`; none: webhooks lead outside, by `https`.",
    )
    github_secret: SecretStr = Field(
        SecretStr(""), description="The secret of GitHub's webhooks, which come to `/hooks/github`; none: nobody may."
    )
    api_requests_per_minute: int = Field(
        6000,
        ge=1,
        le=10_000_000,
        description="Requests that one API key may make in a minute; a batch is as many as its items.",
    )
    create_users: bool = Field(
        False,
        description="A recipient that the API names and nobody has gets a mailbox, instead of being refused.",
    )
    metrics_token: SecretStr = Field(
        SecretStr(""),
        description="Who sends it as `Authorization: Bearer TOKEN` may read `/metrics`; none: nobody may.",
    )
    integrate_socketio: bool = Field(
        True,
        validation_alias=AliasChoices("INTEGRATE_SOCKETIO", "NOTIFS_INTEGRATE_SOCKETIO"),
        description="`INTEGRATE_SOCKETIO=false` leaves Socket.IO out in development; in production it is always in.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What the log tells.")

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *sources: Any, **named: PydanticBaseSettingsSource
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (named["init_settings"], Environment(settings_cls))

    @field_validator("origins", "image_hosts", "webhook_networks", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("origins", "image_hosts")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for number, origin in enumerate(value, 1):
            if origin != origin.lower() or not ORIGIN.fullmatch(IPV6.sub("ipv6", origin)):
                raise ValueError(
                    f"number {number} is not an origin as browsers write it: http(s)://host[:port] in lower case, "
                    "without a path, and without the scheme's own port"
                )
        return value

    @field_validator("database_url")
    @classmethod
    def _name_driver(cls, value: str) -> str:
        scheme, separator, rest = value.partition("://")
        driver = DRIVERS.get(scheme.partition("+")[0])
        if not separator or driver is None:
            raise ValueError("must begin with sqlite:/// or postgresql://")
        try:
            url = make_url(f"{driver}://{rest}")
        except (ArgumentError, ValueError):
            raise ValueError("cannot be read as a URL; write special characters in its parts as %XX") from None
        if driver == DRIVERS["sqlite"] and (url.database in (None, "", ":memory:") or "mode=memory" in rest):
            raise ValueError("must name a file, like sqlite:///notifs.db; workers do not share memory")
        if driver == DRIVERS["postgresql"] and find_spec("asyncpg") is None:
            raise ValueError("PostgreSQL needs its driver; run: pip install 'notifs[postgres]'")
        return f"{driver}://{rest}"

    @field_validator("redis_url")
    @classmethod
    def _check_redis(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        if value and find_spec("redis") is None:
            raise ValueError("Redis needs its driver; run: pip install 'notifs[redis]'")
        return value

    @field_validator("secret_key", "token_secret")
    @classmethod
    def _check_secret(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        none = info.field_name == "token_secret" and not len(value)
        if len(value) < SECRET_MIN and not none:
            raise ValueError(f"must have at least {SECRET_MIN} characters")
        return value

    @field_validator("secret_key", "token_secret", "github_secret", "metrics_token")
    @classmethod
    def _check_list(cls, value: SecretStr) -> SecretStr:
        listed(value)
        return value

    @field_validator("providers")
    @classmethod
    def _check_providers(cls, value: dict[str, Provider]) -> dict[str, Provider]:
        for name in value:
            if not NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name; take letters, digits and single underscores")
        if len({provider.expected_issuer for provider in value.values()}) < len(value):
            raise ValueError("two of them have the same issuer")
        return value

    @field_validator("token_keys_url")
    @classmethod
    def _check_keys_url(cls, value: str) -> str:
        if value and not is_guarded(value):
            raise ValueError("must begin with https://")
        return value

    @model_validator(mode="after")
    def _check_production(self) -> Self:
        if self.production and DEVELOPMENT_SECRET in self.secret_keys:
            raise ValueError(
                "NOTIFS_SECRET_KEY is required in production; make one with: "
                "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        return self

    @model_validator(mode="after")
    def _check_tokens(self) -> Self:
        if self.token_secrets and self.token_keys_url:
            raise ValueError("set NOTIFS_TOKEN_SECRET or NOTIFS_TOKEN_KEYS_URL, and not both")
        if self.tokens and not (self.token_issuer and self.token_audience):
            raise ValueError(
                "NOTIFS_TOKEN_ISSUER must say whose tokens are believed, and NOTIFS_TOKEN_AUDIENCE for whom they are"
            )
        return self

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The deployment's: the first signs, all verify."""
        return listed(self.secret_key)

    @property
    def token_secrets(self) -> tuple[str, ...]:
        """Those that tokens may be signed with."""
        return listed(self.token_secret)

    @property
    def github_secrets(self) -> tuple[str, ...]:
        """Those that GitHub's webhooks may be signed with."""
        return listed(self.github_secret)

    @property
    def metrics_tokens(self) -> tuple[str, ...]:
        """Those that open `/metrics`."""
        return listed(self.metrics_token)

    @property
    def tokens(self) -> bool:
        """Whether tokens open sockets."""
        return bool(self.token_secrets or self.token_keys_url)

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def sockets(self) -> bool:
        """Whether Socket.IO is part of the application: always in production."""
        return self.production or self.integrate_socketio

    @cached_property
    def sqlite_path(self) -> Path | None:
        """The SQLite file, or None for another database."""
        scheme, _, rest = self.database_url.partition(":///")
        return Path(rest.partition("?")[0]) if scheme.startswith("sqlite") else None

    @classmethod
    def load(cls, **values: Any) -> Self:
        """Settings from the environment and `values`.

        Raises:
            SettingsError: one line that names the variable and says what to do; the wrong value is not in it.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            raise SettingsError(explained(error.errors(include_input=False))) from None

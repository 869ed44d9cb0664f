"""Everything that can be set, read once at the start from `NOTIFS_*` variables and refused there if it is wrong."""

import ipaddress
import re
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from notifs.errors import SettingsError

DEVELOPMENT_SECRET = "development only: set NOTIFS_SECRET_KEY in production"  # noqa: S105
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
ORIGIN = re.compile(r"http://[^/:@?#\s]+(:(?!80$)[0-9]{1,5})?|https://[^/:@?#\s]+(:(?!443$)[0-9]{1,5})?", re.ASCII)
IPV6 = re.compile(r"\[[0-9a-f:.]+\]", re.ASCII)


class Settings(BaseSettings):
    """Frozen settings. Every field is also the environment variable `NOTIFS_` + its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="NOTIFS_", frozen=True, extra="ignore", populate_by_name=True)

    environment: Literal["development", "production"] = Field(
        "development",
        validation_alias=AliasChoices("NOTIFS_ENVIRONMENT", "NOTIFS_ENV"),
        description="`production` insists on a secret key, migrated tables and secure cookies. `NOTIFS_ENV` works too.",
    )
    secret_key: SecretStr = Field(
        SecretStr(DEVELOPMENT_SECRET),
        description="At least 32 characters, the same on every worker; it keys sessions and the secrets of webhooks. "
        "Production needs it.",
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
        description="Comma-separated origins (`https://example.org`) browsers may come from; none: the host asked for.",
    )
    session_days: int = Field(14, ge=1, le=400, description="Days until a sign-in ends by itself.")
    sign_in_tries: int = Field(
        10, ge=1, description="Failed sign-ins per account in 15 minutes; ten times as many per client address."
    )
    head_check_seconds: float = Field(
        5.0, gt=0, le=60, description="How often a worker looks for changes that nobody told it of."
    )
    sockets_per_user: int = Field(20, ge=1, description="Open sockets of one person, on one worker.")
    sockets_per_address: int = Field(
        100, ge=0, description="Open sockets from one client address, on one worker; 0 for any number."
    )
    events_per_second: int = Field(20, ge=1, description="Client events that one socket may send in a second.")
    drain_seconds: float = Field(
        1.0,
        ge=0,
        le=60,
        description="How long a worker that was told to stop says that it is not ready, before its sockets go.",
    )
    keep_days: int = Field(
        90, ge=1, description="`notifs db prune` deletes what was read or archived longer ago, or has expired."
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

    @field_validator("origins", "webhook_networks", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("origins")
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

    @model_validator(mode="after")
    def _check_production(self) -> Self:
        if self.production and self.secret_key.get_secret_value() == DEVELOPMENT_SECRET:
            raise ValueError(
                "NOTIFS_SECRET_KEY is required in production; make one with: "
                "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        if len(self.secret_key.get_secret_value()) < 32:
            raise ValueError("NOTIFS_SECRET_KEY must have at least 32 characters")
        return self

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
            raise SettingsError("; ".join(_explain(e) for e in error.errors(include_input=False))) from None


def _explain(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    field = str(error["loc"][0]) if error["loc"] else ""
    variable = field if field.isupper() else f"NOTIFS_{field.upper()}"
    return message if not field else f"{variable}: {message}"

"""Settings: read from the environment, and refused in one line where they are wrong."""

import sys
from ipaddress import ip_network
from pathlib import Path
from traceback import format_exception

import pytest
from pydantic import ValidationError

from notifs import Settings
from notifs.errors import SettingsError
from notifs.settings import DEVELOPMENT_SECRET

SECRET = "0123456789abcdef0123456789abcdef"
ANOTHER = "another secret that is long enough"
CANARY = "canary"
SECRETS = ("secret_key", "token_secret", "github_secret", "metrics_token")
KEYS_URL = "https://keys.example/jwks.json"
PROVIDER = {
    "NOTIFS_PROVIDERS__ACME__DISCOVERY_URL": "https://acme.example/.well-known/openid-configuration",
    "NOTIFS_PROVIDERS__ACME__CLIENT_ID": "notifs",
    "NOTIFS_PROVIDERS__ACME__CLIENT_SECRET": SECRET,
}


def variables(monkeypatch: pytest.MonkeyPatch, *many: dict[str, str], **more: str) -> None:
    for name, value in {name: value for each in (*many, more) for name, value in each.items()}.items():
        monkeypatch.setenv(name, value)


def refusal(**values: object) -> str:
    """The one line that says why these settings are refused."""
    with pytest.raises(SettingsError) as refused:
        Settings.load(**values)
    message = refused.value.message
    assert "\n" not in message
    shown = "".join(format_exception(refused.value))
    assert CANARY not in shown
    assert SECRET not in shown
    return message


def test_every_field_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "NOTIFS_ENVIRONMENT": "production", "NOTIFS_SECRET_KEY": SECRET, "NOTIFS_DATABASE_URL": "sqlite:////var/n.db",
        "NOTIFS_DATABASE_POOL": "3", "NOTIFS_ORIGINS": " https://a.example , http://b.example:8000,http://[::1]:9,",
        "NOTIFS_SESSION_DAYS": "7", "NOTIFS_SESSION_IDLE_HOURS": "0", "NOTIFS_SIGN_IN_TRIES": "4",
        "NOTIFS_HEAD_CHECK_SECONDS": "0.5", "INTEGRATE_SOCKETIO": "false", "NOTIFS_LOG_LEVEL": "error",
        "NOTIFS_REDIS_URL": "redis://h:1/2", "NOTIFS_POLLING": "1",
        "NOTIFS_SOCKETS_PER_USER": "5", "NOTIFS_SOCKETS_PER_ADDRESS": "0",
        "NOTIFS_CONNECTS_PER_MINUTE": "8", "NOTIFS_EVENTS_PER_SECOND": "9", "NOTIFS_DRAIN_SECONDS": "2.5",
        "NOTIFS_KEEP_DAYS": "30", "NOTIFS_AUDIT_DAYS": "60", "NOTIFS_METRICS_TOKEN": "token",
        "NOTIFS_GITHUB_SECRET": "signed", "NOTIFS_API_REQUESTS_PER_MINUTE": "60", "NOTIFS_CREATE_USERS": "true",
        "NOTIFS_WEBHOOK_NETWORKS": " 10.0.0.0/8 , fd00::/64,", "NOTIFS_IMAGE_HOSTS": "https://images.example ,",
        "NOTIFS_TOKEN_SECRET": ANOTHER, "NOTIFS_TOKEN_KEYS_URL": "", "NOTIFS_TOKEN_ISSUER": "https://app.example",
        "NOTIFS_TOKEN_AUDIENCE": "inbox",
    }  # fmt: skip
    variables(monkeypatch, given, PROVIDER)
    settings = Settings.load()
    assert settings.model_dump(exclude={*SECRETS, "providers"}) == {
        "environment": "production", "database_url": "sqlite+aiosqlite:////var/n.db", "database_pool": 3,
        "origins": ("https://a.example", "http://b.example:8000", "http://[::1]:9"), "session_days": 7,
        "session_idle_hours": 0, "sign_in_tries": 4, "head_check_seconds": 0.5, "integrate_socketio": False,
        "log_level": "error", "redis_url": "redis://h:1/2", "polling": True,
        "sockets_per_user": 5, "sockets_per_address": 0,
        "connects_per_minute": 8, "events_per_second": 9, "drain_seconds": 2.5, "keep_days": 30, "audit_days": 60,
        "api_requests_per_minute": 60, "create_users": True, "image_hosts": ("https://images.example",),
        "webhook_networks": (ip_network("10.0.0.0/8"), ip_network("fd00::/64")), "token_keys_url": "",
        "token_issuer": "https://app.example", "token_audience": "inbox",
    }  # fmt: skip
    assert settings.token_secret.get_secret_value() == ANOTHER
    assert [*settings.providers] == ["acme"]
    assert settings.secret_key.get_secret_value() == SECRET
    assert settings.metrics_token.get_secret_value() == "token"
    assert settings.github_secret.get_secret_value() == "signed"
    assert (settings.production, settings.sockets, settings.sqlite_path) == (True, True, Path("/var/n.db"))
    assert len(given) + len({"providers"}) == len(Settings.model_fields)


def test_without_any_variable_it_is_development() -> None:
    settings = Settings.load()
    assert (settings.production, settings.sockets, settings.sqlite_path) == (False, True, Path("notifs.db"))


def test_the_environment_has_a_short_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFS_ENV", "production")
    monkeypatch.setenv("NOTIFS_SECRET_KEY", SECRET)
    assert Settings.load().production


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("NOTIFS_ENVIRONMENT", CANARY, "'development' or 'production'"),
        ("NOTIFS_WEBHOOK_NETWORKS", "10.0.0.1/8", "NOTIFS_WEBHOOK_NETWORKS: Input is not a valid IPv4 network"),
        ("NOTIFS_IMAGE_HOSTS", f"https://{CANARY}/", "number 1 is not an origin"),
        ("NOTIFS_ENV", CANARY, "'development' or 'production'"),
        ("NOTIFS_SECRET_KEY", CANARY, "at least 32 characters"),
        ("NOTIFS_SECRET_KEY", "", "at least 32 characters"),
        ("NOTIFS_SECRET_KEY", f"{CANARY},{CANARY}", "at least 32 characters"),
        ("NOTIFS_TOKEN_SECRET", CANARY, "NOTIFS_TOKEN_SECRET: must have at least 32 characters"),
        ("NOTIFS_TOKEN_KEYS_URL", f"http://{CANARY}.example", "must begin with https://"),
        ("NOTIFS_TOKEN_KEYS_URL", f"https://[{CANARY}", "must begin with https://"),
        ("NOTIFS_DATABASE_URL", f"mysql://u:{CANARY}@h/d", "must begin with sqlite:/// or postgresql://"),
        ("NOTIFS_DATABASE_URL", "", "must begin with"),
        ("NOTIFS_REDIS_URL", f"http://u:{CANARY}@h", "must begin with redis://"),
        ("NOTIFS_DATABASE_URL", CANARY, "must begin with"),
        ("NOTIFS_DATABASE_URL", f"postgresql://u:{CANARY}@h:port/d", "cannot be read as a URL"),
        ("NOTIFS_DATABASE_URL", "sqlite://", "must name a file"),
        ("NOTIFS_DATABASE_URL", "sqlite:///", "must name a file"),
        ("NOTIFS_DATABASE_URL", "sqlite:///:memory:", "must name a file"),
        ("NOTIFS_DATABASE_URL", "sqlite:///file:x?mode=memory&uri=true", "must name a file"),
        ("NOTIFS_DATABASE_POOL", "0", "greater than or equal to 1"),
        ("NOTIFS_DATABASE_POOL", CANARY, "valid integer"),
        ("NOTIFS_ORIGINS", f"https://a.example, {CANARY}", "number 2 is not an origin"),
        ("NOTIFS_ORIGINS", "*", "number 1 is not an origin"),
        ("NOTIFS_ORIGINS", f"https://a.example/{CANARY}", "number 1 is not an origin"),
        ("NOTIFS_ORIGINS", "https://a.example/", "without a path"),
        ("NOTIFS_ORIGINS", f"https://u:{CANARY}@a.example", "number 1 is not an origin"),
        ("NOTIFS_ORIGINS", "https://A.example", "in lower case"),
        ("NOTIFS_ORIGINS", "https://a.example:443", "without the scheme's own port"),
        ("NOTIFS_ORIGINS", "http://a.example:80", "without the scheme's own port"),
        ("NOTIFS_ORIGINS", "ftp://a.example", "number 1 is not an origin"),
        ("NOTIFS_ORIGINS", "null", "number 1 is not an origin"),
        ("NOTIFS_SESSION_DAYS", "401", "less than or equal to 400"),
        ("NOTIFS_SIGN_IN_TRIES", "0", "greater than or equal to 1"),
        ("NOTIFS_HEAD_CHECK_SECONDS", "nan", "less than or equal to 60"),
        ("INTEGRATE_SOCKETIO", CANARY, "valid boolean"),
        ("NOTIFS_LOG_LEVEL", CANARY, "'debug', 'info'"),
    ],
)
def test_a_broken_value_gets_one_line_that_names_it_and_does_not_repeat_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)
    message = refusal()
    assert variable in message
    assert told in message


@pytest.mark.parametrize("key", [DEVELOPMENT_SECRET, f"{SECRET},{DEVELOPMENT_SECRET}"])
def test_production_takes_no_secret_that_everybody_knows(key: str) -> None:
    told = refusal(environment="production", secret_key=key)
    assert told.startswith("NOTIFS_SECRET_KEY is required in production; make one with: python3 -c")


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        (SECRET, (SECRET,)),
        (f"{SECRET},{ANOTHER}", (SECRET, ANOTHER)),
        (f" {SECRET} , {ANOTHER} ", (SECRET, ANOTHER)),
        (f"{SECRET},{ANOTHER[:32]}", (SECRET, ANOTHER[:32])),
        ("a secret, with commas, that is long enough", ("a secret, with commas, that is long enough",)),
    ],
)
def test_commas_separate_secrets_where_each_is_long_enough(value: str, keys: tuple[str, ...]) -> None:
    settings = Settings.load(**dict.fromkeys(SECRETS, value), token_issuer="app")
    assert (settings.secret_keys, settings.token_secrets) == (keys, keys)
    assert (settings.github_secrets, settings.metrics_tokens) == (keys, keys)


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    "value", [f"{SECRET},", f",{SECRET}", f"{SECRET},{ANOTHER},", f"{SECRET},,{ANOTHER}", f"{SECRET},{ANOTHER[:31]}"]
)
def test_a_list_with_a_secret_that_is_none_is_no_new_secret(name: str, value: str) -> None:
    told = f"NOTIFS_{name.upper()}: each secret between commas must have at least 32 characters; one has fewer"
    assert refusal(**{name: value}) == told


def test_what_is_not_set_opens_nothing() -> None:
    for settings in (Settings.load(), Settings.load(token_secret="", github_secret="", metrics_token="")):
        assert (settings.tokens, settings.token_secrets) == (False, ())
        assert (settings.github_secrets, settings.metrics_tokens) == ((), ())


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"token_secret": SECRET, "token_keys_url": KEYS_URL}, "NOTIFS_TOKEN_SECRET or NOTIFS_TOKEN_KEYS_URL"),
        ({"token_secret": SECRET}, "NOTIFS_TOKEN_ISSUER must say"),
        ({"token_keys_url": KEYS_URL}, "NOTIFS_TOKEN_ISSUER must say"),
        ({"token_secret": SECRET, "token_issuer": "app", "token_audience": ""}, "and NOTIFS_TOKEN_AUDIENCE for whom"),
    ],
)
def test_tokens_are_believed_of_one_issuer_and_by_one_way(values: dict[str, str], told: str) -> None:
    assert told in refusal(**values)


def test_tokens_open_sockets_by_a_secret_or_by_public_keys() -> None:
    assert Settings.load(token_secret=SECRET, token_issuer="app").tokens
    assert Settings.load(token_keys_url=KEYS_URL, token_issuer="app").tokens
    assert Settings.load(token_keys_url="http://localhost:9/keys", token_issuer="app").tokens


def test_several_broken_values_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFS_DATABASE_POOL", "x")
    monkeypatch.setenv("NOTIFS_SESSION_DAYS", "x")
    with pytest.raises(SettingsError, match=r"^NOTIFS_DATABASE_POOL: [^;]+; NOTIFS_SESSION_DAYS: [^;]+$"):
        Settings.load()


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("sqlite:///x.db", "sqlite+aiosqlite:///x.db"),
        ("sqlite+aiosqlite:////tmp/x.db", "sqlite+aiosqlite:////tmp/x.db"),
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://h/d", "postgresql+asyncpg://h/d"),
        ("postgresql+psycopg://h/d", "postgresql+asyncpg://h/d"),
    ],
)
def test_the_driver_is_the_one_that_fits(given: str, taken: str) -> None:
    assert Settings.load(database_url=given).database_url == taken


def test_postgresql_without_its_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(SettingsError, match=r"NOTIFS_DATABASE_URL: .*pip install 'notifs\[postgres\]'"):
        Settings.load(database_url="postgresql://h/d")
    assert Settings.load().sqlite_path


def test_settings_shown_have_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    variables(monkeypatch, PROVIDER, NOTIFS_DATABASE_URL=f"postgresql://u:{CANARY}@h/d", NOTIFS_TOKEN_ISSUER="app")
    settings = Settings.load(**dict.fromkeys(SECRETS, SECRET), redis_url=f"redis://:{CANARY}@h")
    for shown in (repr(settings), str(settings), repr(settings.providers)):
        assert SECRET not in shown
        assert CANARY not in shown


def test_settings_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    variables(monkeypatch, PROVIDER)
    settings = Settings.load()
    for thing, name in ((settings, "secret_key"), (settings.providers["acme"], "client_id")):
        with pytest.raises(ValidationError):
            setattr(thing, name, "other")


def test_in_development_socketio_can_be_left_out() -> None:
    assert not Settings.load(integrate_socketio=False).sockets
    assert Settings.load(integrate_socketio=False, environment="production", secret_key=SECRET).sockets

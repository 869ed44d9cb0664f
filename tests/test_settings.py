"""Settings: read from the environment, and refused in one line where they are wrong."""

import sys
from ipaddress import ip_network
from pathlib import Path

import pytest

from notifs import Settings
from notifs.errors import SettingsError

SECRET = "0123456789abcdef0123456789abcdef"
CANARY = "canary"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [f"NOTIFS_{field.upper()}" for field in Settings.model_fields] + ["NOTIFS_ENV", "INTEGRATE_SOCKETIO"]:
        monkeypatch.delenv(name, raising=False)


def test_every_field_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "NOTIFS_ENVIRONMENT": "production", "NOTIFS_SECRET_KEY": SECRET, "NOTIFS_DATABASE_URL": "sqlite:////var/n.db",
        "NOTIFS_DATABASE_POOL": "3", "NOTIFS_ORIGINS": " https://a.example , http://b.example:8000,http://[::1]:9,",
        "NOTIFS_SESSION_DAYS": "7", "NOTIFS_SIGN_IN_TRIES": "4", "NOTIFS_HEAD_CHECK_SECONDS": "0.5",
        "INTEGRATE_SOCKETIO": "false", "NOTIFS_LOG_LEVEL": "error", "NOTIFS_REDIS_URL": "redis://h:1/2",
        "NOTIFS_SOCKETS_PER_USER": "5", "NOTIFS_SOCKETS_PER_ADDRESS": "0", "NOTIFS_EVENTS_PER_SECOND": "9",
        "NOTIFS_DRAIN_SECONDS": "2.5", "NOTIFS_KEEP_DAYS": "30", "NOTIFS_METRICS_TOKEN": "token",
        "NOTIFS_GITHUB_SECRET": "signed", "NOTIFS_API_REQUESTS_PER_MINUTE": "60", "NOTIFS_CREATE_USERS": "true",
        "NOTIFS_WEBHOOK_NETWORKS": " 10.0.0.0/8 , fd00::/64,",
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    assert settings.model_dump(exclude={"secret_key", "metrics_token", "github_secret"}) == {
        "environment": "production", "database_url": "sqlite+aiosqlite:////var/n.db", "database_pool": 3,
        "origins": ("https://a.example", "http://b.example:8000", "http://[::1]:9"), "session_days": 7,
        "sign_in_tries": 4, "head_check_seconds": 0.5, "integrate_socketio": False, "log_level": "error",
        "redis_url": "redis://h:1/2", "sockets_per_user": 5, "sockets_per_address": 0, "events_per_second": 9,
        "drain_seconds": 2.5, "keep_days": 30, "api_requests_per_minute": 60, "create_users": True,
        "webhook_networks": (ip_network("10.0.0.0/8"), ip_network("fd00::/64")),
    }  # fmt: skip
    assert settings.secret_key.get_secret_value() == SECRET
    assert settings.metrics_token.get_secret_value() == "token"
    assert settings.github_secret.get_secret_value() == "signed"
    assert (settings.production, settings.sockets, settings.sqlite_path) == (True, True, Path("/var/n.db"))
    assert len(variables) == len(Settings.model_fields)


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
        ("NOTIFS_WEBHOOK_NETWORKS", "10.0.0.1/8", "network"),
        ("NOTIFS_ENV", CANARY, "'development' or 'production'"),
        ("NOTIFS_SECRET_KEY", CANARY, "at least 32 characters"),
        ("NOTIFS_SECRET_KEY", "", "at least 32 characters"),
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
    with pytest.raises(SettingsError) as refused:
        Settings.load()
    message = refused.value.message
    assert variable in message
    assert told in message
    assert CANARY not in message
    assert "\n" not in message
    assert refused.value.__suppress_context__


def test_production_without_a_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFS_ENVIRONMENT", "production")
    with pytest.raises(SettingsError, match=r"^NOTIFS_SECRET_KEY is required in production; make one with: python3 -c"):
        Settings.load()


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


def test_settings_shown_have_no_secret() -> None:
    settings = Settings.load(secret_key=SECRET, database_url=f"postgresql://u:{CANARY}@h/d")
    assert SECRET not in repr(settings)
    assert CANARY not in repr(settings)


def test_in_development_socketio_can_be_left_out() -> None:
    assert not Settings.load(integrate_socketio=False).sockets
    assert Settings.load(integrate_socketio=False, environment="production", secret_key=SECRET).sockets

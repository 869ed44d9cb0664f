"""Settings from files that variables name: for secrets, so that no environment has them."""

from pathlib import Path

import pytest

from notifs import Settings
from tests.test_settings import ANOTHER, CANARY, PROVIDER, SECRET, SECRETS, refusal, variables


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file with a secret, as an editor leaves it: with a line break at the end."""
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return path


def test_every_setting_may_be_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values = {"environment": "production", "origins": "https://a.example", "webhook_networks": "10.0.0.0/8"}
    values |= {"image_hosts": "https://a.example", "log_level": "error", "database_url": "sqlite:////var/n.db"}
    values |= {"redis_url": "redis://h", "token_keys_url": "https://a.example", "integrate_socketio": "false"}
    values |= {
        "create_users": "true",
        "polling": "true",
        "token_issuer": "app",
        "token_audience": "inbox",
        "token_secret": "",
    }
    values |= dict.fromkeys(("secret_key", "github_secret", "metrics_token"), SECRET)
    for name in Settings.model_fields.keys() - {"providers"}:
        path = tmp_path / name
        path.write_text(values.get(name, "33"))
        monkeypatch.setenv(f"NOTIFS_{name.upper()}_FILE", str(path))
    settings = Settings.load()
    assert settings.model_fields_set == Settings.model_fields.keys() - {"providers"}
    assert settings.secret_keys == (SECRET,)
    assert (settings.keep_days, settings.production, settings.integrate_socketio) == (33, True, False)


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n"])
def test_line_breaks_at_the_end_of_a_file_are_no_part_of_a_secret(
    monkeypatch: pytest.MonkeyPatch, secret: Path, ending: str
) -> None:
    secret.write_bytes(f"{SECRET}{ending}".encode())
    monkeypatch.setenv("NOTIFS_SECRET_KEY_FILE", str(secret))
    assert Settings.load().secret_key.get_secret_value() == SECRET


def test_a_providers_secret_may_be_in_a_file(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    variables(monkeypatch, PROVIDER)
    monkeypatch.delenv("NOTIFS_PROVIDERS__ACME__CLIENT_SECRET")
    monkeypatch.setenv("NOTIFS_PROVIDERS__ACME__CLIENT_SECRET_FILE", str(secret))
    assert Settings.load().providers["acme"].client_secret.get_secret_value() == SECRET


def test_a_file_may_have_a_list_of_secrets(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    secret.write_text(f"{SECRET},{ANOTHER}\n")
    for name in SECRETS:
        monkeypatch.setenv(f"NOTIFS_{name.upper()}_FILE", str(secret))
    settings = Settings.load(token_issuer="app")
    assert settings.secret_keys == settings.token_secrets == settings.github_secrets == (SECRET, ANOTHER)


def test_a_variable_that_is_empty_names_no_file(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    variables(monkeypatch, NOTIFS_SECRET_KEY=SECRET, NOTIFS_SECRET_KEY_FILE="")
    assert Settings.load().secret_keys == (SECRET,)
    variables(monkeypatch, NOTIFS_SECRET_KEY="", NOTIFS_SECRET_KEY_FILE=str(secret))
    assert Settings.load().secret_keys == (SECRET,)


@pytest.mark.parametrize("name", ["NOTIFS_SECRET_KEY", "NOTIFS_PROVIDERS__ACME__CLIENT_SECRET"])
def test_a_secret_and_a_file_of_it_are_one_too_many(monkeypatch: pytest.MonkeyPatch, secret: Path, name: str) -> None:
    variables(monkeypatch, {name: ANOTHER, f"{name}_FILE": str(secret)})
    assert refusal() == f"set {name} or {name}_FILE, and not both"


def test_a_file_that_cannot_be_read_is_told_by_its_variable_alone(
    monkeypatch: pytest.MonkeyPatch, secret: Path
) -> None:
    """Somebody may have put the secret itself where its file belongs."""
    for path, told in ((CANARY, "No such file or directory"), (f"{secret.parent}", "Is a directory")):
        monkeypatch.setenv("NOTIFS_SECRET_KEY_FILE", path)
        assert refusal() == f"NOTIFS_SECRET_KEY_FILE: cannot read the file: {told}"
    secret.write_bytes(b"\xff" * 40)
    monkeypatch.setenv("NOTIFS_SECRET_KEY_FILE", str(secret))
    assert refusal() == "NOTIFS_SECRET_KEY_FILE: cannot read the file: it is not UTF-8"


def test_what_is_wrong_in_a_file_is_told_by_the_settings_name(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    secret.write_text(CANARY)
    monkeypatch.setenv("NOTIFS_SECRET_KEY_FILE", str(secret))
    assert refusal() == "NOTIFS_SECRET_KEY: must have at least 32 characters"

"""Providers of OpenID Connect, as the settings name them."""

import pytest
from pydantic import SecretStr

from notifs import Settings
from notifs.providers import Provider, is_guarded
from tests.test_settings import CANARY, PROVIDER, SECRET, refusal, variables

ACME = "NOTIFS_PROVIDERS__ACME"


def test_every_field_of_a_provider_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"LABEL": "Acme", "ICON": "/acme.svg", "ISSUER": "https://issuer.example", "SCOPE": "openid email"}
    given |= {"CREATE_ACCOUNTS": "true", "DOMAINS": " Acme.example , b.example,"}
    variables(monkeypatch, PROVIDER, {f"{ACME}__{name}": value for name, value in given.items()})
    (provider,) = Settings.load().providers.values()
    assert provider == Provider(
        discovery_url="https://acme.example/.well-known/openid-configuration",
        client_id="notifs",
        client_secret=SecretStr(SECRET),
        label="Acme",
        icon="/acme.svg",
        issuer="https://issuer.example",
        scope="openid email",
        create_accounts=True,
        domains=("acme.example", "b.example"),
    )
    assert provider.expected_issuer == "https://issuer.example"
    assert len(given) + len(PROVIDER) == len(Provider.model_fields)


def test_a_provider_needs_three_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    variables(monkeypatch, PROVIDER)
    (provider,) = Settings.load().providers.values()
    assert provider.expected_issuer == "https://acme.example"
    assert (provider.scope, provider.create_accounts, provider.domains) == ("openid email profile", False, ())
    for name in PROVIDER:
        monkeypatch.delenv(name)
        assert refusal() == f"{name}: is missing"
        monkeypatch.setenv(name, PROVIDER[name])


def test_there_may_be_several(monkeypatch: pytest.MonkeyPatch) -> None:
    other = {name.replace("ACME", "MY_OWN"): value.replace("acme", "my.own") for name, value in PROVIDER.items()}
    variables(monkeypatch, PROVIDER, other)
    assert {name: each.expected_issuer for name, each in Settings.load().providers.items()} == {
        "acme": "https://acme.example",
        "my_own": "https://my.own.example",
    }


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        (f"{ACME}__CLIENT_SECERT", CANARY, f"{ACME}__CLIENT_SECERT: there is no such setting"),
        (f"{ACME}__CLIENT_ID", "", f"{ACME}__CLIENT_ID: must not be empty"),
        (f"{ACME}__CLIENT_SECRET", "", f"{ACME}__CLIENT_SECRET: must not be empty"),
        (f"{ACME}__CREATE_ACCOUNTS", CANARY, f"{ACME}__CREATE_ACCOUNTS: Input should be a valid boolean"),
        (f"{ACME}__DISCOVERY_URL", f"http://{CANARY}/.well-known/openid-configuration", "must begin with https://"),
        (f"{ACME}__DISCOVERY_URL", f"https:///{CANARY}", "must begin with https://"),
        (f"{ACME}__DISCOVERY_URL", f"https://[{CANARY}", "must begin with https://"),
        (f"{ACME}__DISCOVERY_URL", f"https://{CANARY}/", f"{ACME}: DISCOVERY_URL must end with /.well-known/"),
        (f"{ACME}__SCOPE", f"email {CANARY}", f"{ACME}__SCOPE: must contain openid"),
        (ACME, CANARY, f"{ACME}: each of its parts is a variable of its own"),
        ("NOTIFS_PROVIDERS", CANARY, "NOTIFS_PROVIDERS: each of its parts is a variable of its own"),
    ],
)
def test_a_broken_provider_gets_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    variables(monkeypatch, {} if variable == ACME else PROVIDER, {variable: value})
    assert told in refusal()


@pytest.mark.parametrize("name", ["MY-OWN", "_OWN", "MY OWN", "ÖWN", "../OWN"])
def test_a_provider_is_called_as_an_address_and_a_variable_may_be(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    variables(monkeypatch, {each.replace("ACME", name): value for each, value in PROVIDER.items()})
    told = refusal()
    assert told.startswith("NOTIFS_PROVIDERS")
    assert "is no name; take letters, digits and single underscores" in told


def test_two_providers_are_not_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    variables(monkeypatch, PROVIDER, {name.replace("ACME", "AGAIN"): value for name, value in PROVIDER.items()})
    assert refusal() == "NOTIFS_PROVIDERS: two of them have the same issuer"


@pytest.mark.parametrize(
    ("url", "guarded"),
    [
        ("https://a.example/x", True),
        ("http://localhost:8000", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:9/", True),
        ("http://a.example", False),
        ("http://127.0.0.1.a.example", False),
        ("http://localhost@a.example", False),
        ("ftp://localhost", False),
        ("https://", False),
        ("a.example", False),
        ("https://[", False),
    ],
)
def test_what_nobody_can_change_on_its_way(url: str, guarded: bool) -> None:
    assert is_guarded(url) is guarded

"""`notifs user`: who is an admin, who is disabled, and links that set a password."""

import re
from datetime import timedelta

import pytest

from notifs import Notifs
from notifs.store.models import utcnow
from tests import servers
from tests.cli.conftest import Folder, Main
from tests.web.site import PASSWORD, cookies, sign_in
from tests.wire import Client, hosted, http_client

NEW = "a moth in the relay of panel F"
ADA = "ada@example.org"


async def _acts(notifs: Notifs) -> list[tuple[str, str | None]]:
    """What the audit log says of Ada, the newest first, and by whom it was done."""
    recipient = (await notifs.store.accounts.get(ADA)).person.id
    return [(line.event, line.actor) for line in await notifs.store.audit.read(recipient)]


async def test_the_first_admin_is_made_here(folder: Folder, notifs: Notifs) -> None:
    added = await folder.run("user", "add", "root@example.org", "--admin", "--password-stdin", stdin=PASSWORD.encode())
    root = await notifs.store.user("root@example.org")
    assert added.out == f"added root@example.org, whose recipient id is {root.id}, as an admin\n"
    assert root.admin
    lines = await notifs.store.audit.read(root.id)
    assert [(line.event, line.actor) for line in lines] == [("admin_granted", "cli"), ("account_made", "cli")]


async def test_admins_are_made_and_none_of_them(folder: Folder, notifs: Notifs) -> None:
    said = [
        (await folder.run("user", "admin", ADA, *options)).out
        for options in ([], [], ["--revoke"], ["--revoke"], [])
    ]  # fmt: skip
    assert said == [
        "ada@example.org is an admin now\n",
        "ada@example.org was one already\n",
        "ada@example.org is no admin any more\n",
        "ada@example.org was none already\n",
        "ada@example.org is an admin now\n",
    ]
    assert (await folder.run("user", "list")).out.endswith("  ada@example.org  Ada  (admin)\n")
    granted, revoked = ("admin_granted", "cli"), ("admin_revoked", "cli")
    assert await _acts(notifs) == [granted, revoked, granted, ("account_made", None)]


async def test_who_is_disabled_has_no_sign_in_and_no_socket_on_any_worker_within_2_s(
    folder: Folder, notifs: Notifs
) -> None:
    async with servers.serving({}, "--workers", "2", cwd=folder.path) as served:
        headers = {"sec-fetch-site": "same-origin"}
        async with http_client(served.url, headers=headers) as visitor:
            assert (await sign_in(visitor)).status_code == 303
            async with (
                Client.open(served.url, headers=cookies(visitor)) as one,
                Client.open(served.url, headers=cookies(visitor)) as two,
                Client.open(served.url, headers=cookies(visitor)) as three,
            ):
                for client in (one, two, three):
                    await client.message("snapshot")
                done = await folder.run("user", "disable", ADA)
                at = (await notifs.store.accounts.get(ADA)).disabled_at
                for client in (one, two, three):
                    await client.end()
                assert at is not None
                assert utcnow() - at < timedelta(seconds=2)
            assert (done.out, done.err) == ("disabled ada@example.org; ended 1 sign-in\n", "")
            assert (await visitor.get("/api/v1/inbox")).status_code == 401
            assert (await sign_in(visitor)).status_code == 401
            assert (await folder.run("user", "disable", ADA)).out == "ada@example.org was disabled already\n"
            assert (await folder.run("user", "list")).out.endswith("  ada@example.org  Ada  (disabled)\n")
            refused = await folder.run("user", "reset-link", ADA, "--url", served.url)
            assert refused.refusal.startswith("nobody has the address ada@example.org")
            assert (await folder.run("user", "enable", ADA)).out == "enabled ada@example.org\n"
            assert (await folder.run("user", "enable", ADA)).out == "ada@example.org was not disabled\n"
            assert (await visitor.get("/api/v1/inbox")).status_code == 401
            assert (await sign_in(visitor)).status_code == 303
    acts = [act for act in await _acts(notifs) if act[0].startswith("account_")]
    assert acts == [("account_enabled", "cli"), ("account_disabled", "cli"), ("account_made", None)]


async def test_a_reset_link_is_printed_and_works_once(folder: Folder, notifs: Notifs) -> None:
    async with servers.serving({}, cwd=folder.path) as served:
        printed = await folder.run("user", "reset-link", "Ada@example.org", "--url", f"{served.url}/")
        link = printed.out.strip()
        assert re.fullmatch(rf"{re.escape(served.url)}/reset/[A-Za-z0-9_.-]+/", link)
        page = {"sec-fetch-site": "same-origin"}
        async with http_client(served.url, headers=page) as visitor:
            assert [(await visitor.post(link, data={"password": NEW})).status_code for _ in range(2)] == [303, 404]
            assert (await sign_in(visitor, password=NEW)).status_code == 303
    assert ("reset_link_made", "cli") in await _acts(notifs)


async def test_a_reset_link_leads_to_the_first_origin(folder: Folder, notifs: Notifs) -> None:
    origins = {"NOTIFS_ORIGINS": "https://example.org,https://www.example.org"}
    assert (await folder.run("user", "reset-link", ADA, stdin=None, **origins)).out.startswith(
        "https://example.org/reset/"
    )
    refused = await folder.run("user", "reset-link", ADA)
    assert refused.refusal.endswith("give --url https://example.org, or set NOTIFS_ORIGINS")
    for url in ("example.org", "https://example.org/?a", "https://example.org//", "javascript:alert(1)", "https://a@b"):
        refused = await folder.run("user", "reset-link", ADA, "--url", url)
        assert refused.refusal.startswith("--url is scheme and host, and the path of notifs there, if any")


async def test_a_reset_link_leads_to_where_a_host_has_mounted_notifs(folder: Folder, notifs: Notifs) -> None:
    mounted = Notifs(notifs.settings, path="/inbox/mine")
    async with hosted(mounted) as url, http_client() as visitor:
        for slash in ("", "/"):
            link = (await folder.run("user", "reset-link", ADA, "--url", f"{url}/inbox/mine{slash}")).out.strip()
            assert link.startswith(f"{url}/inbox/mine/reset/")
            assert (await visitor.get(link)).status_code == 200


@pytest.mark.parametrize("command", ["admin", "disable", "enable", "reset-link", "sign-out"])
def test_who_is_unknown_is_said_so(main: Main, folder: Folder, command: str) -> None:
    refused = main("user", command, "nobody@example.org", NOTIFS_ORIGINS="https://example.org")
    assert refused.refusal == "nobody has the address nobody@example.org; see: notifs user list"


@pytest.mark.parametrize("password", ["password1234", "123456789012", "grace@example.org", "hopper123456"])
def test_a_password_that_is_easy_to_guess_is_refused(main: Main, folder: Folder, password: str) -> None:
    args = ("user", "add", "grace@example.org", "--name", "Grace Hopper", "--password-stdin")
    refused = main(*args, stdin=password.encode()).refusal
    assert refused.startswith("that password is easy to guess; begin with some words")

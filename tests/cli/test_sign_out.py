"""`notifs user sign-out`: no sign-in of that person is left, and no socket."""

from notifs import Notifs
from tests import servers
from tests.cli.conftest import Folder
from tests.web.site import cookies, sign_in
from tests.wire import Client, http_client


async def test_a_person_is_signed_out_everywhere(folder: Folder, notifs: Notifs) -> None:
    async with servers.serving({}, "--workers", "2", cwd=folder.path) as served:
        async with http_client(served.url) as visitor:
            assert (await sign_in(visitor)).status_code == 303
            async with Client.open(served.url, headers=cookies(visitor)) as client:
                await client.message("snapshot")
                done = await folder.run("user", "sign-out", "ada@example.org")
                assert (done.out, done.err) == ("ended 1 sign-in of ada@example.org\n", "")
                await client.end()
                assert "41/notifs," in client.frames
            assert (await visitor.get("/api/v1/inbox")).status_code == 401
    assert (await folder.run("user", "sign-out", "ada@example.org")).out == "ended 0 sign-ins of ada@example.org\n"
    refused = await folder.run("user", "sign-out", "nobody@example.org")
    assert refused.refusal.startswith("nobody has the address nobody@example.org")

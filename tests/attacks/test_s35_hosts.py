"""S35: no Host but ours is answered, and no way to write an address gets past what is asked of it."""

from tests.attacks.arena import Target, attack
from tests.attacks.ways import exchange
from tests.samples import notification

HOSTS = [
    "evil.example", "notifs.example.evil.example", "evil-notifs.example", "notifs.example@evil.example",
    "notifs.example:443@evil.example", "evil.example/notifs.example", "evil.example?notifs.example",
    "evil.example#notifs.example", "notifs.example evil.example", "notifs.example,evil.example", "notifs.example:8443",
    "notifs.example:443:80", "notifs.example:x", "notifs.example:", "notifs.example.", "[::1", "[::1]", "::1",
    "127.0.0.1", "localhost", "", ".", "notifs.example/../", "notifs.example\\evil.example", "notifs%2eexample",
    "n\u00f6tifs.example", "notifs.example\r\nHost: evil.example", "evil.example\r\nHost: notifs.example",
]  # fmt: skip
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://notifs.example\r\n"
)
ARCHIVES = [
    "/api/v1/inbox/archive", "/api/v1//inbox/archive", "//api/v1/inbox/archive", "/api/v1/inbox//archive",
    "/api/v1/inbox/archive/", "/%61pi/v1/inbox/archive", "/api%2fv1/inbox/archive", "/api/v1/inbox%2farchive",
    "/api/v1/inbox/archive%00", "/api/v1/inbox/archive%20", "/api/v1/inbox/archive;x=/hooks/x",
    "/api/v1/inbox/archive?/hooks/x", "/api/v1/inbox/archive%3f/hooks/x", "/hooks/../api/v1/inbox/archive",
    "/hooks/..%2fapi/v1/inbox/archive", "/hooks/%2e%2e/api/v1/inbox/archive", "/hooks/x/../../api/v1/inbox/archive",
    "/hooks//api/v1/inbox/archive", "/api/v1/notifications/../inbox/archive",
    "/api/v1/notifications/..%2finbox/archive", "/api/v1/notifications%2f..%2finbox/archive",
    "/api/v1/jobs/%2e%2e/inbox/archive", "/API/v1/inbox/archive", "/api/v1/./inbox/archive",
    "http://evil.example/api/v1/inbox/archive", "http://evil.example/hooks/../api/v1/inbox/archive",
    "/notifs/static/../../api/v1/inbox/archive", "/socket.io/../api/v1/inbox/archive", "*", "\\api\\v1\\inbox\\archive",
]  # fmt: skip
SECRETS = [
    "/api/v1//notifications/{id}", "/api/v1/notifications/{id}/", "/api/v1/inbox/..%2fnotifications/{id}",
    "/api%2fv1%2fnotifications%2f{id}", "/%61pi/v1/notifications/{id}", "//notifications/", "/notifications//",
    "/notifications/{id}%2fread/", "/notifs/static/..%2f..%2fnotifications/", "/notifs/static/..%2f..%2fsettings.py",
    "/notifs/static/%2e%2e/%2e%2e/settings.py", "/notifs/static//etc/passwd", "/metrics/", "//metrics", "/metrics%2f",
    "/notifs/static/..%5c..%5csettings.py", "/healthz/../metrics", "/hooks/../metrics",
]  # fmt: skip
READ = ("a secret title", "root:", "Everything that can be set", "notifs_")


def request(line: str, host: str, *headers: str, body: str = "") -> bytes:
    head = [f"{line} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*head, "", body]).encode()


@attack("S35", off="hosts_are_not_checked", env={"NOTIFS_ORIGINS": "https://notifs.example"})
async def test_no_other_host_is_answered(target: Target) -> list[str]:
    """Pages, redirects that are made of the Host, and sockets; our own host is answered however it is spelled."""
    through = []
    for host in ("notifs.example", "NOTIFS.example", "notifs.example:443"):
        assert b" 200 " in (await exchange(target, request("GET /login/", host)))[:15]
    assert b" 200 " in (await exchange(target, request("GET /healthz", "127.0.0.1")))[:15]
    ada = await target.cookie(await target.person("ada"))
    for host in HOSTS:
        upgrade = UPGRADE + f"Host: {host}\r\nCookie: {ada}"
        sent = {
            "page": request("GET /login/", host),
            "redirect": request("GET /notifications", host),
            "api": request("GET /api/v1/inbox", host, f"Cookie: {ada}"),
            "socket": f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n{upgrade}\r\n\r\n".encode(),
        }
        for what, bytes_ in sent.items():
            answer = await exchange(target, bytes_, seconds=2)
            if not answer.startswith(b"HTTP/1.1 400 "):
                through.append(f"{what} of {host!r}: {answer[:12]!r}")
                if not target.defended:
                    return through
    return through


@attack("S35", off="every_path_is_keyed")
async def test_no_spelling_of_an_address_gets_past_the_rule_for_writes(target: Target) -> list[str]:
    """With a person's cookie, and from another site."""
    ada, through = await target.person("ada"), []
    cookie, host = await target.cookie(ada), target.url.removeprefix("http://")
    headers = [f"Cookie: {cookie}", "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"]
    headers.append("Content-Type: application/json")
    for path in ARCHIVES:
        sent = notification("one")
        await target.store.create(sent, [ada.id])
        body = f'{{"ids":["{sent.id}"]}}'
        for line in (f"POST {path}", f"POST {path.replace('api/v1/inbox', f'notifications/{sent.id}')}/"):
            await exchange(target, request(line, host, *headers, body=body), seconds=5)
            page = await target.store.page(ada.id, "archived", before=None, limit=50)
            through += [line] if sent.id in {entry.id for entry in page.entries} else []
    return through


@attack("S35", off="everybody_is_signed_in")
async def test_no_spelling_of_an_address_gets_past_the_question_who_asks(target: Target) -> list[str]:
    """Without a cookie and without a key."""
    ada, through = await target.person("ada"), []
    sent = notification("a secret title")
    await target.store.create(sent, [ada.id])
    for path in [*SECRETS, "/notifications/", "/api/v1/inbox", *(each.replace("/archive", "") for each in ARCHIVES)]:
        line = f"GET {path.format(id=sent.id)}"
        answer = await exchange(target, request(line, target.url.removeprefix("http://")), seconds=5)
        assert b" 500 " not in answer[:15], path
        through += [line] if any(each.encode() in answer.partition(b"\r\n\r\n")[2] for each in READ) else []
    return through

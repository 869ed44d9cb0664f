"""S43: what is for operators is off, or asks who one is; what was never there is not found.

The API's own document is public: it says what this repository says.
"""

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.attacks.arena import Target, attack
from tests.attacks.ways import exchange

PROBES = (
    "/metrics", "/metrics/", "/stats", "/status", "/server-status", "/server-info", "/info", "/version", "/config",
    "/admin", "/admin/", "/administrator/", "/admin/users/", "/api/admin", "/api/v1/admin", "/manage/", "/console",
    "/docs", "/redoc", "/openapi.json", "/swagger", "/swagger.json", "/swagger-ui/", "/graphql", "/rpc", "/shell",
    "/debug", "/debug/", "/debug/pprof/", "/debug/vars", "/__debug__/", "/_profiler", "/trace", "/actuator/env",
    "/socket.io/admin", "/socket.io/socket.io.js", "/admin/socket.io/", "/engine.io/",
    "/.env", "/.git/config", "/.git/HEAD", "/.svn/entries", "/.DS_Store", "/.well-known/security.key", "/.htaccess",
    "/notifs.db", "/notifs.db-wal", "/alembic.ini", "/pyproject.toml", "/requirements.txt", "/asgi.py", "/Dockerfile",
    "/notifs/", "/notifs/static/", "/notifs/static/../asgi.py", "/notifs/static/%2e%2e/%2e%2e/settings.py",
    "/notifs/static/..%2f..%2fsettings.py", "/notifs/static//etc/passwd", "/notifs/static/.vite/manifest.json",
    "/notifs/static/%00", "/static/", "/uploads/", "/backup.sql", "/dump.sql", "/wp-login.php", "/phpinfo.php",
    "/cgi-bin/test", "/users", "/api", "/api/", "/api/v1", "/api/v1/users", "/api/v1/jobs/x", "/api/v2/", "/internal/",
)  # fmt: skip
TELLING = ("notifs_", "process_", "python_info", "[core]", "SQLite", "root:", "import ", "secret")
"""What a page would have that is none for everybody."""


async def tells(target: Target, path: str, headers: dict[str, str]) -> bool:
    """Whether an address says more than that there is nothing, or who one is to be; asked as it is written."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {target.url.removeprefix('http://')}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    got = (await exchange(target, ("\r\n".join(lines) + "\r\n\r\n").encode(), seconds=5)).decode("latin-1")
    head, _, body = got.partition("\r\n\r\n")
    status = head.split(" ")[1] if head else "cut"
    elsewhere = status == "307" or (status == "303" and "/login/" in head)  # to the same with a slash, or to sign in
    return not (status in ("400", "401", "403", "404", "405") or elsewhere) or any(it in body for it in TELLING)


@attack("S43", off="metrics_are_for_everybody", env={"NOTIFS_METRICS_TOKEN": "the token of those who measure"})
async def test_nothing_is_found_that_is_for_operators(target: Target) -> list[str]:
    """By nobody, by somebody who is signed in and no admin, and by a token that is wrong."""
    cookie = await target.cookie(await target.person("ada"))
    somebody: tuple[dict[str, str], ...] = (
        {},
        {"Cookie": cookie},
        {"Authorization": "Bearer the token of those who guess"},
    )
    through = [path for headers in somebody for path in PROBES if await tells(target, path, headers)]
    address = f"{target.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"
    async with connect(address, additional_headers={"cookie": cookie, "origin": target.url}, proxy=None) as it:
        await it.recv()
        await it.send('40/admin,{"username":"admin","password":""}')
        try:
            if not str(await it.recv()).startswith("44/admin"):
                through.append("the admin UI of Socket.IO")
        except ConnectionClosed:
            pass
    return through

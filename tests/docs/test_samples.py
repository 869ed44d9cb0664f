"""Every sample of the docs is run: Python against a real server, the client by Node, commands by their own parsers."""

import asyncio
import importlib
import re
import shlex
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.middleware import Middleware
from typer.main import get_command
from uvicorn.main import main as uvicorn_command

from notifs import Notifs, Settings, create_app
from notifs.cli import app as command_line
from notifs.signals import Delivered
from notifs.testing import conformance
from tests import servers
from tests.docs.markdown import Block, blocks
from tests.web.site import CHEAP
from tests.wire import Client, by_header, hosted, http_client, listening

PYTHON = blocks("python")
FILES = sorted({block.file for block in PYTHON if block.file})
COOKIE = {"cookie": "session=a-secret-token"}
EMAIL, PASSWORD = "ada@example.org", "correct horse battery staple"

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Import a sample by its file's name, in a folder with all of them, as a reader would have them."""
    for file in FILES:
        (tmp_path / file).write_text("\n\n".join(block.text for block in PYTHON if block.file == file))
    monkeypatch.setenv("NOTIFS_DATABASE_URL", sqlite_url)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module
    for file in FILES:
        sys.modules.pop(Path(file).stem, None)


async def titles(notifs: Notifs, recipient: str) -> list[str]:
    return [notif["title"] for notif in await notifs.get_unread_notifs(recipient)]


async def make_orders(notifs: Notifs) -> None:
    async with notifs.session() as session:
        await session.execute(text("CREATE TABLE orders (id INTEGER PRIMARY KEY)"))


async def embedding(load: Load) -> None:
    app = load("app").app
    async with listening(app) as url, http_client(url) as http:
        async with Client.open(url, headers=COOKIE) as client:
            await client.message("snapshot")
            id = (await http.post("/orders/7")).json()
            created = await client.message("created")
            assert [(n["id"], n["title"], n["url"]) for n in created["notifs"]] == [
                (id, "Order 7 is placed", "/orders/7")
            ]
        page = await http.get("/notifications/", headers={**COOKIE, "accept": "text/html"})
        assert "Order 7 is placed" in page.text
        assert (await http.get("/notifications/")).json()["code"] == "not_signed_in"


async def transaction(load: Load, file: str) -> None:
    module, notifs = load(file), load("app").notifs
    async with hosted(notifs) as url, Client.open(url, headers=COOKIE) as client:
        await client.message("snapshot")
        await make_orders(notifs)
        await module.place(7, "ada")
        assert [n["title"] for n in (await client.message("created"))["notifs"]] == ["Order 7 is placed"]
        with pytest.raises(Exception, match="UNIQUE"):
            await module.place(7, "ada")
        with pytest.raises(Exception, match="to:"):
            await module.place(8, "")
        assert await titles(notifs, "ada") == ["Order 7 is placed"]
        async with notifs.session() as session:
            assert (await session.execute(text("SELECT id FROM orders"))).scalars().all() == [7]
    if engine := getattr(module, "engine", None):
        await engine.dispose()


async def kind(load: Load) -> None:
    comment = load("comments").CommentPosted
    async with Notifs(kinds=[comment], identify=by_header).open() as notifs:
        await notifs.notify(comment(7, "Grace"), to=["ada"])
        (notif,) = await notifs.get_unread_notifs("ada")
        assert (notif["kind"], notif["title"]) == ("comment.posted", "Grace commented on your post")
        assert (notif["url"], notif["data"]) == ("/posts/7", {"post_id": 7, "author": "Grace"})
        assert notif["actor"] == {"id": None, "name": "Grace", "avatar": None}


async def client_event(load: Load) -> None:
    notifs = Notifs(handlers=[load("reminders").handlers], identify=by_header)
    async with hosted(notifs) as url, Client.open(url, headers={"x-user": "ada"}) as client:
        ack = await client.ask("remind_me", {"what": "Water the plants"})
        assert ack["ok"] is True
        (notif,) = await notifs.get_unread_notifs("ada")
        assert (notif["id"], notif["title"]) == (ack["id"], "Water the plants")
        assert (await client.ask("remind_me", {"what": 7}))["error"]["code"] == "bad_request"


async def listener(load: Load, capsys: pytest.CaptureFixture[str]) -> None:
    notifs = load("app").notifs
    load("audit")
    async with notifs.open():
        await notifs.notify(to=["ada", "grace"], title="Hello")
        await notifs.drain()
    assert capsys.readouterr().out == "message to ada, grace\n"


async def webhook_receiver(load: Load, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    apps: list[Starlette] = []

    async def receiver(scope: Any, receive: Any, send: Any) -> None:
        await apps[0](scope, receive, send)

    monkeypatch.setenv("NOTIFS_WEBHOOK_NETWORKS", "127.0.0.1/32")
    notifs = Notifs(identify=by_header)
    delivered = asyncio.Event()
    notifs.signals.on(Delivered)(lambda _: delivered.set())
    async with listening(receiver, lifespan="off") as url, notifs.lifespan():
        hook = await notifs.outbound.add(f"{url}/hook")
        monkeypatch.setenv("WEBHOOK_SECRET", notifs.outbound.secret(hook.id))
        apps.append(load("receiver").app)
        id = await notifs.notify(to="ada", title="Hello")
        await asyncio.wait_for(delivered.wait(), 20)
    assert f"notification.created {{'id': '{id}', 'kind': 'message', 'title': 'Hello'" in capsys.readouterr().out


class _Sessions:
    """A session of the host's own, in the place where Starlette's middleware puts it."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app({**scope, "session": {"user": "ada"}}, receive, send)


async def host_session(load: Load) -> None:
    notifs = Notifs(identify=load("sessions").identify)
    app = Starlette(lifespan=notifs.lifespan, middleware=[Middleware(_Sessions)])
    notifs.mount(app)
    async with listening(app) as url, Client.open(url) as client:
        await notifs.notify(to="ada", title="Hello")
        assert (await client.message("connected"))["meta"] == "WS connected"


async def signing_out(load: Load) -> None:
    load("sign_out")
    app = load("app").app
    async with listening(app) as url, Client.open(url, headers=COOKIE) as client:
        async with http_client(url) as http:
            assert (await http.post("/sign-out/ada")).status_code == 200
        await client.end()


async def by_token(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFS_TOKEN_SECRET", "the secret that the shop and notifs share")
    monkeypatch.setenv("NOTIFS_TOKEN_ISSUER", "https://shop.example.org")
    token = load("token_for").token_for("ada")
    async with hosted(Notifs(identify=by_header)) as url, Client.open(url, auth={"token": token}) as client:
        await client.message("snapshot")
        assert 595 < (await client.ask("refresh", {"token": token}))["expires_in"] <= 600


async def script(load: Load) -> None:
    await load("nightly").main()
    async with Notifs(identify=by_header).open() as notifs:
        assert await titles(notifs, "ada") == ["The nightly export is done"]


async def following(load: Load) -> None:
    posts, notifs = load("posts"), load("app").notifs
    async with notifs.open():
        await notifs.follow("grace", "posts/7")
        await posts.commented(7, "ada", 1)
        await posts.commented(7, "ada", 2)
        assert (await titles(notifs, "grace"), await titles(notifs, "ada")) == (["2 new comments"], [])
        await posts.deleted(7)
        assert await titles(notifs, "grace") == []


async def counting(load: Load) -> None:
    notifs = Notifs(identify=by_header)
    app = Starlette(lifespan=notifs.lifespan)
    notifs.mount(app)
    counted = load("counted").Counted(app)
    async with listening(counted) as url, Client.open(url, headers={"x-user": "ada"}) as client:
        await client.message("snapshot")
        before = counted.sent
        await notifs.notify(to="ada", title="Hello")
        await client.message("created")
        assert counted.sent == before + 1


def has_joined(client: Client) -> bool:
    return client.frames[-1].startswith("40/posts,")


async def own_namespace(load: Load) -> None:
    app = load("app")
    load("typing_now")
    async with listening(app.app) as url, AsyncExitStack() as stack:
        ada, eve, grace = [await stack.enter_async_context(Client.open(url, headers=COOKIE, join=False)) for _ in "123"]
        for client, post in ((ada, 7), (eve, 7), (grace, 8)):
            await client.send(f'40/posts,{{"post":{post}}}')
            await client.until(partial(has_joined, client))
        await ada.send('42/posts,["typing",7]')
        await eve.until(lambda: eve.frames[-1] == '42/posts,["somebody_types"]')
        for client in (ada, grace):
            await client.heard()
            assert client.frames[-1].startswith("40/posts,")


async def doorbell(load: Load) -> None:
    notifs = load("doorbell").notifs
    async with hosted(notifs) as url, http_client(url) as http:
        await notifs.follow("ada", "door")
        ring = partial(http.post, "/hooks/doorbell", content=b"Bob", headers={"x-token": "ding-dong", "x-ring": "1"})
        assert [len((await ring()).json()["notified"]) for _ in "12"] == [1, 1]
        assert (await ring(params={"test": "1"})).json()["ignored"] == "only a test"
        assert (await http.post("/hooks/doorbell", content=b"Eve")).status_code == 403
        assert await titles(notifs, "ada") == ["Bob is at the door"]


SCENARIOS: dict[str, Callable[..., Awaitable[None]]] = {
    "app.py": embedding,
    "orders.py": partial(transaction, file="orders"),
    "own_engine.py": partial(transaction, file="own_engine"),
    "comments.py": kind,
    "reminders.py": client_event,
    "audit.py": listener,
    "sessions.py": host_session,
    "sign_out.py": signing_out,
    "token_for.py": by_token,
    "nightly.py": script,
    "doorbell.py": doorbell,
    "counted.py": counting,
    "typing_now.py": own_namespace,
    "receiver.py": webhook_receiver,
    "posts.py": following,
}
ELSEWHERE = ["shop.py"]
"""Programs of their own, which test_first_steps.py runs."""


def test_every_python_sample_is_a_file_that_is_run() -> None:
    assert [block.text for block in PYTHON if block.file is None] == []
    assert sorted([*SCENARIOS, *ELSEWHERE]) == FILES


@pytest.mark.parametrize("file", SCENARIOS)
async def test_a_python_sample_does_what_it_says(file: str, load: Load, request: pytest.FixtureRequest) -> None:
    scenario = SCENARIOS[file]
    wanted = {listener: ["capsys"], webhook_receiver: ["capsys", "monkeypatch"], by_token: ["monkeypatch"]}
    more = [request.getfixturevalue(name) for name in wanted.get(scenario, [])]
    await scenario(load, *more)


@asynccontextmanager
async def node(*arguments: str | Path, cwd: Path) -> Any:
    process = await asyncio.create_subprocess_exec(
        servers.node(), *arguments, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_the_client_of_ten_lines_prints_the_badge_and_what_arrives(tmp_path: Path, sqlite_url: str) -> None:
    (client,) = [block for block in blocks("js") if block.file]
    assert len(client.text.splitlines()) <= 10
    (tmp_path / "client.mjs").write_text(client.text)
    (tmp_path / "node_modules").symlink_to(servers.REPOSITORY / "notifs" / "browser" / "node_modules")
    app = create_app(Settings(database_url=sqlite_url))
    notifs: Notifs = app.state.notifs
    async with listening(app) as url, http_client() as http:
        ada = await notifs.store.add_user(EMAIL, "Ada", CHEAP)
        await notifs.notify(to=ada.id, title="first")
        answer = await http.post(f"{url}/login/", data={"email": EMAIL, "password": PASSWORD})
        name, value = "notifs", answer.cookies["notifs"]
        async with node("client.mjs", url, f"{name}={value}", cwd=tmp_path) as process:
            lines = partial(_lines, process)
            assert await lines(3) == ["WS connected: 1 unread", "Unread notifications: 1 unread", "  first"]
            await notifs.notify(to=ada.id, title="second")
            assert await lines(2) == ["New notifications: 2 unread", "  second"]
        async with node("client.mjs", url, f"{name}=forged", cwd=tmp_path) as process:
            assert await _lines(process, 1) == ["Unexpected server response: 401"]


async def _lines(process: asyncio.subprocess.Process, count: int) -> list[str]:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        lines = [(await process.stdout.readline()).decode().rstrip() for _ in range(count)]
    return [re.sub(r", (now|an? \w+ ago|\d+ \w+ ago)$", "", line) for line in lines]


@pytest.mark.parametrize("block", [b for b in blocks("js") if not b.file], ids=lambda block: block.page.name)
async def test_other_javascript_is_javascript(block: Block, tmp_path: Path) -> None:
    (tmp_path / "sample.mjs").write_text(block.text)
    async with node("--check", "sample.mjs", cwd=tmp_path) as process:
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


def test_the_elements_of_the_docs_are_there() -> None:
    used = {name for block in blocks("html") for name in re.findall(r"<(notifs-\w+)", block.text)}
    known = (servers.REPOSITORY / "notifs" / "browser" / "index.ts").read_text()
    assert used
    assert [name for name in used if f'"{name}":' not in known] == []


def _commands() -> list[str]:
    lines = [re.sub(r"^(?:export )?\w+=\$\((.*)\)$", r"\1", line) for b in blocks("sh") for line in b.text.splitlines()]
    return [line for line in lines if line and not line.startswith("export ")]


def _parse(command: Any, words: list[str]) -> None:
    """Refuse what the command would refuse, without running it."""
    while children := getattr(command, "commands", None):
        name, *words = words
        assert name in children, f"there is no command {name}"
        command = children[name]
    command.make_context(command.name, words)


@pytest.mark.parametrize("line", _commands())
def test_a_command_of_the_docs_is_one(line: str) -> None:
    program, *arguments = shlex.split(line)
    if program.startswith("scripts/"):
        path = servers.REPOSITORY / program
        assert path.stat().st_mode & 0o111, f"{program} cannot be run"
    elif program in ("notifs", ".venv/bin/notifs"):
        _parse(get_command(command_line), arguments)
    elif program == "python":
        assert arguments[:2] == ["-m", "notifs.testing.conformance"]
        conformance.parser().parse_args(arguments[2:])
    elif program == "uvicorn":
        assert arguments[0] == "asgi:app"
        _parse(uvicorn_command, arguments)
    else:
        assert program in ("curl", "node", "pip", ".venv/bin/python")


@pytest.mark.parametrize("name", [b for b in _commands() if b.startswith("uvicorn")])
def test_uvicorn_is_given_what_notifs_serve_gives_it(name: str) -> None:
    options = shlex.split(name)[2:]
    told = dict(zip(options[::2], options[1::2], strict=True))
    source = (servers.REPOSITORY / "notifs" / "serve.py").read_text()
    for option, value in told.items():
        given = re.search(rf"\b{option.removeprefix('--').replace('-', '_')}=(\S+),\n", source)
        assert given is not None, option
        values = {"FRAME_LIMIT": "65536", "False": "false"}
        assert values.get(given[1], given[1].strip('"')) == value


@pytest.mark.parametrize("variable", re.findall(r"export (\w+)=(?!\$)", "\n".join(b.text for b in blocks("sh"))))
def test_a_variable_of_the_docs_is_a_setting(variable: str) -> None:
    assert variable.removeprefix("NOTIFS_").lower() in Settings.model_fields

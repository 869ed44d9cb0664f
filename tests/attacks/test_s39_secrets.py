"""S39: neither an answer nor the log tells secrets, what people wrote, or how the server is made."""

from functools import partial

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.attacks.arena import PRODUCTION, Target, attack
from tests.attacks.ways import exchange, producer

CANARY = "canary-7f3a"
INSIDES = ("Traceback", 'File "', "sqlite", "sqlalchemy", "SELECT ", "INSERT ", "/notifs/", "notifs_receipts", ".py")
"""What would tell of how the server is made."""
FORGED = '%0d%0a{"event":"forged"}'
BREAKS = (
    "UPDATE notifs_notifications SET actions = 'no JSON'",
    "CREATE TRIGGER broken BEFORE INSERT ON notifs_notifications BEGIN SELECT RAISE(FAIL, 'broken'); END",
)
"""What makes reading and writing fail in ways that nobody has thought of."""


async def provoke(target: Target, cookie: str) -> list[str]:
    """Say the canary in every place where something can be said, on a server that is well or not; what is answered."""
    answers = []
    person = {"to": ["ada@example.org"], "title": f"{CANARY}-title", "body": f"{CANARY}-body", "data": {"x": CANARY}}
    async with producer(target, "shop") as shop, target.visitor(origin=target.url) as visitor:
        keyed = {"idempotency-key": f"{CANARY}-key"}
        answers.append(await shop.post("/api/v1/notifications", json=person, headers=keyed))
        answers.append(await shop.post("/api/v1/notifications", content=f'{{"{CANARY}":'.encode()))
        answers.append(await visitor.get("/api/v1/users", headers={"authorization": f"Bearer nk_{CANARY}"}))
        form = {"email": f"{CANARY}@example.org\r\nforged", "password": f"{CANARY}-password"}
        answers.append(await visitor.post("/login/", data=form, headers={"user-agent": CANARY}))
        for place in ("/api/v1/inbox", "/api/v1/inbox/changes", f"/notifications/?filter={FORGED}", f"/x{FORGED}"):
            answers.append(await visitor.get(place, headers={"cookie": cookie, "referer": f"https://{CANARY}.example"}))
        answers.append(await visitor.post("/api/v1/inbox/read", json={"ids": [CANARY]}, headers={"cookie": cookie}))
        answers.append(await visitor.post(f"/hooks/plain/x{FORGED}", content=CANARY))
    forms = [answer.text for answer in answers if not answer.headers.get("content-type", "").startswith("text/html")]
    wrong = f"GET /{CANARY} HTTP/1.1\r\nHost: x\r\nX: a\nforged: {CANARY}\r\n\r\n"
    return [*forms, (await exchange(target, wrong.encode(), seconds=0.3)).decode("latin-1")]


@attack("S39", off="errors_tell_everything")
async def test_nothing_that_was_said_or_is_secret_is_told(target: Target) -> list[str]:
    """First while all is well, then with a database that makes requests fail as nobody expected."""
    cookie = await target.cookie(await target.person("ada"))
    answers = await provoke(target, cookie)
    for statement in map(text, BREAKS):
        await target.store.database.write(partial(AsyncConnection.execute, statement=statement))
    answers += await provoke(target, cookie)
    assert any('"internal"' in answer for answer in answers), "nothing has failed, so the attack proves nothing"
    secrets = [PRODUCTION["NOTIFS_SECRET_KEY"], cookie.partition("=")[2], CANARY]
    through = [f"an answer: {answer[:200]}" for answer in answers if any(told in answer for told in INSIDES)]
    lines = target.lines
    through += [f"the log: {line[:200]}" for line in lines if any(secret in line for secret in secrets)]
    through += [f"a forged line: {line[:200]}" for line in lines if line.startswith(("forged", '{"event":"forged"'))]
    return through

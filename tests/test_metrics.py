"""What an operator can measure, and who may."""

from notifs import Settings, create_app
from tests.wire import http_client, listening

TOKEN = "a token for who measures"


async def test_numbers_are_for_who_knows_the_token(sqlite_url: str) -> None:
    settings = Settings(database_url=sqlite_url, metrics_token=TOKEN)
    async with listening(create_app(settings)) as url, http_client(url) as visitor:
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}):
            assert (await visitor.get("/metrics", headers=headers)).status_code == 404
        answer = await visitor.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
        assert (answer.status_code, "notifs_sockets 0.0" in answer.text) == (200, True)


async def test_while_one_token_takes_anothers_place_both_are_right(sqlite_url: str) -> None:
    settings = Settings(database_url=sqlite_url, metrics_token=f"{'n' * 32},{'o' * 32}")
    async with listening(create_app(settings)) as url, http_client(url) as visitor:
        for token, status in (("n" * 32, 200), ("o" * 32, 200), (f"{'n' * 32},{'o' * 32}", 404), ("n", 404)):
            headers = {"authorization": f"Bearer {token}"}
            assert (await visitor.get("/metrics", headers=headers)).status_code == status


async def test_without_a_token_nobody_knows_it(sqlite_url: str) -> None:
    async with listening(create_app(Settings(database_url=sqlite_url))) as url:
        async with http_client(url) as visitor:
            assert (await visitor.get("/metrics", headers={"authorization": "Bearer None"})).status_code == 404

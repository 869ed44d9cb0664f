"""A host application with `/notifs`, in which the header `x-user` says who one is."""

from collections.abc import AsyncIterator

import pytest

from notifs import Notifs, Settings
from tests.wire import by_header, hosted


@pytest.fixture
def settings(sqlite_url: str) -> Settings:
    # The head check repairs what a push forgot; here it comes so seldom that a test would see that.
    return Settings(database_url=sqlite_url, head_check_seconds=60)


@pytest.fixture
def notifs(settings: Settings) -> Notifs:
    return Notifs(settings, identify=by_header)


@pytest.fixture
async def url(notifs: Notifs) -> AsyncIterator[str]:
    async with hosted(notifs) as url:
        yield url

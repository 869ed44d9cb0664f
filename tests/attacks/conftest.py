"""What servers under attack may have beside their database."""

import pytest


@pytest.fixture
def redis_url(request: pytest.FixtureRequest) -> str:
    """Where the Redis of this test process is, or "" for who is to have none."""
    return str(request.getfixturevalue("redis").url) if request.param else ""

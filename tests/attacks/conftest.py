"""What servers under attack may have beside their database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.attacks.sign_ins import PORTS
from tests.provider.running import Running, running

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Proofs that an attack can succeed take as long as the attacks: they are made when attacks or defences change."""
    if config.getoption("--proofs"):
        return
    proofs = [item for item in items if item.name.endswith("[open]") and item.path.parent == HERE]
    config.hook.pytest_deselected(items=proofs)
    items[:] = [item for item in items if item not in set(proofs)]


@pytest.fixture
def redis_url(request: pytest.FixtureRequest) -> str:
    """Where the Redis of this test process is, or "" for who is to have none."""
    return str(request.getfixturevalue("redis").url) if request.param else ""


@pytest.fixture(scope="session")
async def _providers() -> AsyncIterator[dict[str, Running]]:
    async with running("local", PORTS["local"]) as local, running("other", PORTS["other"]) as other:
        yield {"local": local, "other": other}


@pytest.fixture
async def provider(_providers: dict[str, Running]) -> Running:
    """A provider of sign-ins that the servers with the settings `sign_ins.ENV` know; it is honest until it is told."""
    await _providers["local"].set(faults=[], metadata={}, people={})
    return _providers["local"]


@pytest.fixture
async def other(_providers: dict[str, Running]) -> Running:
    """Another one."""
    await _providers["other"].set(faults=[], metadata={}, people={})
    return _providers["other"]

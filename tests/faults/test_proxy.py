"""The proxy does what it says: fault tests are worth no more than it is."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.faults.proxy import Proxy, proxy


@pytest.fixture
async def echo() -> AsyncIterator[Proxy]:
    """A proxy in front of a server that says everything back."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1000):
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with proxy(server.sockets[0].getsockname()[1]) as it:
        yield it
    server.close()


async def dial(it: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", it.port)


async def test_it_carries_both_ways_and_counts(echo: Proxy) -> None:
    reader, writer = await dial(echo)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    assert (echo.bytes, echo.connections) == (5, 1)
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()


async def test_it_delays_and_throttles(echo: Proxy) -> None:
    reader, writer = await dial(echo)
    echo.delay = 0.1
    began = time.monotonic()
    writer.write(b"x")
    await reader.readexactly(1)
    assert time.monotonic() - began >= 0.2
    echo.delay, echo.rate = 0, 5000
    began = time.monotonic()
    writer.write(b"x" * 1000)
    await reader.readexactly(1000)
    assert time.monotonic() - began >= 0.15
    writer.close()


async def test_it_cuts_at_a_byte(echo: Proxy) -> None:
    echo.cut_at = 7
    reader, writer = await dial(echo)
    writer.write(b"0123456789")
    received = b""
    with pytest.raises(ConnectionResetError):
        while piece := await reader.read(1):
            received += piece
    assert b"0123456".startswith(received)
    writer.close()


async def test_it_resets_what_is_open_and_refuses_what_comes(echo: Proxy) -> None:
    reader, writer = await dial(echo)
    writer.write(b"x")
    await reader.readexactly(1)
    await echo.refuse()
    with pytest.raises(ConnectionResetError):
        await reader.read(1)
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await dial(echo)
    await echo.accept()
    reader, writer = await dial(echo)
    writer.write(b"x")
    assert await reader.readexactly(1) == b"x"
    writer.close()


async def test_silence_keeps_what_is_said_and_gives_it_out_when_it_ends(echo: Proxy) -> None:
    reader, writer = await dial(echo)
    writer.write(b"a")
    await reader.readexactly(1)
    echo.silent = True
    late, other = await dial(echo)
    writer.write(b"b")
    other.write(b"c")
    answers = [asyncio.create_task(each.readexactly(1)) for each in (reader, late)]
    assert await asyncio.wait(answers, timeout=0.3) == (set(), set(answers))
    echo.silent = False
    assert await asyncio.gather(*answers) == [b"b", b"c"]
    writer.close()
    other.close()

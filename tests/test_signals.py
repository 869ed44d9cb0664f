"""Listeners observe: in their own task, after the fact, and without a veto."""

import pytest

from notifs.signals import Connected, Created, Signal, Signals

CREATED = Created("1", "message", ("ada",))


async def test_plain_and_async_listeners_hear_their_signal_and_its_subclasses() -> None:
    signals, heard = Signals(), list[tuple[str, Signal]]()

    @signals.on(Created)
    def plain(signal: Created) -> None:
        heard.append(("plain", signal))

    @signals.on(Signal)
    async def every(signal: Signal) -> None:
        heard.append(("every", signal))

    connected = Connected("ada", "sid")
    signals.send(CREATED)
    signals.send(connected)
    await signals.drain()
    assert sorted(heard, key=repr) == sorted([("plain", CREATED), ("every", CREATED), ("every", connected)], key=repr)


async def test_a_listener_that_raises_is_logged_and_harms_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    signals, heard = Signals(), list[Created]()

    @signals.on(Created)
    def broken(signal: Created) -> None:
        raise RuntimeError("no")

    signals.on(Created)(heard.append)
    signals.send(CREATED)
    await signals.drain()
    assert heard == [CREATED]
    assert "listener failed" in capsys.readouterr().out


async def test_without_listeners_nothing_is_needed() -> None:
    Signals().send(CREATED)

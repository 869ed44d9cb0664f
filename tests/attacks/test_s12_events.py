"""S12: an event is one of a list, JSON of a known shape and depth, small, and not too many of them come in a second."""

import asyncio
import json
from functools import partial

from tests.attacks.arena import Target, attack
from tests.attacks.ways import broken, producer, send, socket
from tests.wire import Client

HOSTILE = {
    "an attachment count of 10 GB": '4510737418240-/notifs,77["sync",{}]',
    "an attachment count of 100 digits": f'45{"9" * 100}-/notifs,77["sync",{{}}]',
    "a binary event": '451-/notifs,77["sync",{"cursor":{"_placeholder":true,"num":0}}]',
    "an ack id of 100 digits": f'42/notifs,{"9" * 100}["sync",{{}}]',
    "10,000 arrays in each other": f'42/notifs,77["sync",{{"cursor":{"[" * 10_000}{"]" * 10_000}}}]',
    "9 arrays in each other": f'42/notifs,77["sync",{{"cursor":{"[" * 9}{"]" * 9}}}]',
    "an unknown event": '42/notifs,77["drop_everything",{}]',
    "an empty event": "42/notifs,77[]",
    "an event without a name": "42/notifs,77[{}]",
    "an event whose name is a list": '42/notifs,77[["sync"]]',
    "an event with three parts": '42/notifs,77["sync",{},{}]',
    "an event with a field too many": '42/notifs,77["fetch",{"__proto__":{},"limit":1}]',
    "an event that is no list": '42/notifs,77{"0":"sync"}',
    "an event of another namespace": '42/admin,77["sync",{}]',
    "an event of a method's name": '42/notifs,77["on_connect",{}]',
    "an acknowledgement that nobody asked for": '43/notifs,77["sync",{}]',
    "a connect error": '44/notifs,77["sync",{}]',
}


def is_answered(it: Client, number: int) -> bool:
    """Whether an event was acknowledged, or the socket has ended."""
    return it.closed or any(frame.startswith(f"43/notifs,{number}[") for frame in it.frames)


@attack("S12", off="events_are_not_checked")
async def test_what_is_no_event_is_not_done(target: Target) -> list[str]:
    """Each on a socket of its own: it is answered with a refusal, or the socket ends."""
    ada, through = await target.person("ada"), []
    for what, frame in HOSTILE.items():
        async with socket(target, ada) as it:
            await it.send(frame)
            await it.send('42/notifs,78["fetch",{"limit":1}]')
            await it.until(partial(is_answered, it, 78))
            if any(f.startswith("43/notifs,77") and '"ok":true' in f for f in it.frames):
                through.append(what)
    return through + broken(target)


@attack("S12", off="events_reach_lifecycle_handlers")
async def test_an_event_called_connect_or_disconnect_is_one_like_any_other(target: Target) -> list[str]:
    """It is unknown, and whoever sends it hears what they heard before, and nothing of others (hazard H1)."""
    ada, eve = await target.person("ada"), await target.person("eve")
    through = []
    async with producer(target) as shop, socket(target, eve) as it:
        forged = {"asgi.scope": {"notifs.connection": {"recipient": ada.id}, "notifs.identity": [ada.id, None]}}
        for event, data in [("connect", forged), ("disconnect", "client disconnect"), ("connect_error", {})]:
            await it.send(f"42/notifs,77{json.dumps([event, data])}")
        await send(shop, ada, "hers alone")
        await send(shop, eve, "his own")
        try:
            await it.until(lambda: any("his own" in frame for frame in it.frames), 2)
        except (TimeoutError, AssertionError):
            through.append("he hears nothing any more")
        if any("hers alone" in frame for frame in it.frames):
            through.append("her notification")
    return through + broken(target)


@attack("S12", off="frames_are_not_bounded")
async def test_a_frame_over_64_kib_is_not_read(target: Target) -> list[str]:
    """The socket ends, whether it is sent as one or in pieces."""
    ada, through = await target.person("ada"), []
    large = f'42/notifs,77["sync",{{"cursor":"{"x" * 70_000}"}}]'
    for what, sent in {
        "as one": large,
        "in pieces": [large[n : n + 5_000] for n in range(0, len(large), 5_000)],
    }.items():
        async with socket(target, ada) as it:
            await it._connection.send(sent)
            await it.until(partial(is_answered, it, 77))
            through += [what] if not it.closed else []
    return through


@attack("S12", off="events_are_not_counted")
async def test_not_more_than_20_events_a_second_are_done(target: Target) -> list[str]:
    """Sixty at once: those beyond are refused, and cost the client its socket if it goes on."""
    async with socket(target, await target.person("ada")) as it:
        began = asyncio.get_running_loop().time()
        for n in range(60):
            await it.send(f'42/notifs,{100 + n}["fetch",{{"limit":1}}]')
        await it.until(lambda: it.closed or sum(f.startswith("43/notifs,1") for f in it.frames) == 60)
        seconds = asyncio.get_running_loop().time() - began
        done = sum('"ok":true' in frame for frame in it.frames)
    return [f"{done} events"] if done > 20 * (1 + seconds) + 1 else []

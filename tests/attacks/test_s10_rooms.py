"""S10: what is pushed goes to a room and to nobody else; no client chooses its room."""

import asyncio

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.attacks.arena import Target, attack
from tests.attacks.ways import producer, send, socket
from tests.wire import Client

NAMESPACES = ("40", "40/", "40/notifs/", "40/other,", "40/admin,", '40/notifs?x=1,{"token":"x"}', "40/NOTIFS,")
ROOMS = ('42/notifs,["join","user_{0}"]', '42["join","user_{0}"]', '42/notifs,["enter_room",{{"room":"user_{0}"}}]')
TITLE = "hers alone"


async def overhear(target: Target, heard: list[str]) -> None:
    """Try for a socket without a session for as long as it lasts, and keep what comes."""
    address = f"{target.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"
    while True:
        try:
            async with connect(address, additional_headers={"origin": target.url}, proxy=None) as it:
                await it.send("40/notifs,")
                while True:
                    heard.append(str(await it.recv()))
        except (InvalidHandshake, ConnectionClosed):
            await asyncio.sleep(0.01)


@attack("S10", off="messages_have_no_room")
async def test_who_is_refused_hears_nothing_while_others_are_told(target: Target) -> list[str]:
    """Somebody without a session, somebody who does not join, and somebody in every room but hers."""
    ada, eve = await target.person("ada"), await target.person("eve")
    heard: list[str] = []
    overhearing = asyncio.create_task(overhear(target, heard))
    async with (
        producer(target) as shop,
        socket(target, ada) as hers,
        socket(target, eve) as joined,
        socket(target, eve, join=False) as outside,
    ):
        for frame in NAMESPACES:
            await outside.send(frame)
        for frame in ROOMS:
            await joined.send(frame.format(ada.id))
        await joined.ask("sync")
        for n in range(20):
            await send(shop, ada, f"{TITLE} {n}")
        await hers.message("created", 20)
        await send(shop, eve, "to be sure that all has come")
        await joined.message("created")
        clients: dict[str, Client] = {"one in another room": joined, "one who has not joined": outside}
        through = [who for who, client in clients.items() if any(TITLE in frame for frame in client.frames)]
    overhearing.cancel()
    return through + (["one without a session"] if heard else [])

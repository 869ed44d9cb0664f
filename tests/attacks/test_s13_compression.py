"""S13: nothing is compressed on a socket, so that a small frame is never a large one."""

import asyncio
import zlib
from contextlib import suppress

from websockets.frames import Frame, Opcode

from tests.attacks.arena import Target, attack
from tests.attacks.ways import dialled

OFFERS = (
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover, x-webkit-deflate-frame",
)
HANDSHAKE = """GET /socket.io/?EIO=4&transport=websocket HTTP/1.1
Host: {host}
Origin: http://{host}
Cookie: {cookie}
Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==
Sec-WebSocket-Extensions: {offer}

"""


def bomb() -> Frame:
    """A few hundred bytes that are 60,000 once they are unpacked (RFC 7692)."""
    packer = zlib.compressobj(wbits=-15)
    text = b'42/notifs,77["sync",{"cursor":"' + b"x" * 60_000 + b'"}]'
    packed = packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
    return Frame(Opcode.TEXT, packed.removesuffix(b"\x00\x00\xff\xff"), rsv1=True)


@attack("S13", off="compression_is_offered")
async def test_an_offer_to_compress_is_not_taken(target: Target) -> list[str]:
    """Nor is a frame that is compressed without being asked: that ends the socket."""
    cookie, through = await target.cookie(await target.person("ada")), []
    for offer in OFFERS:
        async with dialled(target) as (reader, writer):
            host = target.url.removeprefix("http://")
            writer.write(HANDSHAKE.format(host=host, cookie=cookie, offer=offer).replace("\n", "\r\n").encode())
            if b"sec-websocket-extensions" in (await reader.readuntil(b"\r\n\r\n")).lower():
                through.append(offer)
            # By hand, as no library sends what was not agreed on.
            packed = bomb().data
            writer.write(bytes([0xC1, 0xFE, *len(packed).to_bytes(2, "big"), 0, 0, 0, 0]) + packed)
            try:
                async with asyncio.timeout(0.5):
                    with suppress(ConnectionError):
                        await reader.read()
            except TimeoutError:
                through.append(f"{offer}: a compressed frame is read")
    return through

"""What a client may say, and how it is refused what it may not."""

from collections.abc import Mapping
from typing import Any

import orjson

from notifs.testing.check import Checks, expect
from notifs.testing.client import Client
from notifs.testing.shape import ACK, DONE, REFUSAL, Rule, wrong
from notifs.testing.site import Site, asked
from notifs.wire import DEPTH_LIMIT, FRAME_LIMIT, IDS_LIMIT, NAMESPACE

checks: Checks[Site] = Checks()
PLACE = "What a client may say"
NOBODYS = "01890a5d-ac96-774b-bcce-b302099a8057"
"""An id that no notification has."""


@checks.of(PLACE)
async def every_event_is_acknowledged(site: Site) -> None:
    """Each event of the table is acknowledged with `ok: true`, the cursor and both counts; acts with `changed` too."""
    async with site.socket() as client:
        cursor = client.mailbox.cursor
        for event in ("mark_seen", "mark_read", "mark_unread", "archive", "unarchive", "snooze", "unsnooze"):
            _carried_out(event, await client.do(event, asked(event, NOBODYS)))
        _carried_out("sync", await client.do("sync", {"cursor": cursor}), ACK)
        beginning = f"{(cursor or '').partition(':')[0]}:0"
        for event in ("mark_all_read", "mark_seen"):
            _carried_out(event, await client.do(event, {"up_to": beginning}))
        ack = await client.do("fetch")
        expect(client.mailbox.cursor == cursor == ack["cursor"], "the cursor where it was", ack["cursor"])


@checks.of(PLACE)
async def what_asks_for_no_ack_gets_none_and_is_carried_out(site: Site) -> None:
    """An event without a packet id is carried out, and not acknowledged."""
    async with site.socket() as client:
        made = await site.make(client)
        await client.send(f"42{NAMESPACE}," + orjson.dumps(["mark_read", {"ids": [made["id"]]}]).decode())
        await client.until(lambda: client.mailbox.rows[made["id"]]["read_at"], "the change to be told")
        acks = [frame for frame in client.frames if frame.startswith("43")]
        expect(not acks, "no ack", acks)


@checks.of(PLACE)
async def an_unknown_event_is_refused(site: Site) -> None:
    """An event that is not in the table is refused with `unknown_event`, and the socket stays."""
    await _refuses(site, "unknown_event", '["no_such_event"]', '["no_such_event",{"ids":[]}]', '["response",{}]')


@checks.of(PLACE)
async def connect_and_disconnect_are_no_events(site: Site) -> None:
    """Events that are called like the server's own lifecycle are refused as unknown, whatever they carry."""
    forged = '{"asgi.scope":{"user":"other"},"user_id":"other"}'
    await _refuses(site, "unknown_event", *(f'["{event}",{forged}]' for event in ("connect", "disconnect")))


@checks.of(PLACE)
async def what_is_not_json_is_refused(site: Site) -> None:
    """Data that is not JSON is refused with `bad_json`, and the socket stays."""
    await _refuses(site, "bad_json", '["sync",{]', "[", '["sync",{"cursor":"\\x"}]')


@checks.of(PLACE)
async def what_is_nested_too_deeply_is_refused(site: Site) -> None:
    """Data with more levels than the bound is refused, and the socket stays."""
    deep = DEPTH_LIMIT + 1
    await _refuses(
        site, "too_deep", f'["sync",{"[" * deep}{"]" * deep}]', '["sync",' + '{"a":' * deep + "1" + "}" * deep + "]"
    )


@checks.of(PLACE)
async def wrong_types_and_unknown_fields_are_refused(site: Site) -> None:
    """Missing and unknown fields, wrong types and values out of bounds are refused with `bad_request`."""
    many = orjson.dumps(["mark_read", {"ids": [NOBODYS] * (IDS_LIMIT + 1)}]).decode()
    await _refuses(
        site, "bad_request", '["mark_read"]', '["snooze",{"ids":[]}]', '["fetch",{"text":7}]',
        '["mark_read",{"ids":"all"}]', '["archive",{"ids":[1]}]', many,
        '["mark_read",{"ids":[],"recipient":"other"}]', '["mark_seen",{}]', '["fetch",{"filter":"everything"}]',
        '["fetch",{"limit":0}]', '["fetch",{"limit":true}]', '["fetch",{"before":"1"}]', '["sync",{},{}]', "[]", "[7]",
        '{"event":"sync"}',
    )  # fmt: skip


@checks.of(PLACE)
async def an_up_to_that_is_no_cursor_is_refused(site: Site) -> None:
    """`up_to` must be a cursor of this database's life, else `invalid_cursor`: nobody knows what was looked at."""
    garbage = ('"garbage"', '"0123456789abcdef:1"', '"-1"')
    await _refuses(site, "invalid_cursor", *(f'["mark_all_read",{{"up_to":{each}}}]' for each in garbage))


@checks.of(PLACE)
async def an_until_that_cannot_be_is_refused(site: Site) -> None:
    """`until` must be a moment with its zone that is still to come, at most 366 days away, else `invalid_until`."""
    wrong_ones = ('"soon"', "7", "null", '"2026-01-01T09:00:00"', '"2020-01-01T09:00:00Z"', '"2999-01-01T09:00:00Z"')
    await _refuses(site, "invalid_until", *(f'["snooze",{{"ids":[],"until":{each}}}]' for each in wrong_ones))


@checks.of(PLACE)
async def binary_data_is_refused(site: Site) -> None:
    """A binary event is refused with `binary_refused`, its attachments are passed over, and the socket stays."""
    async with site.socket() as client:
        placeholder = '{"_placeholder":true,"num":0}'
        await client.send(f'451-{NAMESPACE},777["mark_read",{placeholder}]')
        await client.send(b"\x00\x01")
        ack = await client.ack(777, "a binary event")
        expect(not wrong(ack, REFUSAL) and ack["error"]["code"] == "binary_refused", "binary_refused", ack)
        await client.do("sync", {"cursor": client.mailbox.cursor})


@checks.of(PLACE)
async def a_frame_over_its_bound_ends_the_connection(site: Site) -> None:
    """A frame may have 65,536 bytes; one that has more ends the connection: 1009."""
    async with site.socket() as client:
        frame = f'42{NAMESPACE},1["sync",{{"cursor":"'
        await client.send(frame + "x" * (FRAME_LIMIT - len(frame) - 3) + '"}]')
        expect(
            (await client.ack(1, "a frame at its bound"))["ok"] is True, "a frame at its bound to be taken", client.acks
        )
        await client.send(frame.replace(",1[", ",2[") + "x" * FRAME_LIMIT + '"}]')
        ended = await client.ended()
        expect(ended[0] == 1009 and 2 not in client.acks, "close code 1009 and no ack", ended)


@checks.of(PLACE)
async def what_is_no_frame_of_socketio_ends_the_connection(site: Site) -> None:
    """A frame that Engine.IO or Socket.IO does not have ends the connection."""
    for frame in ("x", "4{}", "48", "4[[["):
        async with site.socket() as client:
            await client.send(frame)
            await client.ended()


@checks.of(PLACE)
async def who_says_too_much_is_refused_and_stays(site: Site) -> None:
    """Events over the rate are refused with `too_many_events`; a little later the socket is heard again."""
    async with site.socket() as client:
        count = 3 * site.rate
        acks: list[dict[str, Any]] = []
        while len(acks) < 3 * count and all(ack["ok"] for ack in acks):  # a busy server takes longer, and more
            acks += await _burst(client, 5000 + len(acks), count)
        codes = {ack["error"]["code"] for ack in acks if not ack["ok"]}
        expect(codes == {"too_many_events"}, f"some of {count} events at once refused with too_many_events", acks[-1])
        expect(any(ack["ok"] for ack in acks), "some of them carried out", acks[0])
        await client.do("sync", {"cursor": client.mailbox.cursor})


@checks.of(PLACE)
async def who_goes_on_saying_too_much_is_closed(site: Site) -> None:
    """Five times over the rate, the connection is ended: 1008, `too_many_events`."""
    async with site.socket() as client:
        for number in range(20 * site.rate):
            if client.closed:
                break
            await client.send(f'42{NAMESPACE},{number}["mark_read",{{"ids":[]}}]')
        ended = await client.ended()
        expect(ended == (1008, "too_many_events"), "close code 1008 and the reason too_many_events", ended)


def _carried_out(event: str, ack: object, fields: Mapping[str, Rule] = DONE) -> None:
    flaws = wrong(ack, fields) if isinstance(ack, dict) else ["it is no object"]
    expect(not flaws, f"{event} to be acknowledged with {{{', '.join(fields)}}}", f"{ack}: {flaws}")


async def _burst(client: Client, first: int, count: int) -> list[dict[str, Any]]:
    numbers = range(first, first + count)
    for number in numbers:
        await client.send(f'42{NAMESPACE},{number}["mark_read",{{"ids":[]}}]')
    return [await client.ack(number, "mark_read") for number in numbers]


async def _refuses(site: Site, code: str, *events: str) -> None:
    """Each of `events` is refused with `code`, and afterwards the socket is as it was."""
    async with site.socket() as client:
        for event in events:
            ack = await client.ask_raw(event)
            flaws = wrong(ack, REFUSAL) if isinstance(ack, dict) else ["it is no object"]
            expect(not flaws and ack["error"]["code"] == code, f"a refusal of {event[:120]} with {code}", ack)
        await client.do("sync", {"cursor": client.mailbox.cursor})

"""Servers that are wrong in one way each: ours, with something between it and the world that twists what passes."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import Message, Scope, Send

from tests.testing.twist import ACK, EVENT, Acks, Frames, Json, Messages, Wrong


class LosesEveryThirdCreated(Wrong):
    def outgoing(self) -> Frames:
        count = 0

        def twist(frame: str) -> list[str]:
            nonlocal count
            count += '"type":"created"' in frame
            return [] if '"type":"created"' in frame and count % 3 == 0 else [frame]

        return twist


class TellsTwice(Wrong):
    def outgoing(self) -> Frames:
        return lambda frame: [frame] * (2 if '"type":"c' in frame and '"prev":' in frame else 1)


class SwapsCounts(Messages):
    def message(self, message: Json) -> None:
        message["notif_count"], message["unseen_count"] = message["unseen_count"], message["notif_count"]


class Leaks(Wrong):
    """What is new is told to every socket there is, joined or not, whoever's it is."""

    def _send(self, send: Send) -> Send:
        once = super()._send(send)

        async def twisted(message: Message) -> None:
            await once(message)
            if '"type":"created"' in (message.get("text") or ""):
                for other in self.everybody:
                    if other is not send:
                        with suppress(Exception):  # it may be gone
                            await other(message)

        return twisted


class ShowsOthersInTheGreeting(Messages):
    last: Json | None = None

    def message(self, message: Json) -> None:
        if message["type"] == "created":
            self.last = message["notifs"][0]
        elif message["type"] in ("snapshot", "delta") and self.last is not None:
            message["notifs"].insert(0, self.last)


class NeverAcks(Wrong):
    def outgoing(self) -> Frames:
        return lambda frame: [] if frame.startswith(ACK) else [frame]


class AcksUnasked(Wrong):
    def incoming(self, frame: str) -> str:
        return frame.replace(f"{EVENT}[", f"{EVENT}99[")


class AcksAnotherCursor(Acks):
    def ack(self, ack: Json) -> None:
        if "filter" not in ack and ack["ok"]:
            epoch, _, revision = ack["cursor"].partition(":")
            ack["cursor"] = f"{epoch}:{int(revision) + 1}"


class TellsWhoseIdsThereAre(Acks):
    count = 0

    def ack(self, ack: Json) -> None:
        self.count += 1
        ack["notif_count"] = self.count


class RefusesWithOtherCodes(Acks):
    def ack(self, ack: Json) -> None:
        if not ack["ok"]:
            ack["error"]["code"] = "internal"


class EndsPagesEarly(Acks):
    def ack(self, ack: Json) -> None:
        if "has_more" in ack:
            ack["has_more"] = False


class AcksTooEarly(Wrong):
    """An answer to `sync` comes after its ack."""

    def outgoing(self) -> Frames:
        waiting: list[str] = []

        def twist(frame: str) -> list[str]:
            if '"type":"delta"' in frame:
                waiting.append(frame)
                return []
            told = [frame, *waiting] if frame.startswith(ACK) else [frame]
            if frame.startswith(ACK):
                waiting.clear()
            return told

        return twist


class LosesPartOfADelta(Messages):
    def message(self, message: Json) -> None:
        if message["type"] == "delta":
            message["notifs"] = message["notifs"][1:]


class TellsStaleRows(Messages):
    def message(self, message: Json) -> None:
        if message["type"] == "changed":
            for row in message["notifs"]:
                row["archived_at"] = None


class CallsEverythingRecovered(Messages):
    def message(self, message: Json) -> None:
        if message["type"] == "snapshot":
            message["recovered"] = True


class ForgetsAField(Messages):
    def message(self, message: Json) -> None:
        for row in message["notifs"]:
            row.pop("priority")


class AddsAField(Messages):
    def message(self, message: Json) -> None:
        message["extra"] = 1


class GreetsInTheWrongOrder(Wrong):
    def outgoing(self) -> Frames:
        waiting: list[str] = []

        def twist(frame: str) -> list[str]:
            if '"type":"connected"' in frame:
                waiting.append(frame)
                return []
            told = [frame, *waiting] if frame.startswith(EVENT) else [frame]
            if frame.startswith(EVENT):
                waiting.clear()
            return told

        return twist


class HasEveryNamespace(Wrong):
    def outgoing(self) -> Frames:
        return lambda frame: [frame.replace("44/no", "40/no")]


class IgnoresCursors(Wrong):
    def incoming(self, frame: str) -> str:
        return "40/notifs," if frame.startswith("40/notifs,") else frame


class ReadsEverything(Wrong):
    """`up_to` is not looked at."""

    def incoming(self, frame: str) -> str:
        head, found, rest = frame.partition('"up_to":"')
        return f'{head}{found}{rest.partition(":")[0]}:999999999"}}]' if found else frame


class HasOneFilter(Wrong):
    def incoming(self, frame: str) -> str:
        return frame.replace('"archived"', '"all"')


class SnoozesForTooLong(Wrong):
    def incoming(self, frame: str) -> str:
        later = datetime.now(UTC) + timedelta(days=2)
        return re.sub('"until":"20[^"]*[0-9]"', f'"until":"{later.isoformat()}"', frame)


class UndoesNothing(Wrong):
    def incoming(self, frame: str) -> str:
        return re.sub('"at":"[^"]*"', '"ids":[]', frame)


class TakesEverybodyForAda(Wrong):
    def request(self, scope: Scope) -> None:
        MutableHeaders(scope=scope)["cookie"] = "who=ada"


class FindsEverything(Wrong):
    def incoming(self, frame: str) -> str:
        return re.sub(',"(text|kind|actor)":"[^"]*"', "", frame)


class BringsBackUnread(Wrong):
    def incoming(self, frame: str) -> str:
        return frame.replace('["unsnooze"', '["mark_unread"')


class TakesNoLongFrames(Wrong):
    def incoming(self, frame: str) -> str | None:
        return frame if len(frame) < 60_000 else None


class PassesOverGarbage(Wrong):
    def incoming(self, frame: str) -> str | None:
        return frame if frame == "3" or (frame.startswith("4") and "/notifs," in frame) else None


class ClosesWithoutAReason(Wrong):
    def close(self, message: Message) -> Message:
        return {"type": "websocket.close", "code": 1000}


class LetsAnybodyIn(Wrong):
    """Whoever has no cookie that is known is Ada."""

    def request(self, scope: Scope) -> None:
        if Headers(scope=scope).get("cookie") not in ("who=ada", "who=eve"):
            MutableHeaders(scope=scope)["cookie"] = "who=ada"


class TakesAnyOrigin(Wrong):
    def request(self, scope: Scope) -> None:
        headers = MutableHeaders(scope=scope)
        headers["origin"] = f"http://{headers['host']}"


class AnswersPolling(Wrong):
    def request(self, scope: Scope) -> Response | None:
        polls = scope["type"] == "http" and scope["path"].startswith("/socket.io")
        return Response('0{"sid":"x"}') if polls else None


class HasNoChanges(Wrong):
    def request(self, scope: Scope) -> Response | None:
        return Response(status_code=404) if scope["path"].endswith("/changes") else None


WRONG: dict[type[Wrong], set[str]] = {
    LetsAnybodyIn: {"who_has_no_cookie_gets_401_and_no_frame", "who_has_a_forged_cookie_gets_401"},
    TakesAnyOrigin: {"a_page_of_another_origin_gets_403", "a_cookie_without_an_origin_gets_403"},
    AnswersPolling: {"long_polling_gets_400"},
    GreetsInTheWrongOrder: {"connected_comes_first_then_a_snapshot"},
    HasEveryNamespace: {"another_namespace_is_refused"},
    Leaks: {"who_has_not_joined_hears_nothing", "nobody_else_hears_of_it"},
    EndsPagesEarly: {"pages_go_on_where_the_last_one_ended"},
    HasOneFilter: {"filters_show_what_they_say"},
    AcksTooEarly: {"sync_answers_before_its_ack"},
    IgnoresCursors: {"who_comes_back_gets_what_was_missed"},
    CallsEverythingRecovered: {"a_cursor_that_is_not_of_here_gets_a_snapshot"},
    ShowsOthersInTheGreeting: {"a_cursor_carries_no_authority"},
    HasNoChanges: {"changes_are_told_without_a_socket_too"},
    AcksAnotherCursor: {"an_act_changes_every_socket_of_the_person"},
    TellsTwice: {"what_changes_nothing_moves_no_cursor", "each_socket_of_a_person_hears_of_each_notification_once"},
    TellsWhoseIdsThereAre: {"other_peoples_ids_are_unknown_ids"},
    SnoozesForTooLong: {"what_is_snoozed_comes_back_by_itself"},
    BringsBackUnread: {"who_brings_it_back_has_it_as_it_was"},
    UndoesNothing: {"an_act_is_undone_by_its_cursor"},
    TakesEverybodyForAda: {"another_persons_cursor_undoes_nothing"},
    FindsEverything: {"a_search_finds_what_it_says"},
    ReadsEverything: {"mark_all_read_leaves_what_came_later", "mark_seen_up_to_leaves_what_came_later"},
    NeverAcks: {"every_event_is_acknowledged", "what_was_made_can_be_put_away"},
    AcksUnasked: {"what_asks_for_no_ack_gets_none_and_is_carried_out"},
    RefusesWithOtherCodes: {
        "an_unknown_event_is_refused",
        "connect_and_disconnect_are_no_events",
        "what_is_not_json_is_refused",
        "what_is_nested_too_deeply_is_refused",
        "wrong_types_and_unknown_fields_are_refused",
        "an_up_to_that_is_no_cursor_is_refused",
        "an_until_that_cannot_be_is_refused",
        "binary_data_is_refused",
        "who_says_too_much_is_refused_and_stays",
    },
    TakesNoLongFrames: {"a_frame_over_its_bound_ends_the_connection"},
    PassesOverGarbage: {"what_is_no_frame_of_socketio_ends_the_connection"},
    ClosesWithoutAReason: {"who_goes_on_saying_too_much_is_closed", "who_does_not_join_is_closed"},
    TellsStaleRows: {"what_was_heard_is_what_is_stored"},
    LosesPartOfADelta: {"whatever_happens_to_messages_one_sync_mends_it", "drops_without_goodbye_lose_nothing"},
    LosesEveryThirdCreated: {"new_notifications_follow_each_other_without_a_gap"},
    SwapsCounts: {"the_counts_are_those_of_the_list"},
    AddsAField: {"every_message_has_its_shape"},
    ForgetsAField: {"every_notification_has_the_standard_form"},
}
"""Each way to be wrong, and the checks that notice it."""

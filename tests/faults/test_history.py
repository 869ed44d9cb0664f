"""The checker says so when something was lost, repeated, swapped, leaked or invented, and nothing when all is well."""

from dataclasses import replace
from pathlib import Path

from tests.faults.history import Fault, Report, Sent, Shown, Truth, View, examine, read_journals

ADA, EPOCH = "ada", "3f9a0c1e5b7d2468"
LINES = [("k2", 2, 2, False), ("k1", 1, 1, False)]
SENT = {"k1": Sent("k1", (ADA,), acked_at=10.0), "k2": Sent("k2", (ADA,), acked_at=11.0)}
LOG = [
    Shown(9.0, "snapshot", EPOCH, 0, ()),
    Shown(10.5, "created", EPOCH, 1, ("k1",)),
    Shown(13.0, "created", EPOCH, 2, ("k2",)),
]
VIEW = View("tab 0", ADA, LOG, LINES, (2, 2), f"{EPOCH}:2")
TRUTH = Truth(f"{EPOCH}:2", (2, 2), LINES, LINES, (2, 2), {"k1": (1, True), "k2": (2, True)})


def problems(*, view: View = VIEW, truth: Truth = TRUTH, sent: dict[str, Sent] = SENT) -> Report:
    return examine(sent, [view], {ADA: truth})


def test_a_good_history_has_no_problems_and_its_delays_are_measured() -> None:
    report = problems()
    assert report.problems == []
    assert report.delays == {"k1": 0.5, "k2": 2.0}
    table = report.table([Fault("kill -9", 10.9)])
    assert table.splitlines()[1].split() == ["(none", "yet)", "0", "1", "0", "0", "0.50"]
    assert table.splitlines()[2].split() == ["kill", "-9", "1", "1", "0", "0", "2.00"]
    assert table.splitlines()[3].split() == ["all", "1", "2", "0", "0", "2.00"]


def test_a_notification_that_one_client_never_showed_is_lost() -> None:
    report = problems(view=replace(VIEW, log=LOG[:2]))
    assert report.lost == [("k2", "tab 0")]


def test_a_notification_that_the_store_does_not_have_is_lost() -> None:
    truth = replace(TRUTH, keys={"k1": (1, True)}, rest=LINES[1:], stored=LINES[1:], counts=(1, 1), recounted=(1, 1))
    assert ("k2", "the store of ada") in problems(truth=truth).lost


def test_one_that_was_read_elsewhere_while_the_client_was_away_is_not_lost() -> None:
    truth = replace(
        TRUTH, keys={"k1": (1, True), "k2": (2, False)}, rest=LINES[1:], stored=LINES[1:], counts=(1, 1),
        recounted=(1, 1),
    )  # fmt: skip
    view = replace(VIEW, log=[*LOG[:2], Shown(13.0, "snapshot", EPOCH, 2, ())], unread=LINES[1:], counts=(1, 1))
    assert problems(view=view, truth=truth).problems == []


def test_one_that_lies_below_what_the_snapshot_reached_is_not_lost() -> None:
    view = replace(VIEW, log=[Shown(12.0, "snapshot", EPOCH, 2, ("k2",))], unread=LINES[:1], through=2)
    assert problems(view=view).problems == []


def test_a_notification_shown_twice_is_repeated() -> None:
    again = Shown(14.0, "created", EPOCH, 3, ("k1",))
    assert problems(view=replace(VIEW, log=[*LOG, again])).repeated == [("k1", "tab 0")]


def test_a_notification_stored_twice_is_repeated() -> None:
    assert problems(truth=replace(TRUTH, twice=["k1"])).repeated == [("k1", "the store of ada")]


def test_messages_that_were_applied_out_of_order_are_noticed() -> None:
    report = problems(view=replace(VIEW, log=[LOG[0], LOG[2], LOG[1]]))
    assert report.disordered == ["tab 0 applied created 1 after 2"]
    assert problems(view=replace(VIEW, log=[*LOG, LOG[2]])).disordered


def test_a_later_page_of_a_snapshot_is_in_order() -> None:
    log = [Shown(9.0, "snapshot", EPOCH, 2, ("k2",)), Shown(9.0, "snapshot", EPOCH, 2, ("k1",))]
    assert problems(view=replace(VIEW, log=log)).problems == []


def test_a_body_of_somebody_else_is_a_leak() -> None:
    assert problems(view=replace(VIEW, strangers=["grace"])).leaked == ["grace"]


def test_a_list_that_is_not_rests_is_different() -> None:
    for unread in (LINES[:1], [("k2", 2, 3, True), LINES[1]], [*LINES, ("k0", 0, 0, False)]):
        assert problems(view=replace(VIEW, unread=unread)).different


def test_counts_that_are_not_those_of_the_list_are_different() -> None:
    assert problems(truth=replace(TRUTH, recounted=(2, 1))).different
    assert problems(view=replace(VIEW, counts=(1, 2))).different


def test_a_client_that_stands_elsewhere_is_different() -> None:
    assert problems(view=replace(VIEW, cursor=f"{EPOCH}:1")).different


def test_something_that_was_rolled_back_and_shown_is_a_ghost() -> None:
    ghost = Shown(14.0, "created", EPOCH, 3, ("k3",))
    assert problems(view=replace(VIEW, log=[*LOG, ghost])).different == ["tab 0 showed k3, which is not in the store"]


def test_what_was_never_acknowledged_may_be_there_or_not() -> None:
    unknown = {**SENT, "k3": Sent("k3", (ADA,))}
    assert problems(sent=unknown).problems == []
    assert problems(sent={"k1": SENT["k1"], "k2": Sent("k2", (ADA,))}).problems == []


def test_a_journal_tells_tries_and_outcome_and_may_end_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text(
        '{"key": "a", "to": ["ada"]}\n{"key": "a", "failed": "store_unavailable"}\n'
        '{"key": "a", "to": ["ada"]}\n{"key": "a", "id": "1", "acked": 5.0}\n{"key": "b", "to": ["ada"]}\n{"key"'
    )
    assert read_journals([path]) == {
        "a": Sent("a", ("ada",), acked_at=5.0, tries=2),
        "b": Sent("b", ("ada",), tries=1),
    }

"""Jobs: what goes to many, or later, is done part by part; each recipient gets exactly one copy."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import InvalidNotification
from notifs.store import Head, Key, Step, Store
from notifs.store.copies import heads, make
from notifs.store.drafts import DIRECT
from notifs.store.jobs import PART
from notifs.store.models import Job, JobPart, Receipt, utcnow
from tests.samples import draft, notification

CROWD = [f"user-{n:05}" for n in range(11 * PART + 7)]
"""More than one call serves, and not a whole number of parts."""


async def work_off(store: Store, here: Sequence[str] = ()) -> list[Step]:
    """Do all that is due."""
    steps = []
    while (step := await store.jobs.step(lambda some: [r for r in some if r in here])) is not None:
        steps.append(step)
    return steps


async def copies(store: Store) -> dict[str, int]:
    """How many copies everybody has."""

    async def work(connection: AsyncConnection) -> dict[str, int]:
        counted = select(Receipt.recipient, func.count()).group_by(Receipt.recipient)
        return {row[0]: row[1] for row in await connection.execute(counted)}

    return await store.database.read(work)


async def test_many_recipients_are_accepted_at_once_and_served_in_parts(store: Store) -> None:
    sent = draft(notification(), CROWD)
    outcome = await store.send(sent)
    assert (outcome.sent.id, outcome.sent.recipients, list(outcome.changes)) == (str(sent.id), len(CROWD), [])
    assert outcome.sent.job is not None
    assert await copies(store) == {}
    progress = await store.jobs.of(sent.id)
    assert progress is not None
    assert (progress.id, progress.total, progress.done, progress.finished_at) == (outcome.sent.job, len(CROWD), 0, None)

    steps = await work_off(store, here=["user-00007"])
    assert [len(step.recipients) for step in steps] == [*[PART] * 11, 7]
    assert await copies(store) == dict.fromkeys(CROWD, 1)
    assert {await store.head(person) for person in CROWD[::77]} == {Head(1, 1, 1)}
    (change,) = [change for step in steps for change in step.changes]
    assert (change.recipient, change.prev, change.head) == ("user-00007", 0, Head(1, 1, 1))
    assert change.entries == tuple(await store.unread("user-00007"))
    progress = await store.jobs.of(sent.id)
    assert progress is not None
    assert (progress.done, progress.finished_at is not None) == (len(CROWD), True)
    assert await store.jobs.next_due() is None


async def test_several_workers_share_the_work_and_nobody_gets_two(store: Store) -> None:
    for n in range(3):
        await store.send(draft(notification(f"{n}"), CROWD))
    await asyncio.gather(*(work_off(store) for _ in range(4)))
    await work_off(store)
    assert await copies(store) == dict.fromkeys(CROWD, 3)
    assert {await store.head(person) for person in CROWD[::77]} == {Head(3, 3, 3)}


async def test_jobs_take_turns(store: Store) -> None:
    large, small = draft(notification(), [f"u{n}" for n in range(20 * PART)]), draft(notification(), CROWD)
    await store.send(large)
    await store.send(small)
    steps = await work_off(store)
    assert [step.notification for step in steps][:4] == [large.id, small.id, large.id, small.id]


async def test_followers_of_several_topics_who_are_named_as_well_get_one(store: Store) -> None:
    await store.topics.follow("news", CROWD)
    await store.topics.follow("sport", [*CROWD[50:80], "zoe"])
    content = notification()
    outcome = await store.send(draft(content, ["ann", CROWD[60]], topics=["news", "sport"], exclude=[CROWD[0], "zoe"]))
    assert outcome.sent.job is not None
    await work_off(store)
    assert await copies(store) == dict.fromkeys(["ann", *CROWD[1:]], 1)


async def test_a_topic_with_few_followers_needs_no_job(store: Store) -> None:
    await store.topics.follow("news", ["bob", "cy", "dan"])
    outcome = await store.send(draft(notification(), ["ann", "bob"], topics=["news", "nobody's"], exclude=["cy"]))
    assert (outcome.sent.recipients, outcome.sent.job) == (3, None)
    assert [change.recipient for change in outcome.changes] == ["ann", "bob", "dan"]


async def test_a_topic_that_nobody_follows_is_no_error(store: Store) -> None:
    outcome = await store.send(draft(notification(), [], topics=["nobody's"]))
    assert (outcome.sent.recipients, outcome.sent.job, list(outcome.changes)) == (0, None, [])


async def test_what_is_for_later_goes_out_at_its_time_to_those_who_follow_then(store: Store) -> None:
    await store.topics.follow("news", ["bob"])
    at = utcnow() + timedelta(seconds=0.4)
    sent = draft(notification(), ["ann"], topics=["news"], send_at=at)
    assert (await store.send(sent)).sent.job is not None
    assert await work_off(store) == []
    due = await store.jobs.next_due()
    assert due == at
    await store.topics.follow("news", ["cy"])
    while not await work_off(store):
        await asyncio.sleep(0.02)
    assert utcnow() >= at
    await work_off(store)
    assert await copies(store) == {"ann": 1, "bob": 1, "cy": 1}


async def test_what_expires_disappears_with_right_counts_and_leaves_no_content(store: Store) -> None:
    end = utcnow() + timedelta(seconds=0.3)
    await store.create(notification("stays"), ["ann"])
    brief = draft(notification("secret", body="secret", expires_at=end), ["ann", "bob"])
    await store.send(brief)
    assert await store.head("ann") == Head(2, 2, 2)
    while not (steps := await work_off(store)):
        await asyncio.sleep(0.02)
    assert [(step.act, step.recipients) for step in steps] == [("retract", ["ann", "bob"])]
    assert await store.head("ann") == Head(3, 1, 1)
    assert [line.title for line in await store.unread("ann")] == ["stays"]
    assert await store.sent.one(brief.id) is None
    (told,) = (await store.changes({"ann": 2}))["ann"][1] or ()
    assert (told.id, told.retracted_at is not None, told.title, told.body) == (brief.id, True, "", "")


async def test_a_repeated_call_makes_no_second_job(store: Store) -> None:
    first, again = (draft(notification(), CROWD, Key("", "key", "x")) for _ in range(2))
    one, two = await store.send(first), await store.send(again)
    assert two.sent == type(one.sent)(one.sent.id, len(CROWD), one.sent.job, new=False)
    await work_off(store)
    assert await copies(store) == dict.fromkeys(CROWD, 1)


async def test_parts_are_gone_when_a_job_is_done(store: Store) -> None:
    await store.send(draft(notification(), CROWD))
    await work_off(store)

    async def work(connection: AsyncConnection) -> tuple[int, int]:
        parts = (await connection.execute(select(func.count()).select_from(JobPart))).scalar_one()
        open_ = select(func.count()).select_from(Job).where(Job.finished_at.is_(None))
        return parts, (await connection.execute(open_)).scalar_one()

    assert await store.database.read(work) == (0, 0)


async def test_many_who_have_one_see_it_renewed_for_a_few_by_a_job(store: Store) -> None:
    for some in (CROWD[:DIRECT], ["ann", *CROWD[DIRECT:]], ["ann", "bob", *CROWD[:DIRECT:2]]):
        await store.send(draft(notification("old"), ["bob", *some][:DIRECT], dedupe_key="k"))
    await work_off(store)
    renewed = draft(notification("new"), ["ann"], dedupe_key="k")
    outcome = await store.send(renewed)
    assert (outcome.sent.id != str(renewed.id), outcome.touched) == (True, ["ann"])
    assert [line.title for line in await store.unread(CROWD[0])] == ["new"]
    before = await store.database.read(lambda c: heads(c, CROWD[:DIRECT]))
    assert {step.act for step in await work_off(store)} == {"update"}
    after = await store.database.read(lambda c: heads(c, CROWD[:DIRECT]))
    assert {person: head.revision - before[person].revision for person, head in after.items()} == dict.fromkeys(
        before, 1
    )


async def test_a_dedupe_key_goes_with_few_recipients_only(store: Store) -> None:
    with pytest.raises(InvalidNotification, match="dedupe_key: goes with at most 1000"):
        await store.send(draft(notification(), CROWD, dedupe_key="k"))
    assert await store.jobs.next_due() is None


async def test_the_end_of_a_notification_comes_for_everyone_even_while_it_is_changed_or_sent(store: Store) -> None:
    sent = draft(notification(expires_at=utcnow() + timedelta(days=1)), CROWD)
    await store.send(sent)
    await work_off(store)
    await store.update(sent.id, 1, {"title": "other"})
    await store.update(sent.id, 2, {"expires_at": utcnow() - timedelta(seconds=1)})
    steps = await work_off(store)
    assert [step.act for step in steps[:3]] == ["retract", "update", "update"]  # taking turns
    stand = await store.database.read(lambda c: heads(c, CROWD))
    assert {person: head.unread for person, head in stand.items()} == dict.fromkeys(CROWD, 0)
    assert [step.expired for step in steps if step.act == "retract"].count(True) == 1


async def test_a_job_for_nobody_is_done(store: Store) -> None:
    await store.send(draft(notification(), ["ann"], exclude=["ann"], send_at=utcnow()))
    await store.send(draft(notification(), CROWD))
    await work_off(store)
    assert await copies(store) == dict.fromkeys(CROWD, 1)
    assert await store.jobs.next_due() is None


async def test_a_job_that_goes_wrong_keeps_no_other_waiting(store: Store) -> None:
    wrong, right = draft(notification(), CROWD), draft(notification(), CROWD)
    await store.send(wrong)
    await store.send(right)
    await store.database.write(lambda c: make(c, wrong.id, [CROWD[0]]))  # which nobody but the job does
    with pytest.raises(IntegrityError):
        await work_off(store)
    await work_off(store)
    assert await copies(store) == {**dict.fromkeys(CROWD, 1), CROWD[0]: 2}
    due = await store.jobs.next_due()
    assert due is not None
    assert due > utcnow()

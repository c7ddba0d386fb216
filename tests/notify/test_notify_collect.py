"""Events become deliveries: once each, for those whose business they are, gathered where a rule says so."""

from __future__ import annotations

import asyncio

from notify_parts import OWNER, STRANGER, House, make_context
from sqlalchemy import select, update

from fotofila.core.db import Database
from fotofila.notify.collect import BATCH, collect
from fotofila.notify.models import Cursor, Rule, Target

HOOK = "http://127.0.0.1:9/hook"


async def test_event_that_matches_a_rule_becomes_one_delivery(house: House) -> None:
    target, _ = await house.webhook(HOOK)
    rule = await house.rule(target)
    await house.happen("job.done", data={"face_count": 2})
    await house.collect()
    await house.collect()
    [delivery] = await house.log()
    assert (delivery.rule_id, delivery.event_type, delivery.state) == (rule.id, "job.done", "pending")
    assert delivery.payload["data"]["face_count"] == 2


async def test_events_of_other_types_and_owners_are_nobodys_business(house: House) -> None:
    target, _ = await house.webhook(HOOK)
    await house.rule(target)
    await house.happen("job.progress")
    await house.happen("job.failed")
    await house.happen("job.done", owner=STRANGER)
    await house.collect()
    assert await house.log() == []


async def test_rule_is_not_told_of_what_happened_before_it(house: House) -> None:
    target, _ = await house.webhook(HOOK)
    await house.happen()
    await house.rule(target)
    await house.happen()
    await house.collect()
    assert len(await house.log()) == 1


async def test_rule_or_target_that_is_off_brings_nothing(house: House) -> None:
    for table in (Rule, Target):
        target, _ = await house.webhook(HOOK)
        rule = await house.rule(target)
        async with house.context.db.write() as session:
            await session.execute(
                update(table).where(table.id == (rule.id if table is Rule else target.id)).values(enabled=False)
            )
    await house.happen()
    await house.collect()
    assert await house.log() == []


async def test_more_events_than_one_batch_are_all_told(house: House) -> None:
    target, _ = await house.webhook(HOOK)
    await house.rule(target)
    await house.happen(times=BATCH + 5)
    await house.collect()
    assert len(await house.log()) == BATCH + 5


async def test_several_loops_at_once_tell_each_event_once(house: House, db: Database) -> None:
    target, _ = await house.webhook(HOOK)
    await house.rule(target)
    others = [Database(str(db.url)) for _ in range(3)]
    contexts = [make_context(other, house.clock, data_dir=house.context.settings.data_dir) for other in others]

    async def work(index: int) -> None:
        for _ in range(20):
            await collect(contexts[index])

    async def produce() -> None:
        for _ in range(20):
            await house.happen(times=10)

    await asyncio.gather(produce(), *(work(index) for index in range(3)))
    await house.collect()
    for other in others:
        await other.close()
    told = [delivery.payload["data"]["event_id"] for delivery in await house.log()]
    assert sorted(told) == list(range(1, 201))


async def test_idle_look_writes_nothing(house: House) -> None:
    await house.happen("job.progress")
    await house.collect()
    assert await house.rows(select(Cursor.event_id)) == []


async def test_quiet_rule_gathers_events_until_it_has_been_quiet(house: House) -> None:
    target, _ = await house.webhook(HOOK)
    await house.rule(target, quiet_seconds=60)
    await house.happen()
    await house.collect()
    house.clock.move(40)
    await house.happen(times=2)
    await house.collect()
    [group] = await house.log()
    assert (group.events, group.payload["type"], group.payload["data"]["count"]) == (3, "job.done.group", 3)
    assert group.next_attempt_at is not None
    assert (group.next_attempt_at - house.clock.now()).total_seconds() == 60
    assert [len(group.payload["data"]["items"]), group.event_type] == [3, "job.done"]


async def test_group_waits_ten_quiet_periods_at_most(house: House) -> None:
    target, _ = await house.webhook(HOOK)
    await house.rule(target, quiet_seconds=10)
    start = house.clock.now()
    for _ in range(15):
        await house.happen()
        await house.collect()
        house.clock.move(8)
    [group] = await house.log()
    assert group.next_attempt_at is not None
    assert (group.next_attempt_at - start).total_seconds() == 100


async def test_group_counts_all_and_lists_a_hundred(house: House) -> None:
    target, _ = await house.webhook(HOOK)
    await house.rule(target, quiet_seconds=10)
    await house.happen(times=130)
    await house.collect()
    [group] = await house.log()
    assert (group.payload["data"]["count"], len(group.payload["data"]["items"])) == (130, 100)


async def test_group_that_is_being_sent_takes_no_more(house: House) -> None:
    target, _ = await house.webhook(HOOK)
    await house.rule(target, quiet_seconds=10)
    await house.happen()
    await house.collect()
    house.clock.move(11)
    await house.send()
    await house.happen()
    await house.collect()
    first, second = await house.log()
    assert (first.events, second.events) == (1, 1)
    assert not first.grouping
    assert second.grouping


async def test_owners_keep_their_own_groups(house: House) -> None:
    for owner in (OWNER, STRANGER):
        target, _ = await house.webhook(HOOK, owner=owner)
        await house.rule(target, quiet_seconds=10)
        await house.happen(owner=owner, times=2)
    await house.collect()
    assert [(group.owner, group.events) for group in await house.log()] == [(OWNER, 2), (STRANGER, 2)]

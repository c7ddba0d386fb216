"""Webhooks as receivers see them: signed, retried under one id, never redirected."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from notify_parts import Answer, House, Receiver, verify
from sqlalchemy import select

from fotofila.notify.deliveries import redeliver
from fotofila.notify.dispatch import CONCURRENCY, LEASE, PER_TARGET, Dispatcher
from fotofila.notify.errors import AddressRefusedError, SendError, TargetUrlError
from fotofila.notify.models import Notification, Target
from fotofila.notify.network import CheckedBackend
from fotofila.notify.schedule import MOST_ATTEMPTS, next_wait_seconds
from fotofila.notify.switching import switch_off
from fotofila.notify.targets import Change, change_target, get_target, try_target
from fotofila.notify.webhooks import WebhookSender, check_webhook_url

OPEN = CheckedBackend(allow_private=True)


async def test_receiver_can_verify_what_it_is_sent(house: House, receiver: Receiver) -> None:
    target, secret = await house.webhook(receiver.url)
    await house.rule(target)
    await house.happen("job.done", data={"face_count": 29})
    await house.collect()
    await house.send()
    [request] = receiver.requests
    [delivery] = await house.log()
    assert request.line == "POST /hook HTTP/1.1"
    assert verify(request, secret)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == f"msg_{delivery.id}"
    assert request.headers["webhook-timestamp"] == str(int(house.clock.now().timestamp()))
    assert request.json["type"] == "job.done"
    assert request.json["timestamp"] == "2026-03-01T12:00:00Z"
    assert request.json["data"]["face_count"] == 29
    assert set(request.json["data"]) >= {"photo_id", "job_id", "batch_id"}
    assert (delivery.state, delivery.status_code, delivery.attempts) == ("delivered", 204, 1)
    assert delivery.delivered_at == house.clock.now()


async def test_failed_attempt_is_repeated_later_under_the_same_id(house: House, receiver: Receiver) -> None:
    target, secret = await house.webhook(receiver.url)
    await house.rule(target)
    await house.happen()
    await house.collect()
    receiver.answers = [Answer(500), Answer(503)]
    assert await house.send() == 1
    [delivery] = await house.log()
    assert (delivery.state, delivery.status_code) == ("pending", 500)
    assert delivery.error == "The server answered 500 Internal Server Error."
    assert await house.send() == 0
    house.clock.move(6)
    await house.send()
    house.clock.move(331)
    await house.send()
    [delivery] = await house.log()
    assert (delivery.state, delivery.attempts, delivery.error) == ("delivered", 3, None)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert len({request.body for request in receiver.requests}) == 1
    assert len({request.headers["webhook-timestamp"] for request in receiver.requests}) == 3
    assert all(verify(request, secret) for request in receiver.requests)


async def test_delivery_that_never_arrives_is_given_up_after_three_days(house: House, receiver: Receiver) -> None:
    target, _ = await house.webhook(receiver.url)
    await house.rule(target)
    await house.happen()
    await house.collect()
    receiver.answers = [Answer(500)] * 20
    start = house.clock.now()
    while await house.send():
        [delivery] = await house.log()
        if delivery.next_attempt_at is None:
            break
        house.clock.at = delivery.next_attempt_at
    [delivery] = await house.log()
    assert (delivery.state, delivery.attempts, len(receiver.requests)) == ("failed", MOST_ATTEMPTS, MOST_ATTEMPTS)
    assert timedelta(hours=66) < house.clock.now() - start < timedelta(hours=84)


def test_waits_grow_vary_and_end() -> None:
    for attempt, wanted in ((1, 5), (2, 300), (9, 86_400)):
        waits = {next_wait_seconds(attempt, scale=1) or 0 for _ in range(20)}
        assert len(waits) > 1
        assert all(0.9 * wanted <= wait <= 1.1 * wanted for wait in waits)
    assert next_wait_seconds(10, scale=1) is None
    assert next_wait_seconds(1, scale=0.01, at_least=60) == pytest.approx(0.6)
    assert next_wait_seconds(1, scale=1, at_least=10**9) == 86_400


async def test_retry_after_is_heeded(house: House, receiver: Receiver) -> None:
    target, _ = await house.webhook(receiver.url)
    await house.rule(target)
    await house.happen()
    await house.collect()
    receiver.answers = [Answer(429, {"Retry-After": "120"})]
    await house.send()
    [delivery] = await house.log()
    assert delivery.next_attempt_at == house.clock.now() + timedelta(seconds=120)


async def test_redirect_is_not_followed(house: House, receiver: Receiver) -> None:
    target, _ = await house.webhook(receiver.url)
    await house.rule(target)
    await house.happen()
    await house.collect()
    receiver.answers = [Answer(307, {"location": f"http://127.0.0.1:{receiver.port}/elsewhere"})]
    await house.send()
    [delivery] = await house.log()
    assert (len(receiver.requests), delivery.state, delivery.status_code) == (1, "pending", 307)
    assert "redirects are not followed" in (delivery.error or "")


async def test_gone_switches_the_target_off_and_ends_what_waited(house: House, receiver: Receiver) -> None:
    target, _ = await house.webhook(receiver.url)
    await house.rule(target)
    await house.happen(times=2)
    await house.collect()
    receiver.answers = [Answer(500), Answer(410)]
    await house.send()
    assert await house.rows(select(Target.enabled)) == [False]
    first, second = await house.log()
    assert (first.state, second.state, second.status_code) == ("failed", "failed", 410)
    await house.happen()
    await house.collect()
    assert len(await house.log()) == 2


async def test_long_answer_is_not_read_to_its_end(house: House, receiver: Receiver) -> None:
    receiver.answers = [Answer(200, body=b"x" * 50_000_000), Answer(200, body=b"ok")]
    async with WebhookSender(backend=OPEN) as webhooks:
        assert await webhooks.post(receiver.url, b"{}", {}) == 200
        assert await webhooks.post(receiver.url, b"{}", {}) == 200


async def test_server_that_does_not_answer_is_left(receiver: Receiver) -> None:
    receiver.hold = asyncio.Event()
    async with WebhookSender(backend=OPEN, deadline_seconds=0.2) as webhooks:
        with pytest.raises(SendError, match="in time") as caught:
            await webhooks.post(receiver.url, b"{}", {})
    receiver.hold.set()
    assert not caught.value.final


async def test_server_that_is_not_there_is_tried_again(house: House) -> None:
    target, _ = await house.webhook("http://127.0.0.1:1/hook")
    await house.rule(target)
    await house.happen()
    await house.collect()
    await house.send()
    [delivery] = await house.log()
    assert (delivery.state, delivery.status_code) == ("pending", None)
    assert "cannot be reached" in (delivery.error or "")


async def test_private_address_is_refused_for_good_and_names_the_setting(strict_house: House) -> None:
    target, _ = await strict_house.webhook("https://localhost.example/hook")
    async with strict_house.context.db.write() as session:
        kept = await session.get(Target, target.id)
        assert kept is not None
        kept.url = "https://127.0.0.1:1/hook"
    await strict_house.rule(target)
    await strict_house.happen()
    await strict_house.collect()
    await strict_house.send()
    [delivery] = await strict_house.log()
    assert delivery.state == "failed"
    assert "FOTOFILA_WEBHOOKS_ALLOW_PRIVATE" in (delivery.error or "")


async def test_rotated_secret_signs_beside_the_old_one_for_a_day(house: House, receiver: Receiver) -> None:
    target, old = await house.webhook(receiver.url)
    await house.rule(target)
    change = Change(name=None, address=None, enabled=None, rotate_secret=True)
    async with house.context.db.write() as session:
        kept = await get_target(session, target.owner, target.id)
        new = await change_target(session, house.context.secret_keys, kept, change, now=house.clock.now())
    assert new is not None
    for hours in (0, 23, 2):
        house.clock.move(hours * 3600)
        await house.happen()
        await house.collect()
        await house.send()
    signed = [(verify(request, old), verify(request, new)) for request in receiver.requests]
    assert signed == [(True, True), (True, True), (False, True)]


async def test_sender_that_died_is_followed_by_another_with_the_same_id(house: House, receiver: Receiver) -> None:
    target, _ = await house.webhook(receiver.url)
    await house.rule(target)
    await house.happen()
    await house.collect()
    async with Dispatcher(house.context) as killed:
        [_] = await killed.claim()  # and never heard of again
    assert await house.send() == 0
    house.clock.move(LEASE.total_seconds())
    assert await house.send() == 1
    [delivery] = await house.log()
    assert (delivery.state, delivery.attempts) == ("delivered", 2)


async def test_sender_that_lost_its_lease_changes_nothing(house: House, receiver: Receiver) -> None:
    target, _ = await house.webhook(receiver.url)
    await house.rule(target)
    await house.happen()
    await house.collect()
    async with Dispatcher(house.context) as slow:
        [late] = await slow.claim()
        house.clock.move(LEASE.total_seconds())
        await house.send()
        receiver.answers = [Answer(500)]
        await slow.deliver(late)
    [delivery] = await house.log()
    assert (delivery.state, delivery.status_code) == ("delivered", 204)


async def test_delivery_whose_senders_all_died_is_given_up(house: House) -> None:
    target, _ = await house.webhook("http://127.0.0.1:1/hook")
    await house.rule(target)
    await house.happen()
    await house.collect()
    async with Dispatcher(house.context) as killed:
        for _ in range(MOST_ATTEMPTS):
            assert await killed.claim()
            house.clock.move(LEASE.total_seconds())
            killed._in_flight.clear()
        assert await killed.claim() == []
    [delivery] = await house.log()
    assert delivery.state == "failed"


async def test_two_dispatchers_never_claim_the_same(house: House) -> None:
    target, _ = await house.webhook("http://127.0.0.1:1/hook")
    await house.rule(target)
    await house.happen(times=PER_TARGET + 2)
    await house.collect()
    ids: list[str] = []
    async with Dispatcher(house.context) as one, Dispatcher(house.context) as other:
        for _ in range(3):
            for claims in await asyncio.gather(one.claim(), other.claim()):
                ids += [claim.id for claim in claims]
    assert len(ids) == len(set(ids)) == PER_TARGET + 2


async def test_slow_target_holds_up_only_itself(house: House, receiver: Receiver) -> None:
    slow, _ = await house.webhook("http://127.0.0.1:1/slow")
    await house.rule(slow)
    await house.happen(times=CONCURRENCY * 5)
    await house.collect()
    house.clock.move(1)
    quick, _ = await house.webhook(receiver.url)
    await house.rule(quick)
    await house.happen()
    await house.collect()
    async with Dispatcher(house.context) as dispatcher:
        held = await dispatcher.claim()
        others = await dispatcher.claim()
    assert [claim.target_id for claim in held] == [slow.id] * PER_TARGET
    assert quick.id in {claim.target_id for claim in others}


async def test_test_message_is_tried_once(house: House, receiver: Receiver) -> None:
    target, secret = await house.webhook(receiver.url)
    for answers in ([Answer(500)], []):
        receiver.answers = list(answers)
        async with house.context.db.write() as session:
            await try_target(session, target, now=house.clock.now())
        await house.send()
    assert [delivery.state for delivery in await house.log()] == ["failed", "delivered"]
    assert receiver.requests[-1].json["type"] == "test"
    assert verify(receiver.requests[-1], secret)


async def test_redelivery_has_the_same_id_and_all_its_attempts(house: House, receiver: Receiver) -> None:
    target, _ = await house.webhook(receiver.url)
    await house.rule(target)
    await house.happen()
    await house.collect()
    await house.send()
    async with house.context.db.write() as session:
        again = await redeliver(session, target.owner, (await house.log())[0].id, now=house.clock.now())
    assert (again.state, again.attempts) == ("pending", 0)
    await house.send()
    assert receiver.requests[0].headers["webhook-id"] == receiver.requests[1].headers["webhook-id"]
    assert [delivery.state for delivery in await house.log()] == ["delivered"]


async def test_target_switched_off_in_flight_is_not_tried_again(house: House, receiver: Receiver) -> None:
    target, _ = await house.webhook(receiver.url)
    await house.rule(target)
    await house.happen()
    await house.collect()
    receiver.answers = [Answer(500)]
    async with Dispatcher(house.context) as dispatcher:
        [claim] = await dispatcher.claim()
        async with house.context.db.write() as session:
            await switch_off(session, target.id, now=house.clock.now())
        await dispatcher.deliver(claim)
    assert await house.rows(select(Notification.state)) == ["failed"]


async def test_changed_secret_key_is_said_in_the_log(house: House, receiver: Receiver) -> None:
    target, _ = await house.webhook(receiver.url)
    await house.rule(target)
    await house.happen()
    await house.collect()
    async with house.context.db.write() as session:
        kept = await session.get(Target, target.id)
        assert kept is not None
        kept.sealed = house.context.secret_keys.encrypt("notification-target", b"x", bound_to="another")
    await house.send()
    [delivery] = await house.log()
    assert (delivery.state, receiver.requests) == ("pending", [])
    assert "FOTOFILA_SECRET_KEY" in (delivery.error or "")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "https://user:pass@hooks.example/x",
        "https://user@hooks.example/x",
        "https://",
        "https:///x",
        "ftp://hooks.example/x",
        "file:///etc/passwd",
        "hooks.example",
        "https://hooks.example:99999/x",
        "https://hooks.example:0/x",
        "https://hooks.example/" + "x" * 2000,
        "https://[::1",
    ],
)
def test_url_that_cannot_be_used_is_refused_when_it_is_given(url: str) -> None:
    with pytest.raises(TargetUrlError):
        check_webhook_url(url, allow_private=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1:8443", "[::1]", "[::ffff:10.0.0.1]", "localhost"])
def test_private_host_is_refused_when_it_is_given(host: str) -> None:
    with pytest.raises(AddressRefusedError):
        check_webhook_url(f"https://{host}/x", allow_private=False)
    assert check_webhook_url(f"http://{host}/x", allow_private=True)

from __future__ import annotations

import asyncio

from fotofila.core.queue.leases import PURGE_AT, Leases, wait_awake


class Seconds:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_receipt_is_ours_until_its_lease_is_over() -> None:
    clock = Seconds()
    leases = Leases(clock)
    assert leases.hold("a", since=clock.at, lease_seconds=30)
    clock.at += 29
    assert leases.holds("a")
    clock.at += 1
    assert not leases.holds("a")
    assert not leases.release("a")


def test_lease_that_is_set_anew_lasts_longer() -> None:
    clock = Seconds()
    leases = Leases(clock)
    leases.hold("a", since=clock.at, lease_seconds=30)
    clock.at += 20
    leases.hold("a", since=clock.at, lease_seconds=30)
    clock.at += 20
    assert leases.release("a")
    assert not leases.holds("a"), "it was let go"


def test_delivery_that_took_longer_than_its_lease_to_arrive_is_not_ours() -> None:
    clock = Seconds()
    leases = Leases(clock)
    assert not leases.hold("a", since=clock.at - 30, lease_seconds=30)
    assert not leases.holds("a")


def test_what_a_wiped_server_gave_is_forgotten() -> None:
    leases = Leases(Seconds())
    for receipt in ("process 1", "results 1"):
        leases.hold(receipt, since=1000, lease_seconds=30)
    leases.forget(lambda receipt: receipt.startswith("process"))
    assert not leases.holds("process 1")
    assert leases.holds("results 1")


def test_receipts_that_nobody_let_go_of_do_not_pile_up() -> None:
    clock = Seconds()
    leases = Leases(clock)
    for number in range(10 * PURGE_AT):
        clock.at += 1
        leases.hold(f"{number}", since=clock.at, lease_seconds=30)
    assert len(leases._ends) <= PURGE_AT


async def test_time_of_arrival_is_before_it_and_after_the_start() -> None:
    arrival = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.02, arrival.set_result, None)
    assert await wait_awake(arrival, seconds=30, lease_seconds=60) is not None


async def test_wait_without_an_arrival_ends() -> None:
    arrival = asyncio.get_running_loop().create_future()
    assert await wait_awake(arrival, seconds=0.01, lease_seconds=60) is None

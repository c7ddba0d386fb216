from __future__ import annotations

from fotofila.core.jobs.keys import claim_key
from tests.feedback.conftest import Desk


async def test_claim_check_with_something_else_under_it_stops_nobody_else(desk: Desk) -> None:
    spoiled, other = await desk.add(), await desk.add()
    first, second = await desk.begun(), await desk.begun()
    await desk.finish(*first, {"told": "x" * 100_000})
    await desk.context.storage.put(claim_key(spoiled.job.id, first[1].execution_id), b"{cut o")
    await desk.finish(*second)
    await desk.consume()
    assert (await desk.job(other)).state == "done"
    await desk.give_up("results")
    await desk.handle()
    assert [failure.code for failure in await desk.failures()] == ["result_not_applied"]
    assert (await desk.job(spoiled)).state == "failed"

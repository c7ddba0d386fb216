"""What a worker asks of a service before its child works."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fotofila.core.jobs.keys import cancel_marker
from fotofila.core.jobs.messages import Finished, Retrying
from tests.worker.asking_kind import ASKING, MADE
from tests.worker.conftest import Bench, types, with_settings


@pytest.fixture
def asking(bench: Bench) -> Iterator[Bench]:
    """A bench whose worker has something to ask with."""
    MADE.clear()
    yield with_settings(bench, faces_engine="rekognition")
    MADE.clear()


async def test_child_works_with_what_was_answered(asking: Bench) -> None:
    await asking.ask("hang", args={"answer": "behave"})
    await asking.ask("hang", args={"answer": "behave"})
    async with asking.working(kind=ASKING):
        for _ in range(2):
            assert isinstance(await asking.hear("finished"), Finished)
        [oracle] = MADE
        assert oracle.closed == 0
    assert oracle.closed == 1, "made once, and let go of with the worker"


async def test_children_of_the_worker_may_be_used_for_the_question(asking: Bench) -> None:
    """There is one child: it is for the question first, then for the job."""
    await asking.ask("hang", args={"answer": "child"})
    async with asking.working(kind=ASKING):
        finished = await asking.hear("finished")
    assert isinstance(finished, Finished)
    assert [file.name for file in finished.renditions] == ["note.txt"]


async def test_no_answer_is_tried_again_and_a_refusal_fails(asking: Bench) -> None:
    for answer in ("away", "stumble"):
        await asking.ask("behave", args={"answer": answer})
    await asking.ask("behave", args={"answer": "no"})
    async with asking.working(kind=ASKING):
        retried = [await asking.hear("retrying") for _ in range(2)]
        failed = await asking.hear_failure()
    codes = {each.error.code: each.error.error_class for each in retried if isinstance(each, Retrying)}
    assert codes == {"unavailable": "unavailable", "unexpected_error": "default"}
    assert (failed.error.code, failed.error.permanent) == ("invalid_input", True)
    assert failed.payload["args"] == {"how": "behave", "answer": "no"}


async def test_lease_is_kept_while_nobody_answers_and_the_job_is_given_back(asking: Bench) -> None:
    asking = with_settings(asking, drain_seconds=0.0)
    await asking.ask("behave", args={"answer": "silence"})
    async with asking.working(kind=ASKING) as stop:
        for _ in range(2):
            await asking.hear("heartbeat")
        stop.set()
        given_back = await asking.hear("retrying")
    assert isinstance(given_back, Retrying)
    assert (given_back.error.code, given_back.snooze) == ("worker_stopped", True)
    await asking.until_empty()


async def test_question_that_nobody_wants_answered_any_more_is_left(asking: Bench) -> None:
    asked = await asking.ask("behave", args={"answer": "silence"})
    async with asking.working(kind=ASKING):
        await asking.hear("started")
        await asking.storage.put(cancel_marker(asked.job_id, 1), b"")
        await asking.until_empty()
        await asking.ask("hang", args={"answer": "behave"})
        assert (await asking.hear("finished")).job_id != asked.job_id
    assert set(types(each for each in asking.read if each.job_id == asked.job_id)) == {"started"}

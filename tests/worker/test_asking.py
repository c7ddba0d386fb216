"""What a worker asks of a service before its child works."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fotofila.core.jobs.messages import Finished, Retrying
from tests.worker.asking_kind import ASKING, MADE
from tests.worker.conftest import Bench, with_settings


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

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from fotofila.bootstrap import make_context
from fotofila.core.clock import SystemClock
from fotofila.core.config import load_settings
from fotofila.core.db.migrate import prepare_database
from fotofila.core.ids import new_id
from fotofila.core.jobs.models import Failure, Job
from fotofila.core.jobs.service import NewJob, create_job
from fotofila.core.jobs.states import JobState
from tests.cli.conftest import Run

OWNER = "0" * 31 + "1"


async def fail(*codes: str) -> list[str]:
    """Write down a failed job for each code; returns the ids of the failures, oldest first."""
    context = make_context(load_settings())
    made = []
    await prepare_database(context.db)
    for number, code in enumerate(codes):
        now = SystemClock().now() + timedelta(seconds=number)
        new = NewJob(id=new_id(), owner=OWNER, kind="noop", kind_version=1, lane="process", args={}, max_attempts=1)
        async with context.db.write() as session:
            create_job(session, new, now=now)
        async with context.db.write() as session:
            await session.execute(update(Job).where(Job.id == new.id).values(state=JobState.FAILED))
            failure = Failure(
                id=new_id(),
                owner=OWNER,
                job_id=new.id,
                kind="noop",
                round=1,
                attempt=1,
                code=code,
                sentence=f"It went wrong by {code}.",
                permanent=False,
                stack="Traceback: here",
                payload={"kind": "noop"},
                state="open",
                created_at=now,
            )
            session.add(failure)
            made.append(failure.id)
    await context.close()
    return made


@pytest.fixture
def failures() -> list[str]:
    return asyncio.run(fail("timed_out", "crashed", "crashed"))


def test_the_list_is_newest_first_and_can_be_narrowed(cli: Run, failures: list[str]) -> None:
    assert [row["id"] for row in cli("failures", "list", "--json").json] == failures[::-1]
    narrowed = cli("failures", "list", "--code", "timed_out")
    assert failures[0] in narrowed.out
    assert "It went wrong by timed_out." in narrowed.out
    assert failures[1] not in narrowed.out
    assert cli("failures", "list", "--to", "2020-01-01", "--json").json == []


def test_show_explains(cli: Run, failures: list[str]) -> None:
    shown = cli("failures", "show", failures[0])
    assert "It went wrong by timed_out." in shown.out
    assert "Traceback: here" in shown.out
    told = cli("failures", "show", failures[0], "--json").json
    assert told["payload"] == {"kind": "noop"}
    assert [old["id"] for old in told["history"]] == [failures[0]]


def test_redrive_starts_one_round_and_no_second(cli: Run, failures: list[str]) -> None:
    assert cli("failures", "redrive", failures[0], "--json").json == {"redriven": 1, "skipped": 0}
    assert cli("failures", "redrive", failures[0], "--json").json == {"redriven": 0, "skipped": 1}
    assert len(cli("failures", "list", "--json").json) == 2


def test_redrive_of_a_filter_takes_no_more_than_its_cap(cli: Run, failures: list[str]) -> None:
    ran = cli("failures", "redrive", "--all", "--code", "crashed", "--cap", "1", "--json")
    assert ran.json == {"redriven": 1, "skipped": 0}


def test_purge_puts_out_of_sight(cli: Run, failures: list[str]) -> None:
    assert cli("failures", "purge", "--all", "--yes", "--json").json == {"purged": 3}
    assert cli("failures", "list").out.startswith("There is no open failure")
    assert len(cli("failures", "list", "--state", "purged", "--json").json) == 3


@pytest.mark.parametrize("arguments", [(), ("--all", "0" * 32)])
def test_nothing_is_redriven_by_accident(cli: Run, arguments: tuple[str, ...]) -> None:
    ran = cli("failures", "redrive", *arguments)
    assert ran.code == 2
    assert "--all" in ran.err


def test_an_unknown_failure_names_the_list(cli: Run) -> None:
    ran = cli("failures", "show", "0" * 32)
    assert ran.code == 1
    assert "`fotofila failures list`" in ran.err

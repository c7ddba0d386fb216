from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from fotofila.testing.misbehaving import KIND
from fotofila.testing.processes import acting
from fotofila.worker.errors import BusyError, CrashedError, TimedOutError
from fotofila.worker.pool import ChildPool, Request

MEMORY_MB = 768


def request(folder: Path, how: str, **args: object) -> Request:
    return Request(
        work=KIND.work,
        args={"how": how, **args},
        original=folder / "original",
        folder=folder,
        models_dir=folder,
    )


@asynccontextmanager
async def opened(*, size: int = 1, seconds: float = 60, memory_mb: int = MEMORY_MB) -> AsyncIterator[ChildPool]:
    pool = ChildPool(size=size, memory_mb=memory_mb, seconds=seconds)
    try:
        yield pool
    finally:
        await pool.close()


@pytest.fixture
async def pool() -> AsyncIterator[ChildPool]:
    async with opened() as pool:
        yield pool


async def pid_of(pool: ChildPool, folder: Path) -> int:
    return int((await pool.run(request(folder, "behave")))["result"]["pid"])


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(60):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def hang_and_say(say: Callable[[Any], None], folder: Path, how: str) -> None:
    pool = ChildPool(size=1, memory_mb=MEMORY_MB, seconds=60)
    pid = await pid_of(pool, folder)
    if how == "hang":
        began = asyncio.Event()
        asyncio.get_running_loop().create_task(pool.run(request(folder, "hang"), on_progress=lambda _: began.set()))
        await began.wait()
    say(pid)
    await asyncio.Event().wait()


async def test_child_is_kept_for_the_next_job(pool: ChildPool, tmp_path: Path) -> None:
    assert await pid_of(pool, tmp_path) == await pid_of(pool, tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has no limit of the address space")
@pytest.mark.parametrize("how", ["eat", "eat_native"])
async def test_memory_bomb_is_told_and_the_child_lives_on(pool: ChildPool, tmp_path: Path, how: str) -> None:
    pid = await pid_of(pool, tmp_path)
    answer = await pool.run(request(tmp_path, how))
    error = answer["error"]
    assert (answer["outcome"], error["code"], error["max_attempts"]) == ("retry", "out_of_memory", 2)
    assert "FOTOFILA_CHILD_MEMORY_MB" in error["sentence"]
    assert await pid_of(pool, tmp_path) == pid


async def test_job_that_hangs_is_killed_with_its_child(tmp_path: Path) -> None:
    async with opened(seconds=10) as pool:
        pid = await pid_of(pool, tmp_path)
        with pytest.raises(TimedOutError, match="FOTOFILA_JOB_SECONDS"):
            await pool.run(request(tmp_path, "hang"))
        await until_gone(pid)
        assert await pid_of(pool, tmp_path) != pid


@pytest.mark.parametrize(("how", "reason"), [("crash", "SIGSEGV"), ("leave", "exit code 3")])
async def test_child_that_ends_is_told_with_its_reason_and_replaced(
    pool: ChildPool, tmp_path: Path, how: str, reason: str
) -> None:
    with pytest.raises(CrashedError, match=reason) as caught:
        await pool.run(request(tmp_path, how))
    assert "the last word" in "".join(getattr(caught.value, "__notes__", [])) or how == "crash"
    assert await pid_of(pool, tmp_path)


async def test_child_that_died_at_rest_costs_nobody_anything(pool: ChildPool, tmp_path: Path) -> None:
    pid = await pid_of(pool, tmp_path)
    psutil.Process(pid).kill()
    await pool._idle[0].process.wait()
    assert await pid_of(pool, tmp_path) != pid


async def test_what_libraries_print_never_mixes_with_answers(pool: ChildPool, tmp_path: Path) -> None:
    async with asyncio.timeout(30):
        for _ in range(3):
            answer = await pool.run(request(tmp_path, "chatter"))
            assert answer["result"] == {"said": "enough"}


async def test_job_that_reads_its_input_hears_nothing(pool: ChildPool, tmp_path: Path) -> None:
    async with asyncio.timeout(30):
        assert (await pool.run(request(tmp_path, "listen")))["result"] == {"heard": ""}


@pytest.mark.parametrize("how", ["lie", "pretend"])
async def test_answer_that_is_none_ends_the_child_and_nothing_else(pool: ChildPool, tmp_path: Path, how: str) -> None:
    pid = await pid_of(pool, tmp_path)
    with pytest.raises(CrashedError, match="no answer that can be read"):
        await pool.run(request(tmp_path, how))
    assert await pid_of(pool, tmp_path) != pid


async def test_child_sees_no_setting_no_secret_and_no_open_file_of_ours(
    pool: ChildPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOTOFILA_SECRET_KEY", "s" * 40)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s" * 40)
    (tmp_path / "secret.key").write_text("secret")
    with (tmp_path / "secret.key").open() as ours:
        seen = (await pool.run(request(tmp_path, "look")))["result"]
        assert ours.readable()
    assert set(seen["environment"]) <= {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"}
    assert seen["folder"] == "/"
    assert [
        name for name in seen["descriptors"] if name.startswith("/") and not name.startswith(("/dev", "/proc"))
    ] == []
    if sys.platform == "linux":
        assert seen["limits"] == {"RLIMIT_AS": [MEMORY_MB << 20] * 2, "RLIMIT_CORE": [0, 0]}


async def test_child_loads_neither_database_nor_web_framework(pool: ChildPool, tmp_path: Path) -> None:
    modules = {name.partition(".")[0] for name in (await pool.run(request(tmp_path, "look")))["result"]["modules"]}
    assert not modules & {"sqlalchemy", "fastapi", "starlette", "uvicorn", "alembic"}


@pytest.mark.parametrize("how", ["behave", "hang"])
async def test_child_dies_with_its_parent(tmp_path: Path, how: str) -> None:
    with acting(hang_and_say, tmp_path, how) as parent:
        pid = await parent.hear()
        assert psutil.pid_exists(pid)
        parent.kill()
        await until_gone(pid)


async def test_cancelled_run_kills_its_child_and_frees_its_place(pool: ChildPool, tmp_path: Path) -> None:
    pid = await pid_of(pool, tmp_path)
    began = asyncio.Event()
    running = asyncio.create_task(pool.run(request(tmp_path, "hang"), on_progress=lambda _: began.set()))
    await began.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await until_gone(pid)
    assert await pid_of(pool, tmp_path)


async def test_closing_kills_the_children_at_work(tmp_path: Path) -> None:
    pool = ChildPool(size=1, memory_mb=MEMORY_MB, seconds=60)
    pid = await pid_of(pool, tmp_path)
    began = asyncio.Event()
    running = asyncio.create_task(pool.run(request(tmp_path, "hang"), on_progress=lambda _: began.set()))
    await began.wait()
    await pool.close()
    await until_gone(pid)
    assert isinstance((await asyncio.gather(running, return_exceptions=True))[0], CrashedError)


async def test_full_pool_asks_to_come_back(pool: ChildPool, tmp_path: Path) -> None:
    began = asyncio.Event()
    running = asyncio.create_task(pool.run(request(tmp_path, "hang"), on_progress=lambda _: began.set()))
    await began.wait()
    with pytest.raises(BusyError) as caught:
        await pool.run(request(tmp_path, "behave"), wait_seconds=0.01)
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "2")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    ("how", "outcome", "code", "permanent"),
    [
        ("stumble", "retry", "unexpected_error", False),
        ("refuse", "discard", "invalid_input", True),
        ("give_up", "retry", "unavailable", False),
    ],
)
async def test_what_a_job_raises_becomes_an_outcome_with_its_stack(
    pool: ChildPool, tmp_path: Path, how: str, outcome: str, code: str, permanent: bool
) -> None:
    answer = await pool.run(request(tmp_path, how))
    assert (answer["outcome"], answer["error"]["code"], answer["error"]["permanent"]) == (outcome, code, permanent)
    assert f"in {how}" in answer["error"]["stack"]

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from fotofila.bootstrap import make_context
from fotofila.core.capability import Principal, load
from fotofila.core.config import load_settings
from fotofila.core.db import Base
from fotofila.core.jobs.messages import Rendition
from fotofila.core.jobs.outcomes import Done, Work
from fotofila.library.add import add_photo
from fotofila.library.ingest import Limits, receive
from fotofila.library.models import Photo
from fotofila.notify.signatures import headers, new_secret
from fotofila.testing.pictures import jpeg
from tests.docs.conftest import ROOT

FENCE = re.compile(r"^```(?:python|toml|sh)\n# (\S+\.(?:py|toml))\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAM = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HOW_TO, TUTORIAL = ROOT / "docs" / "how-to" / "write-a-capability.md", ROOT / "docs" / "tutorial.md"
NOW = datetime(2026, 1, 31, tzinfo=UTC)
OWNER = "0" * 31 + "1"


def files_in(page: Path) -> dict[str, str]:
    return dict(FENCE.findall(page.read_text(encoding="utf-8")))


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package of the how-to, as if it were installed."""
    files = files_in(HOW_TO)
    for name in ("fotofila_light/__init__.py", "fotofila_light/jobs.py", "fotofila_light/apply.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(files[name], encoding="utf-8")
    info = tmp_path / "fotofila_light-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fotofila-light\nVersion: 0.1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[fotofila.capabilities]\nlight = fotofila_light:capability\n", encoding="utf-8"
    )
    for name in [name for name in sys.modules if name.split(".")[0] == "fotofila_light"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


async def test_capability_of_the_how_to_measures_a_photo(plugin: Path) -> None:
    settings = load_settings(
        data_dir=plugin / "data", capabilities=["library", "access", "light"], ingest_kind="light.measure"
    )
    context = make_context(settings)
    try:
        async with context.db.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        received = await receive(
            context.storage,
            body(),
            owner=OWNER,
            filename="a.jpg",
            declared_type=None,
            limits=Limits(max_bytes=10**7, max_pixels=10**8),
        )
        principal = Principal(owner=OWNER, scopes=frozenset({"photos:write"}))
        async with context.db.write() as session:
            added = await add_photo(session, context, principal, received, batch_id=None)
        kind = context.kinds.get("light.measure")
        original = plugin / "original"
        await context.storage.get_file(received.key, original)
        outcome = load(kind.work)(
            Work(args=added.job.args, original=original, folder=plugin, models_dir=plugin), lambda _: None
        )
        assert isinstance(outcome, Done)
        renditions = [
            Rendition(name=file.name, key=file.name, media_type=file.media_type, size_bytes=1)
            for file in outcome.renditions
        ]
        async with context.db.write() as session:
            job = await session.merge(added.job)
            job.execution_id = "e" * 32
            told = await load(kind.apply)(session, job, outcome.result, renditions, NOW)
        async with context.db.read() as session:
            photo = await session.get_one(Photo, added.photo.id)
    finally:
        await context.close()
    assert 0 < told["brightness"] < 1
    assert (photo.width, photo.height) == (64, 48)


def test_work_of_the_how_to_loads_neither_database_nor_web(plugin: Path) -> None:
    program = (
        "import sys, fotofila_light.jobs; "
        "print([name for name in ('sqlalchemy', 'fastapi', 'alembic', 'uvicorn') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(plugin)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_architecture_shows_the_capability_of_the_how_to() -> None:
    name = "fotofila_light/__init__.py"
    assert files_in(ROOT / "ARCHITECTURE.md")[name] == files_in(HOW_TO)[name]


@pytest.fixture
def webhook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "first_webhook.py").write_text(files_in(TUTORIAL)["first_webhook.py"], encoding="utf-8")
    monkeypatch.delitem(sys.modules, "first_webhook", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return import_module("first_webhook")


def signed(secrets: list[str], body: bytes) -> Mapping[str, str]:
    return headers(secrets, message_id="msg_1", at=NOW, body=body)


def test_webhook_program_of_the_tutorial_takes_what_we_sign(webhook: Any) -> None:
    secret, body = new_secret(), b'{"type": "job.done"}'
    assert webhook.verify(secret, signed([secret], body), body, now=NOW.timestamp()) == {"type": "job.done"}


def test_webhook_program_of_the_tutorial_takes_either_secret_of_a_rotation(webhook: Any) -> None:
    old, new, body = new_secret(), new_secret(), b"{}"
    assert webhook.verify(old, signed([new, old], body), body, now=NOW.timestamp()) == {}


def test_webhook_program_of_the_tutorial_refuses_another_body(webhook: Any) -> None:
    secret = new_secret()
    with pytest.raises(ValueError, match="another secret"):
        webhook.verify(secret, signed([secret], b"{}"), b'{"type": "job.done"}', now=NOW.timestamp())


def test_webhook_program_of_the_tutorial_refuses_an_old_message(webhook: Any) -> None:
    secret = new_secret()
    with pytest.raises(ValueError, match="too old"):
        webhook.verify(secret, signed([secret], b"{}"), b"{}", now=NOW.timestamp() + 301)


def test_programs_of_the_documentation_compile() -> None:
    program = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    shown = [(page, block) for page in pages for block in program.findall(page.read_text("utf-8"))]
    compiled = [compile(block, page, "exec") for page, block in shown]
    assert str(TUTORIAL) in {code.co_filename for code in compiled}


def test_changelog_fragments_have_their_form() -> None:
    fragments = [path for path in (ROOT / "changes").iterdir() if path.name != "README.md"]
    name = re.compile(r"(added|changed|fixed|removed|security)-[a-z0-9-]+\.md")
    assert [path.name for path in fragments if not name.fullmatch(path.name)] == []
    assert [path.name for path in fragments if path.read_text("utf-8").startswith("#")] == []


async def body() -> AsyncIterator[bytes]:
    yield jpeg()

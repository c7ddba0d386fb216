"""The parts that a server is made of: database, queue, storage, secret key, capabilities."""

from __future__ import annotations

import asyncio
import stat

from sqlalchemy.exc import SQLAlchemyError

from fotofila.bootstrap import load_capabilities, make_database, make_queue, make_storage
from fotofila.cli.database import told_database
from fotofila.cli.doctor.findings import Finding, note, ok, wrong
from fotofila.core.config import Settings, SettingsError
from fotofila.core.crypto import SecretKeys
from fotofila.core.db import Database
from fotofila.core.db.migrate import current_revision, head_revision, is_newer
from fotofila.core.errors import FotofilaError
from fotofila.core.ids import new_id

DEADLINE_SECONDS = 10.0


def is_new(settings: Settings) -> bool:
    """Say whether nothing was started yet in a data folder that would hold everything; a look must not make it."""
    urls = (settings.database_url, settings.queue_url, settings.storage_url)
    return not any(urls) and not settings.data_dir.exists()


async def check_database(settings: Settings) -> Finding:
    """Look at the revision."""
    database = make_database(settings)
    try:
        if not is_made(database):
            return ok("database", f"{database.file} is made by the first start.")
        async with asyncio.timeout(DEADLINE_SECONDS):
            with told_database(database):
                at = await current_revision(database)
        head = head_revision()
    except FotofilaError as error:
        return wrong("database", error.message)
    except (SQLAlchemyError, TimeoutError) as error:
        return wrong("database", f"It cannot be opened ({error}): look at FOTOFILA_DATABASE_URL.")
    finally:
        await database.close()
    return judge_revision(database, at, head)


def judge_revision(database: Database, at: str | None, head: str | None) -> Finding:
    """Say what a revision means."""
    if at == head:
        return ok("database", f"{database.shown} is at revision {at}, the newest.")
    if is_newer(at):
        return note("database", f"{database.shown} is at revision {at}, of a newer version than this one.")
    if database.is_sqlite:
        return note("database", f"It is at revision {at or 'none'}; the next start brings it to {head}.")
    return wrong("database", f"It is at revision {at or 'none'}, this version needs {head}: run `fotofila migrate`.")


def is_made(database: Database) -> bool:
    """Say whether a SQLite file is there; of another database its server will tell."""
    return not database.is_sqlite or database.file.is_file()


async def check_queue(settings: Settings) -> Finding:
    """Count every lane that matters."""
    queue = make_queue(settings)
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            depths = {lane: await queue.depth(lane) for lane in (*settings.worker_lanes, "results", "failures")}
    finally:
        await queue.close()
    return ok(
        "queue", ", ".join(f"{lane} {depth.ready}+{depth.leased}" for lane, depth in depths.items()) + " messages."
    )


async def check_storage(settings: Settings) -> Finding:
    """Write an object, read it, remove it."""
    storage = make_storage(settings)
    key, content = f"control/doctor-{new_id()}", b"fotofila"
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await storage.put(key, content)
            same = await storage.get(key) == content
            await storage.delete([key])
    finally:
        await storage.close()
    if not same:
        return wrong("storage", "What was read is not what was written: look at the disk, or at the bucket.")
    return ok("storage", "Written, read and removed.")


def check_secret_key(settings: Settings) -> Finding:
    """Look whether there is a key that can be used, and that others cannot read it."""
    file = settings.data_dir / "secret.key"
    if given := settings.secret_key.get_secret_value():
        SecretKeys.parse(given)
        return ok("secret key", "It comes from FOTOFILA_SECRET_KEY.")
    if not file.is_file():
        return ok("secret key", f"{file} is made by the first start.")
    SecretKeys.parse(file.read_text(encoding="ascii"))
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return wrong("secret key", f"{file} can be read by others: chmod 600 {file}")
    return ok("secret key", f"{file}; keep a copy elsewhere.")


def check_capabilities(settings: Settings) -> Finding:
    """Load every capability."""
    try:
        loaded = load_capabilities(settings.capabilities)
    except (SettingsError, ImportError) as error:
        return wrong("capabilities", str(error))
    kinds = sorted(kind.name for capability in loaded for kind in capability.job_kinds)
    if settings.ingest_kind not in kinds:
        known = ", ".join(kinds) or "none"
        return wrong(
            "capabilities", f"FOTOFILA_INGEST_KIND {settings.ingest_kind!r} is not loaded; there are: {known}."
        )
    return ok("capabilities", f"{', '.join(capability.name for capability in loaded)}; jobs: {', '.join(kinds)}.")

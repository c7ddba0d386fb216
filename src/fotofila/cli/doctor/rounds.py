"""The order in which everything is looked at."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

from fotofila.cli.doctor import machine, models, parts
from fotofila.cli.doctor.findings import Finding, ok, wrong
from fotofila.cli.doctor.settings import read_settings
from fotofila.core.config import Settings, SettingsError
from fotofila.core.errors import FotofilaError

Check = Callable[[Settings], Finding | Awaitable[Finding]]

OF_MACHINE: tuple[tuple[str, Check], ...] = (
    ("machine", machine.check_cpus),
    ("clock", machine.check_clock),
    ("data folder", machine.check_folder),
    ("port", machine.check_port),
    ("capabilities", parts.check_capabilities),
    ("secret key", parts.check_secret_key),
    ("models", models.check_models),
)
OF_PARTS: tuple[tuple[str, Check], ...] = (
    ("database", parts.check_database),
    ("queue", parts.check_queue),
    ("storage", parts.check_storage),
)


async def look_at_everything() -> list[Finding]:
    """Look at all; what needs the settings is left out where they cannot be read."""
    settings, told = read_settings()
    findings = [machine.check_python(), machine.check_libraries(), machine.check_page(), told]
    if settings is None:
        return findings
    findings += [await look(name, check, settings) for name, check in OF_MACHINE]
    if parts.is_new(settings):
        return [*findings, ok("database", "Database, queue and storage are made by the first start.")]
    return [*findings, *[await look(name, check, settings) for name, check in OF_PARTS]]


async def look(name: str, check: Check, settings: Settings) -> Finding:
    """Look at one thing; an error that we raise on purpose is what is wrong with it."""
    try:
        found = check(settings)
        return await found if inspect.isawaitable(found) else found
    except TimeoutError:
        return wrong(name, f"No answer within {parts.DEADLINE_SECONDS:g} seconds: is it running, and reachable?")
    except (FotofilaError, SettingsError) as error:
        return wrong(name, str(error))
    except OSError as error:
        return wrong(name, f"{error}: look at its disk and permissions.")

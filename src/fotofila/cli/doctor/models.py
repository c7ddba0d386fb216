"""The models: all there, and each the file that was pinned."""

from __future__ import annotations

from fotofila.cli.doctor.findings import Finding, ok, wrong
from fotofila.cli.pinned import needed_files, unmet_roles
from fotofila.core.config import Settings
from fotofila.core.inference.store import verify
from fotofila.faces.engine.names import LOCAL


def check_models(settings: Settings) -> Finding:
    """Hash every file."""
    files = [verify(spec, settings.models_dir) for spec in needed_files(settings)]
    mend = "run `fotofila models fetch`."
    if damaged := [file.path.name for file in files if file.state == "damaged"]:
        return wrong("models", f"Damaged in {settings.models_dir}: {', '.join(damaged)}: {mend}")
    unmet = unmet_roles(files)
    if unmet and settings.faces_engine != LOCAL:
        return ok("models", f"Not all in {settings.models_dir}; the engine {settings.faces_engine} needs none.")
    if unmet:
        return wrong("models", f"Missing in {settings.models_dir}: {'; '.join(unmet)}: {mend}")
    ready = sum(file.state == "ready" for file in files)
    return ok("models", f"{ready} files in {settings.models_dir} are what they should be.")

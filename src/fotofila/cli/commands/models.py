"""`fotofila models`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from fotofila.cli.lazy import new_app
from fotofila.cli.options import Json, configure_command, settings_with
from fotofila.cli.output import ERR, print_json, print_table, remark, say
from fotofila.cli.pinned import files_of, unmet_roles
from fotofila.core.config import Settings
from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.core.inference.fetch import FetchProgress, fetch_all
from fotofila.core.inference.specs import ModelSpec
from fotofila.core.inference.store import StoredFile, list_files
from fotofila.core.inference.store import verify as verify_file
from fotofila.faces.packs import allowed_pack
from fotofila.faces.specs import DEMO_PHOTOS

app = new_app()

MEGABYTE = 1_000_000
STEPS = {"downloading": "fetching from", "failed": "not from", "rewriting": "rewriting:", "ready": "ready:"}

PackOption = Annotated[
    str | None, typer.Option("--pack", help="permissive or research. Without it: what the settings need.")
]


@app.callback()
def models() -> None:
    """The models: fetch, list, verify.

    They lie in FOTOFILA_MODELS_DIR, pinned by SHA-256; nothing of what they came in is installed or run.
    """


@app.command()
def fetch(pack: PackOption = None, json: Json = False) -> None:
    """Fetch what is missing, prove it by its hash, and make it ready.

    `fotofila models fetch`

    The pack `research` is for non-commercial use only and is fetched where FOTOFILA_MODELS_NON_COMMERCIAL says so.
    """
    settings = prepare()
    wanted = files_of(settings, pack)
    if pack is not None:
        allowed_pack(pack, non_commercial=settings.models_non_commercial)
    with ERR.status("Looking at the models") as status:

        def tell(progress: FetchProgress) -> None:
            status.update(f"{progress.spec.name}: {STEPS.get(progress.step, progress.step)} {progress.detail}")
            if progress.step in STEPS and not (ERR.is_terminal and progress.step == "downloading"):
                remark(f"{progress.spec.name}: {STEPS[progress.step]} {progress.detail}")

        stored = [*fetch_all(wanted, settings.models_dir, tell)]
        try:
            stored += fetch_all(DEMO_PHOTOS, settings.models_dir, tell)
        except ModelUnavailableError as error:  # everything works without it
            remark(f"There will be no first photo: {error}", style="yellow")
    if json:
        print_json([shape(file) for file in stored])
    else:
        say(f"{len(stored)} files are ready in {settings.models_dir}.")


@app.command("list")
def list_all(pack: PackOption = None, json: Json = False) -> None:
    """Show every model with its licence, and whether it is here.

    `fotofila models list`
    """
    settings = prepare()
    show(list_files([*files_of(settings, pack), *DEMO_PHOTOS], settings.models_dir), json=json)


@app.command()
def verify(pack: PackOption = None, json: Json = False) -> None:
    """Hash every file again; the exit code is 1 when one is damaged, or a role has none.

    `fotofila models verify`
    """
    settings = prepare()
    files = [verify_file(spec, settings.models_dir) for spec in files_of(settings, pack)]
    show(files, json=json)
    damaged = [file.spec.name for file in files if file.state == "damaged"]
    if missing := [*damaged, *unmet_roles(files)]:
        remark(f"Not as it should be: {', '.join(missing)}. `fotofila models fetch` mends it.", style="red")
        raise typer.Exit(1)


def prepare() -> Settings:
    """Read the settings."""
    settings = settings_with()
    configure_command(settings)
    return settings


def show(files: Sequence[StoredFile], *, json: bool) -> None:
    """Print how files stand."""
    if json:
        print_json([shape(file) for file in files])
        return
    unmet = unmet_roles(files)
    rows = [
        (
            file.spec.role,
            f"{file.spec.name} {file.spec.version}",
            file.spec.licence,
            f"{file.size_bytes / MEGABYTE:.1f} MB" if file.size_bytes else "-",
            "spare" if file.state == "missing" and file.spec.role not in unmet else file.state,
        )
        for file in files
    ]
    print_table(("For", "Name", "Licence", "Size", "State"), rows)


def shape(file: StoredFile) -> dict[str, Any]:
    """Shape a file for programs."""
    spec = file.spec
    return {
        "name": spec.name,
        "version": spec.version,
        "role": spec.role,
        "licence": spec.licence,
        "input": spec.input if isinstance(spec, ModelSpec) else None,
        "state": file.state,
        "path": str(file.path),
        "size_bytes": file.size_bytes,
        "pinned_sha256": spec.sha256,
        "sha256": file.sha256,
        "sources": [str(source) for source in spec.sources],
    }

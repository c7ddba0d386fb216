"""`fotofila doctor`."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from fotofila.cli.doctor.findings import Finding
from fotofila.cli.doctor.rounds import look_at_everything
from fotofila.cli.doctor.settings import Reading, readings
from fotofila.cli.lazy import new_app
from fotofila.cli.options import DataDir, Json, set_option
from fotofila.cli.output import print_json, say, show_table
from fotofila.cli.running import run_async
from fotofila.core.observability.logs import configure_logs

app = new_app()

SIGNS = {"ok": ("✓", "green"), "note": ("!", "yellow"), "wrong": ("✗", "red")}


@app.command()
def doctor(data_dir: DataDir = None, json: Json = False) -> None:
    """Check everything that is needed, and name the mend.

    Nothing is changed. The exit code is 1 when something is wrong.

    `fotofila doctor`
    """
    set_option("data_dir", data_dir)
    configure_logs(level="error", fmt="console")
    findings = run_async(look_at_everything())
    sick = [finding for finding in findings if finding.verdict == "wrong"]
    if json:
        given = {reading.name: {"value": reading.value, "source": reading.source} for reading in readings()}
        print_json({"ok": not sick, "checks": [asdict(finding) for finding in findings], "settings": given})
    else:
        show(findings, readings())
        say(f"{len(sick)} wrong." if sick else "All is well.", style="red" if sick else "green")
    if sick:
        raise typer.Exit(1)


def show(findings: list[Finding], given: list[Reading]) -> None:
    """Print settings, then findings."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("Setting", "Value", "From"):
        table.add_column(column, overflow="fold")
    for reading in given:
        style = "dim" if reading.source == "default" else ""
        table.add_row(*(Text(cell, style=style) for cell in (reading.name, reading.value, reading.source)))
    show_table(table)
    for finding in findings:
        sign, style = SIGNS[finding.verdict]
        say(f"{sign} {finding.check}: {finding.sentence}", style=style if finding.verdict != "ok" else "")

"""`python -m scripts.audit`: known flaws in what we pin, where the services that know them answer.

Being offline is no error and is told; a flaw is one. Of the page only what reaches the browser is asked for.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = "requirements/base.txt"
SECONDS = 180
PIP_AUDIT = ("-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off", "--timeout", "10")


def main() -> int:
    """Ask both; returns 1 when either knows a flaw."""
    flaws = [*ask_pip(), *ask_npm()]
    return 1 if flaws else 0


def ask_pip() -> list[str]:
    """Return what pip-audit knows of our pins."""
    command = [sys.executable, *PIP_AUDIT, "--format", "json", "-r", REQUIREMENTS]
    answer = run(command, ROOT)
    audited = [each for each in answer.get("dependencies", []) if "vulns" in each]
    flaws = [
        f"{each['name']} {each['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'none yet'}"
        for each in audited
        for flaw in each["vulns"]
    ]
    return tell("pip-audit", flaws, asked=len(audited))


def ask_npm() -> list[str]:
    """Return what npm audit knows of what the page is made of."""
    command = [str(ROOT / "scripts" / "with-node"), "npm", "audit", "--omit=dev", "--json"]
    answer = run(command, ROOT / "web")
    found = answer.get("vulnerabilities")
    flaws = [f"{name}: {flaw.get('severity', 'a flaw')}" for name, flaw in (found or {}).items()]
    return tell("npm audit", flaws, asked=0 if found is None else 1)


def run(command: list[str], folder: Path) -> dict[str, Any]:
    """Return the JSON that a command prints; nothing where it prints none in time."""
    try:
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS)  # noqa: S603
        answer: dict[str, Any] = json.loads(ended.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return {}
    return answer


def tell(name: str, flaws: list[str], *, asked: int) -> list[str]:
    """Print what was learnt."""
    if not asked:
        sys.stdout.write(f"{name}: not run, its service does not answer here.\n")
    elif not flaws:
        sys.stdout.write(f"{name}: no known flaw.\n")
    for flaw in flaws:
        sys.stdout.write(f"{name}: {flaw}\n")
    return flaws


if __name__ == "__main__":
    sys.exit(main())

"""Ask the process of this container whether it lives; run by the image's HEALTHCHECK, without a shell.

`healthcheck.py /healthz` asks the HTTP server at FOTOFILA_PORT, `healthcheck.py /metrics` any other process at
FOTOFILA_METRICS_PORT. The exit code is 0 when it answers 200 in time.
"""
# ruff: noqa: INP001 - the image takes this file alone

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException

SECONDS = 4
PORTS = {"/healthz": ("FOTOFILA_PORT", "8000"), "/metrics": ("FOTOFILA_METRICS_PORT", "9464")}


def check(path: str) -> str:
    """Return what is wrong; nothing when it is well."""
    name, default = PORTS[path]
    connection = HTTPConnection("127.0.0.1", int(os.environ.get(name, default)), timeout=SECONDS)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"{path}: {error!r}"
    finally:
        connection.close()
    return "" if status == 200 else f"{path}: answered {status}"  # noqa: PLR2004 - OK


if __name__ == "__main__":
    sys.exit(check(sys.argv[1]) or None)

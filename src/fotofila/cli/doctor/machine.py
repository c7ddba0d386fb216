"""What the machine brings: Python, libraries, memory, disk, port, clock."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from fotofila.api.static import STATIC
from fotofila.cli.doctor.findings import Finding, note, ok, wrong
from fotofila.core.config import Settings
from fotofila.worker.loop import available_cpus

OLDEST_PYTHON = (3, 11)
NATIVE = (
    "onnxruntime",
    "numpy",
    "PIL._imaging",
    "simplejpeg",
    "pi_heif",
    "cryptography.hazmat.bindings._rust",
    "argon2",
    "orjson",
)
"""Libraries with compiled parts, which an upgrade of the system, or a copied .venv, may break."""
LITTLE_BYTES = 2 * 1024**3
TOO_LITTLE_BYTES = 200 * 1024**2
GIB = 1024**3
SKEW_SECONDS = 5.0
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def check_python() -> Finding:
    """Look at the interpreter."""
    text = f"Python {sys.version.split()[0]}, {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return wrong("python", f"{text}: 3.11 or later is needed.")
    return ok("python", text)


def check_libraries() -> Finding:
    """Look whether everything that we need is installed, and can be loaded."""
    missing = [name for name in required() if not installed(name)]
    if missing:
        return wrong("libraries", f"Not installed: {', '.join(missing)}. `make run` completes the environment.")
    broken = [name for name in NATIVE if not loads(name)]
    if broken:
        return wrong(
            "libraries", f"Cannot be loaded: {', '.join(broken)}. Remove .venv, then `make run` makes it anew."
        )
    return ok("libraries", f"All {len(list(required()))} are installed and can be loaded; {ssl.OPENSSL_VERSION}.")


def required() -> Iterator[str]:
    """Give the names of the distributions that we need on this machine."""
    for requirement in requires("fotofila") or []:
        _, _, marker = requirement.partition(";")
        if "extra" not in marker and not (sys.platform == "win32" and "win32" in marker):
            match = _NAME.match(requirement)
            if match is not None:
                yield match[0]


def installed(name: str) -> bool:
    """Say whether a distribution is installed."""
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def loads(module: str) -> bool:
    """Say whether a module can be imported."""
    try:
        import_module(module)
    except ImportError:
        return False
    return True


def check_cpus(settings: Settings) -> Finding:
    """Look whether the children fit into the memory."""
    children = settings.workers or available_cpus()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    text = f"{available_cpus()} CPUs, {memory / GIB:.1f} GiB of memory, {children} children at work."
    if memory < children * GIB:
        return note("machine", f"{text} A large photo needs 1 GiB: lower FOTOFILA_WORKERS.")
    return ok("machine", text)


def check_folder(settings: Settings) -> Finding:
    """Look whether the data folder can be written to, and has room."""
    folder = settings.data_dir
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir():
        return wrong("data folder", f"{existing} is no folder: set FOTOFILA_DATA_DIR to one.")
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"fotofila")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        mend = "give its permissions to this user, or set FOTOFILA_DATA_DIR to another"
        return wrong("data folder", f"{existing} cannot be written to ({error.strerror}): {mend}.")
    free = shutil.disk_usage(existing).free
    text = f"{folder}{'' if folder.exists() else ' (made by the first start)'}, {free / GIB:.1f} GiB free."
    if free < TOO_LITTLE_BYTES:
        return wrong("data folder", f"{text} Uploads will be refused: free some space.")
    return note("data folder", f"{text} Free some space soon.") if free < LITTLE_BYTES else ok("data folder", text)


def check_port(settings: Settings) -> Finding:
    """Look whether the port can be listened on, or is ours already."""
    text = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            if answers(settings):
                return ok("port", f"Fotofila answers on {text}.")
            return wrong("port", f"{text} cannot be listened on ({error.strerror}): set FOTOFILA_PORT to a free one.")
    return ok("port", f"{text} is free.")


def answers(settings: Settings) -> bool:
    """Say whether a Fotofila answers on our port."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    try:
        with urlopen(f"http://{host}:{settings.port}/healthz", timeout=3) as response:
            return b"alive" in response.read(1000)
    except (URLError, OSError):
        return False


def check_page() -> Finding:
    """Look whether the web page is built."""
    if (STATIC / "index.html").is_file():
        return ok("web page", "It is built.")
    return note("web page", "It is not built, the API works without it: `make web` builds it.")


def check_clock(settings: Settings) -> Finding:
    """Compare the clock with that of the data folder's disk, which may be another machine's."""
    built = Path(__file__).stat().st_mtime
    now = time.time()
    if now < built - 86400:
        return wrong("clock", f"It is {time.strftime('%Y-%m-%d %H:%M', time.gmtime(now))}, they say: set the clock.")
    folder = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            skew = Path(file.name).stat().st_mtime - now
    except OSError:
        skew = 0.0
    if abs(skew) > SKEW_SECONDS:
        return wrong("clock", f"The data folder's machine is {skew:+.0f} s off: let both follow the same time server.")
    return ok("clock", f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(now))} UTC.")

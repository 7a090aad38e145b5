"""A real PostgreSQL server for tests, in a folder of its own, that can be killed and started."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _programs() -> Path | None:
    """Where initdb and postgres are; Debian keeps them out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


def missing() -> str | None:
    """Why there can be no server here, or None."""
    return None if _programs() else "PostgreSQL is not installed"


class Postgres:
    """A server on a port of the loopback device."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder, self._programs = folder, programs
        # It refuses to run for root.
        self._user: str | None = None
        if os.getuid() == 0:
            self._user = next(
                (n for n in ("postgres", "nobody") if n in {p.pw_name for p in pwd.getpwall()}),
                None,
            )
            assert self._user, "no user whom PostgreSQL could run as"
            shutil.chown(folder, self._user)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._run("initdb", "-D", "data", "-A", "trust", "-U", "emolive", "--no-sync", "-E", "UTF8")

    @property
    def url(self) -> str:
        return f"postgresql://emolive@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        self._run("pg_ctl", "-D", "data", "-w", "-t", "60", "-l", "log", "-o", options, "start")

    def kill(self) -> None:
        """As a machine that loses its power."""
        pid = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        while True:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return

    def stop(self) -> None:
        if (self._folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *arguments], cwd=self._folder, user=self._user,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, check=False, timeout=90,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A server that runs meanwhile."""
    programs = _programs()
    assert programs is not None
    with tempfile.TemporaryDirectory(prefix="emolive-pg-") as name:
        server = Postgres(Path(name), programs)
        server.start()
        try:
            yield server
        finally:
            server.stop()

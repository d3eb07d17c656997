"""A real PostgreSQL server for the tests, from Debian's package, run by a user without privileges."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa
from conftest import free_port, wait_until

from training.database import Database

USERS = ("postgres", "nobody")
"""Who runs it where the tests are run by root, whom initdb refuses."""


def programs() -> Path | None:
    """Find the folder with initdb and pg_ctl, the newest version's."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    return Path(found).parent if found else None


class PostgreSQL:
    """A server with a folder and a port of its own."""

    def __init__(self, folder: Path) -> None:
        self._programs = folder
        self._user = next(name for name in USERS if _exists(name)) if os.geteuid() == 0 else None
        self._home = Path(tempfile.mkdtemp(prefix="hamgate-pg-", dir="/tmp"))
        if self._user:
            shutil.chown(self._home, self._user)
        self._port = free_port()
        self._databases = 0
        self._blank: str | None = None
        self._run("initdb", "-D", f"{self._home}/data", "-A", "trust", "-U", "hamgate", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start it, after a crash too, and wait until it answers."""
        settings = f"-p {self._port} -c unix_socket_directories= -c listen_addresses=127.0.0.1"
        settings += " -c recovery_init_sync_method=syncfs"  # one call instead of one for each of a thousand files
        self._run("pg_ctl", "-w", "-D", f"{self._home}/data", "-l", f"{self._home}/log", "-o", settings, "start")

    def new_database(self, template: str = "template1") -> str:
        """Create a database without tables, or a copy of another, and return its URL."""
        self._databases += 1
        server = f"postgresql://hamgate@127.0.0.1:{self._port}"
        engine = sa.create_engine(f"postgresql+psycopg{server.removeprefix('postgresql')}/postgres")
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"CREATE DATABASE test{self._databases} TEMPLATE {template}")
        engine.dispose()
        return f"{server}/test{self._databases}"

    def copied_database(self) -> str:
        """Create a database of empty tables and return its URL; the first one is copied, since that is sooner done."""
        if self._blank is None:
            url = self.new_database()
            Database(url).close()
            self._blank = url.rpartition("/")[2]
        return self.new_database(self._blank)

    def kill(self) -> None:
        """Kill every process of it at once, as a power cut would."""
        lock = self._home / "data" / "postmaster.pid"
        postmaster = int(lock.read_text(encoding="ascii").split()[0])
        os.kill(postmaster, signal.SIGSTOP)  # so that it starts no more processes while they are counted
        listed = subprocess.run(["pgrep", "-P", str(postmaster)], capture_output=True, text=True, check=False).stdout
        pids = [postmaster, *map(int, listed.split())]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(_runs(pid) for pid in pids))
        lock.unlink()  # where nobody buries the dead, the server would take them for running

    def remove(self) -> None:
        """Stop it and remove all that it kept."""
        self._run("pg_ctl", "-D", f"{self._home}/data", "-m", "immediate", "stop", check=False)
        shutil.rmtree(self._home, ignore_errors=True)

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        subprocess.run(
            [self._programs / program, *arguments],
            check=check,
            user=self._user,
            cwd=self._home,
            stdout=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _runs(pid: int) -> bool:
    """Whether a process runs; one that is dead and only waits to be buried does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False

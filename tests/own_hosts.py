"""Commands with a hosts file of their own, for clients of Akismet that have the address of its host built in.

Nothing else on the machine sees that file: each command runs in a mount namespace of its own, which only root may make.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = 'mount --bind "$0" /etc/hosts && exec "$@"'


class OwnHosts:
    """A hosts file, and the commands that see it."""

    def __init__(self, file: Path, addresses: dict[str, str]) -> None:
        """Write the names and their addresses to the file; skips the test where no command could be made to see it."""
        lines = [f"{address} {name}\n" for name, address in {"localhost": "127.0.0.1", **addresses}.items()]
        file.write_text("".join(lines), encoding="ascii")
        self._file = file
        if os.geteuid() != 0:
            pytest.skip("only root can give a command a hosts file of its own, and listen on port 443")
        if shutil.which("unshare") is None:
            pytest.skip("unshare is not installed (Debian: util-linux)")
        tried = subprocess.run(self.seen_by("true"), capture_output=True, text=True, check=False)
        if tried.returncode:
            pytest.skip(f"commands can't have a hosts file of their own here: {tried.stderr.strip()}")

    def seen_by(self, *command: str) -> list[str]:
        """Return the command that runs this one, and lets it see the file."""
        return ["unshare", "--mount", "sh", "-c", SCRIPT, str(self._file), *command]

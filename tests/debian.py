"""What Debian's archive has beside what is installed: packages of another release, and the sources of this one."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

NEWER, INSTALLED = "trixie", "bookworm"
SOURCES = f"""
deb http://deb.debian.org/debian {NEWER} main
deb-src http://deb.debian.org/debian {INSTALLED} main
"""
CONFIGURATION = """
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "/nonexistent";
Dir::State::Lists "{folder}/lists";
Dir::Cache "{folder}/cache";
APT::Sandbox::User "root";
"""


class Archive:
    """A client of the archive with lists of its own, which changes nothing on the machine."""

    def __init__(self, folder: Path) -> None:
        """Fetch what the archive has; skips the test where that can't be done."""
        self._folder = folder
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "cache" / "archives" / "partial").mkdir(parents=True)
        (folder / "sources.list").write_text(SOURCES, encoding="ascii")
        (folder / "apt.conf").write_text(CONFIGURATION.format(folder=folder), encoding="ascii")
        if shutil.which("apt-get") is None:
            pytest.skip("what Debian ships is fetched with apt-get, which is not here")
        self._get("update", "--error-on=any")

    def package(self, name: str) -> Path:
        """Unpack a package of the newer release."""
        self._get("download", name)
        (found,) = self._folder.glob(f"{name}_*.deb")
        subprocess.run(["dpkg-deb", "--extract", found, self._folder / name], check=True)
        return self._folder / name

    def source(self, name: str) -> Path:
        """Unpack what the package of the installed release was made of, as its author published it."""
        self._get("source", "--tar-only", "--download-only", name)
        (found,) = self._folder.glob(f"{name}_*.orig.tar.*")
        unpacked = self._folder / f"{name}-source"
        unpacked.mkdir()
        subprocess.run(["tar", "-xf", found, "-C", unpacked, "--strip-components=1"], check=True)
        return unpacked

    def _get(self, *words: str) -> None:
        environment = os.environ | {"APT_CONFIG": str(self._folder / "apt.conf")}
        done = subprocess.run(
            ["apt-get", "-qq", *words], cwd=self._folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"Debian's archive can't be used: {done.stderr.strip()[-200:]}")

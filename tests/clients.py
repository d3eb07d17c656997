"""Clients of Akismet, from PyPI and npm: each installed once for all tests, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

AKISMET_OF_PYPI = ("akismet==25.10.1", "pytest", "anyio", "httpx")
NODE_PACKAGES = ("@cedx/akismet@16.2.1", "akismet@2.0.7", "akismet-api@6.0.0", "mocha@10", "chai@4")
TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")
"""Whom Debian trusts. Node trusts a list of its own, and those whom the environment names besides."""
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


class Clients:
    """Folders with installed clients; whoever asks for one that can't be had is skipped."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.from_pypi = cache(self._from_pypi)
        self.suite_of_pypi = cache(self._suite_of_pypi)
        self.from_npm = cache(self._from_npm)

    def _from_pypi(self, *requirements: str) -> Path:
        """Return a folder for ``PYTHONPATH``: several clients are called ``akismet`` there, so each has its own."""
        folder = self._folder / requirements[0]
        _fetched(*PIP, "install", "--target", str(folder), *requirements)
        return folder

    def _suite_of_pypi(self, requirement: str) -> Path:
        """Return a folder with a client's source, in which its tests are."""
        folder = self._folder / f"{requirement}-source"
        _fetched(*PIP, "download", "--no-deps", "--no-binary", ":all:", "-d", str(folder), requirement)
        (archive,) = folder.glob("*.tar.gz")
        run(["tar", "-xzf", str(archive), "-C", str(folder), "--strip-components=1"])
        return folder

    def _from_npm(self) -> Path:
        """Return a folder whose scripts can import the clients of npm."""
        npm, folder = shutil.which("npm"), self._folder / "npm"
        if npm is None:
            pytest.skip("npm is not installed (Debian: npm)")
        trust = {} if "NODE_EXTRA_CA_CERTS" in os.environ else {"NODE_EXTRA_CA_CERTS": str(TRUSTED)}
        quietly = ("--loglevel", "error", "--no-audit", "--no-fund", "--no-update-notifier")
        _fetched(npm, "install", *quietly, "--prefix", str(folder), *NODE_PACKAGES, **trust)
        return folder


def run(
    command: list[str], folder: Path | None = None, check: bool = True, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed, if ``check``."""
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done


def _fetched(*command: str, **environment: str) -> None:
    done = run(list(command), check=False, **environment)
    if done.returncode:
        pytest.skip(f"{command[-1]} can't be fetched: {done.stderr.strip()[-300:]}")

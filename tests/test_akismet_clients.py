"""Real clients of Akismet, unmodified: their own end-to-end suites run against a Hamgate that is running."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Service

CLIENT = "akismet==25.10.1"
POINTER = 'import akismet._common\nakismet._common._API_URL = "http://127.0.0.1:{port}"\n'


def test_the_suite_of_the_python_client(service: Service, tmp_path: Path) -> None:
    """PyPI's ``akismet``; a pytest plugin of one assignment points it here, for it has no setting."""
    python = tmp_path / "venv" / "bin" / "python"
    run([sys.executable, "-m", "venv", str(tmp_path / "venv")])
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    fetched = run([*pip, "download", "--no-deps", "--no-binary", ":all:", "-d", str(tmp_path), CLIENT], check=False)
    if fetched.returncode:
        pytest.skip(f"{CLIENT} can't be fetched from PyPI: {fetched.stderr.strip()[-200:]}")
    run([*pip, "install", CLIENT, "pytest", "anyio", "httpx"])
    (archive,) = tmp_path.glob("akismet-*.tar.gz")
    run(["tar", "-xzf", str(archive), "-C", str(tmp_path)])
    (tmp_path / "pointed_here.py").write_text(POINTER.format(port=service.port), encoding="utf-8")
    suite = Path(str(archive).removesuffix(".tar.gz"))
    environment = {
        "PYTHONPATH": str(tmp_path),
        "PYTHON_AKISMET_API_KEY": service.key,
        "PYTHON_AKISMET_BLOG_URL": "http://blog.example",
    }
    done = run([str(python), "-m", "pytest", "-q", "-p", "pointed_here", "tests/end_to_end"], suite, environment)
    assert "26 passed" in done.stdout


def run(
    command: list[str], folder: Path | None = None, environment: dict[str, str] | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | (environment or {}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done

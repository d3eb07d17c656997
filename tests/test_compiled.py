"""Loops that are compiled and kept on disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import model
from model.kept import are_compiled

if TYPE_CHECKING:
    from conftest import Service

LOOPS = """
from model.compiled import compiled
from model.constants import FACTOR

@compiled
def times(number: int) -> int:
    return number * FACTOR
"""


def test_a_loop_is_compiled_anew_when_another_file_changes_and_only_then(tmp_path: Path) -> None:
    """Numba itself keeps constants of other files, as they were, for good: a table would be read beyond its end."""
    package = tmp_path / "model"
    package.mkdir()
    for name in ("compiled.py", "kept.py"):
        shutil.copy(Path(model.__file__).with_name(name), package)
    (package / "__init__.py").touch()
    (package / "loops.py").write_text(LOOPS, encoding="utf-8")
    found = []
    for factor in (2, 2, 3):
        (package / "constants.py").write_text(f"FACTOR = {factor}\n", encoding="utf-8")
        found.append((times_five(tmp_path), len(list(package.glob("__pycache__/loops-*/**/*.nbc")))))
    assert found == [(10, 1), (10, 1), (15, 2)]


def times_five(folder: Path) -> int:
    # Python's own bytecode is not kept: it takes a file for unchanged that changes within a second and keeps its size.
    code = "from model.loops import times; print(times(5))"
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_what_is_compiled_is_noted_until_a_file_of_the_package_changes(tmp_path: Path) -> None:
    package, given = tmp_path / "model", tmp_path / "given"
    package.mkdir()
    shutil.copy(Path(model.__file__).with_name("kept.py"), package)
    (package / "__init__.py").touch()
    assert not said(tmp_path, f"are_compiled({str(given)!r})")
    assert not said(tmp_path, f"note_compiled({str(given)!r})")
    assert said(tmp_path, f"are_compiled({str(given)!r})")
    assert not said(tmp_path, "are_compiled('')")
    (package / "constants.py").write_text("FACTOR = 2\n", encoding="utf-8")
    assert not said(tmp_path, f"are_compiled({str(given)!r})")


def said(folder: Path, call: str) -> bool:
    code = f"from model.kept import are_compiled, note_compiled; print({call} is True)"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip() == "True"


def test_everything_is_compiled_before_workers_start(service: Service) -> None:
    assert service.process.poll() is None
    assert are_compiled(os.environ.get("NUMBA_CACHE_DIR", ""))

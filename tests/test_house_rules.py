"""The house rules, checked on the source: who may import whom, in what order, and what nothing is called."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
RANKS = {"model": 0, "training": 1, "service": 2}
FORBIDDEN_NAMES = {"base", "common", "core", "helpers", "manager", "misc", "util", "utils"}
FORBIDDEN_IMPORTS = {
    "model": {"flask", "sqlalchemy", "granian", "http", "os", "socket", "time", "urllib.request"},
    "training": {"flask", "granian", "http", "socket", "urllib.request"},
    "service": {"sklearn", "scipy"},
}
FILES = sorted(path for package in RANKS for path in (HOUSE / package).rglob("*.py"))


def imports_of(path: Path) -> set[str]:
    """Return the dotted names of all modules that a file imports, also inside functions and for types alone."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def reading_order(package: str) -> list[str]:
    """Return the rooms in the order that the package's docstring gives."""
    docstring = ast.get_docstring(ast.parse((HOUSE / package / "__init__.py").read_text(encoding="utf-8"))) or ""
    order = re.search(r"Reading order: (.*?)\.(?:\s|$)", docstring, re.DOTALL)
    assert order, f"{package}/__init__.py gives no reading order"
    return re.findall(r"[\w/]+", order[1])


def room_of(path: Path, package: str) -> str:
    return path.relative_to(HOUSE / package).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_imports_never_point_up(path: Path) -> None:
    rank = RANKS[path.relative_to(HOUSE).parts[0]]
    upwards = {name for name in imports_of(path) if RANKS.get(name.partition(".")[0], -1) > rank}
    assert not upwards


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_package_does_not_know_what_is_not_its_business(path: Path) -> None:
    forbidden = FORBIDDEN_IMPORTS[path.relative_to(HOUSE).parts[0]]
    assert not [name for name in imports_of(path) for other in forbidden if f"{name}.".startswith(f"{other}.")]


@pytest.mark.parametrize("package", RANKS)
def test_a_file_imports_only_from_files_before_it_in_reading_order(package: str) -> None:
    order = reading_order(package)
    rooms = {room_of(path, package) for path in (HOUSE / package).rglob("*.py")} - {"__init__"}
    assert sorted(order) == sorted(rooms)
    for path in (HOUSE / package).rglob("*.py"):
        room = room_of(path, package)
        if room == "__init__":
            continue
        known = {name.split(".")[1] for name in imports_of(path) if name.startswith(f"{package}.")}
        later = {other for other in known if order.index(other) > order.index(room)}
        assert not later, f"{path.relative_to(HOUSE)} imports what comes after it"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_room_is_named_after_what_is_in_it(path: Path) -> None:
    assert not {part.removesuffix(".py") for part in path.relative_to(HOUSE).parts} & FORBIDDEN_NAMES


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_every_file_says_what_it_owns(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_the_launcher_imports_nothing_that_only_workers_run() -> None:
    """A service is there sooner, and takes less memory."""
    code = "import sys, service.server; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert not {"aiohttp", "flask", "numba", "numpy", "scipy", "sklearn"} & set(done.stdout.split())

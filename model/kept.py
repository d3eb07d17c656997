"""Where compiled loops are kept for later processes, and whether all are there already.

Owns the folder. Leaves compiling to ``compiled``; here nothing is imported that takes long.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile

import platformdirs


def loops_folder(given: str) -> Path:
    """Return the folder: below ``given`` or, where that is empty or can't be written to, at a place of our own.

    Another one whenever a file of this package changes: constants are compiled in, also those of other files, and Numba
    itself looks at a loop's own file alone.
    """
    package, digest = Path(__file__).parent, sha256()
    for path in sorted(package.glob("*.py")):
        digest.update(path.read_bytes())
    folder = Path()
    for cache in (given, package / "__pycache__", platformdirs.user_cache_path("hamgate")):
        folder = Path(cache) / f"loops-{digest.hexdigest()[:16]}"
        with suppress(OSError):
            if cache:
                folder.mkdir(parents=True, exist_ok=True)
                TemporaryFile(dir=folder).close()
                break
    return folder


def are_compiled(given: str) -> bool:
    """Whether all loops that a check needs were compiled there, by this version of Numba.

    On another kind of processor they are compiled once more, by whoever needs them.
    """
    return _mark(given).exists()


def note_compiled(given: str) -> None:
    """Note that they are, if that can be written."""
    with suppress(OSError):
        _mark(given).touch()


def _mark(given: str) -> Path:
    return loops_folder(given) / f"compiled-by-{version('numba')}"

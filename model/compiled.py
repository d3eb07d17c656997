"""Loops over numbers, compiled to machine code by Numba.

Code under ``compiled`` is compiled at its first call and kept on disk, so that later processes only load it.
"""

from __future__ import annotations

import ctypes
import mmap
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, TypeVar, cast

import platformdirs
from numba import config, njit

if TYPE_CHECKING:
    from collections.abc import Callable

    Loop = TypeVar("Loop", bound=Callable[..., object])

_MAPPINGS = Path("/proc/self/maps")


def _folder() -> Path:
    """Return where compiled code is kept: elsewhere whenever a file of this package changes.

    Constants are compiled in, also those of other files, and Numba itself looks at a loop's own file alone.
    """
    package, digest = Path(__file__).parent, sha256()
    for path in sorted(package.glob("*.py")):
        digest.update(path.read_bytes())
    given = config.CACHE_DIR  # type: ignore[attr-defined]  # made from NUMBA_CACHE_DIR as the module is imported
    folder = Path()
    for cache in (given, package / "__pycache__", platformdirs.user_cache_path("hamgate")):
        folder = Path(cache) / f"loops-{digest.hexdigest()[:16]}"
        with suppress(OSError):
            if cache:
                folder.mkdir(parents=True, exist_ok=True)
                TemporaryFile(dir=folder).close()
                break
    return folder


config.CACHE_DIR = str(_folder())  # type: ignore[attr-defined]


def compiled(loop: Loop) -> Loop:
    """Compile ``loop``; where no folder can be written to, every process compiles it anew."""
    try:
        return cast("Loop", njit(cache=True, nogil=True)(loop))
    except RuntimeError:
        return cast("Loop", njit(nogil=True)(loop))


def release_compiler() -> None:
    """Give back the 50 MiB that the compiler's own code takes, once the loops are loaded and nothing runs it.

    Should it run again, the system reads it from disk again. Does nothing on systems without ``/proc``.
    """
    if not _MAPPINGS.exists():
        return
    libc = ctypes.CDLL(None)
    for line in _MAPPINGS.read_text(encoding="utf-8").splitlines():
        if " r-xp " in line and "libllvmlite" in line:
            start, end = (int(address, 16) for address in line.split()[0].split("-"))
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)

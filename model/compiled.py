"""Loops over numbers, compiled to machine code by Numba.

Code under ``compiled`` is compiled at its first call and kept on disk, so that later processes only load it. Leaves to
``kept`` where that is.
"""

from __future__ import annotations

import ctypes
import mmap
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from numba import config, njit

from model.kept import loops_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    Loop = TypeVar("Loop", bound=Callable[..., object])

_MAPPINGS = Path("/proc/self/maps")


# Numba has read NUMBA_CACHE_DIR when it was imported.
config.CACHE_DIR = str(loops_folder(config.CACHE_DIR))  # type: ignore[attr-defined]


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

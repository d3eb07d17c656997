"""Files that people upload for an import: kept beside the database for a day at most, and bounded.

A file comes in parts, each small enough to be held in memory, and is named by a random id that only its sender knows.
"""

from __future__ import annotations

import re
import shutil
import time
from secrets import token_hex
from typing import TYPE_CHECKING

from service.problems import BodyTooLargeError, NotReadyError, WrongFieldError
from training.formats.files import KNOWN_SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path

KEPT_SECONDS = 24 * 60 * 60
MIN_FREE_BYTES = 512 * 1024 * 1024
"""Left on the disk whatever is uploaded, for the database to go on."""
_ID = re.compile(rf"[0-9a-f]{{32}}({'|'.join(map(re.escape, KNOWN_SUFFIXES))})(\.gz)?")


class Uploads:
    """A folder of uploaded files of at most so many bytes each."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    @property
    def max_bytes(self) -> int:
        """The largest file."""
        return self._max_bytes

    def begin(self, name: str) -> str:
        """Make an empty file for one that is called ``name`` where it comes from, and return its id.

        Raises:
            WrongFieldError: it is in no format that can be imported.
        """
        lower = name.lower()
        plain = lower.removesuffix(".gz")
        suffix = next((known for known in KNOWN_SUFFIXES if plain.endswith(known)), None)
        if suffix is None or (suffix == ".parquet" and plain != lower):
            raise WrongFieldError(
                "file", f"found {name[-20:]!r}, expected a name that ends in {', '.join(KNOWN_SUFFIXES)}"
            )
        upload = f"{token_hex(16)}{suffix}{'.gz' if plain != lower else ''}"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / upload).touch(mode=0o600)
        return upload

    def append(self, upload: str, offset: int, part: bytes) -> int:
        """Add a part that begins at ``offset``, and return the size that the file now has.

        Raises:
            WrongFieldError: there is no such file here, or it does not go on at that place.
            BodyTooLargeError: the file would be too large.
            NotReadyError: the disk is nearly full.
        """
        path = self.path(upload)
        if not path.is_file():
            raise WrongFieldError(
                "upload", "there is no such upload here; hosts behind a balancer must keep to a browser"
            )
        if path.stat().st_size != offset:
            raise WrongFieldError("offset", f"found {offset}, expected {path.stat().st_size}")
        if offset + len(part) > self._max_bytes:
            path.unlink(missing_ok=True)
            raise BodyTooLargeError(f"the file is larger than {self._max_bytes // 1024 // 1024:,} MiB")
        if shutil.disk_usage(self._folder).free - len(part) < MIN_FREE_BYTES:
            path.unlink(missing_ok=True)
            raise NotReadyError("the disk is nearly full, so no file can be taken")
        with path.open("ab") as stream:
            stream.write(part)
        return offset + len(part)

    def path(self, upload: str) -> Path:
        """Return where a file is, or was.

        Raises:
            WrongFieldError: that is no id of one.
        """
        if not _ID.fullmatch(upload):
            raise WrongFieldError("upload", "that is no upload")
        return self._folder / upload

    def forget_old(self) -> None:
        """Remove what has been there for a day."""
        for path in self._folder.glob("*") if self._folder.is_dir() else ():
            if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink(missing_ok=True)

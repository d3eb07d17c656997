"""Small files beside the database that only their owner may read: keys and secrets."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

import platformdirs

from training.database import sqlite_path

if TYPE_CHECKING:
    from pathlib import Path


def beside(database: str, suffix: str) -> Path:
    """Name a file beside a SQLite database, or for any other in the user's data directory.

    Raises:
        DatabaseUnusableError: the URL is wrong.
    """
    path = sqlite_path(database) or platformdirs.user_data_path("hamgate") / "hamgate"
    return path.with_name(f"{path.name}.{suffix}")


def replace_private(file: Path, content: str) -> None:
    """Write a file that only its owner may read, in place of what there was."""
    file.unlink(missing_ok=True)
    _write(file, content)


def kept_private(file: Path, content: str) -> str:
    """Return what a private file says; where there is none it says ``content`` from now on, whoever else writes it."""
    if not file.is_file():
        whole = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        _write(whole, content)
        with suppress(FileExistsError):
            os.link(whole, file)
        whole.unlink()
    return file.read_text(encoding="ascii").strip()


def _write(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as opened:
        opened.write(f"{content}\n")

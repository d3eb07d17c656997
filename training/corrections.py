"""Labels put right after reading: a file of digests, so that it holds no comment and fits whatever file one stands in.

A line is the first 16 hexadecimal digits of the SHA-256 of a comment's text (UTF-8), a blank, and the right label;
``#`` begins a remark.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from training.formats.row import FileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from training.labelled import Label, LabelledComment


def read_corrections(path: Path) -> dict[str, Label]:
    """Read the right label of each digest.

    Raises:
        FileError: the file can't be read, or a line is none of a digest and a label.
    """
    corrections: dict[str, Label] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(str(path), str(error)) from error
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or len(words[0]) != 16 or words[1] not in ("spam", "ham"):
            raise FileError(f"{path}:{number}", "expected 16 hexadecimal digits and a label, spam or ham")
        corrections[words[0]] = "spam" if words[1] == "spam" else "ham"
    return corrections


def corrected(examples: Iterable[LabelledComment], corrections: Mapping[str, Label]) -> Iterator[LabelledComment]:
    """Yield the examples with the labels that reading them has given."""
    for example in examples:
        label = corrections.get(digest_of(example.comment.text))
        yield replace(example, label=label) if label else example


def digest_of(text: str) -> str:
    """Return the digest by which corrections know a text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]

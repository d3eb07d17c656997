"""A comment with what a moderator said of it, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from model.comment import Comment, InvalidCommentError
from training.formats.files import read_rows
from training.formats.row import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Label = Literal["spam", "ham"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledComment:
    """A comment and its label (``None``: nobody has said yet). Unknown texts are the empty string.

    ``site`` is the unit to split by, ``thread`` the post or video within it, ``label_source`` who said the label.
    """

    comment: Comment
    label: Label | None
    site: str = ""
    thread: str = ""
    label_source: str = ""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object], default_site: str = "") -> LabelledComment:
        """Build one from decoded JSON or a table row; an empty label counts as none.

        Raises:
            InvalidCommentError: the comment is invalid, or the label is neither ``spam`` nor ``ham``.
        """
        return cls(
            comment=comment_of(mapping),
            label=label_of(mapping),
            site=_text(mapping, "site") or default_site,
            thread=_text(mapping, "thread"),
            label_source=_text(mapping, "label_source"),
        )


def read_labelled(source: str) -> Iterator[LabelledComment | Rejected]:
    """Yield the comments of a file in order; without a ``site`` field, a comment's site is the file's name.

    Raises:
        FileError: the whole file can't be read.
    """
    default_site = Path(source).name.partition(".")[0]
    for row in read_rows(source):
        if isinstance(row, Rejected):
            yield row
            continue
        try:
            yield LabelledComment.from_mapping(row.fields, default_site)
        except InvalidCommentError as error:
            yield Rejected(row.source, row.line, str(error))


def comment_of(mapping: Mapping[str, object]) -> Comment:
    """Build the comment of a row; unlike JSON, a Parquet table may hold its date as a date.

    Raises:
        InvalidCommentError: ``text`` is missing, or a known field is not a string.
    """
    written = mapping.get("date")
    if isinstance(written, date):  # datetime is one too
        mapping = {**mapping, "date": written.isoformat()}
    return Comment.from_mapping(mapping)


def label_of(mapping: Mapping[str, object]) -> Label | None:
    """Return the label of a row, or ``None``.

    Raises:
        InvalidCommentError: it is neither ``spam``, ``ham`` nor nothing.
    """
    label = mapping.get("label")
    if label is None or label == "":
        return None
    if label in ("spam", "ham"):
        return label
    raise InvalidCommentError("label", f"found {str(label)[:40]!r}, expected spam, ham or nothing")


def _text(mapping: Mapping[str, object], name: str) -> str:
    value = mapping.get(name)
    return "" if value is None else str(value)

"""Labelled comments of files into the label store, in transactions of a few hundred.

An import that was cut off is simply run again: labels that are there already are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from model.comment import InvalidCommentError
from training.formats.row import Rejected
from training.labelled import LabelledComment
from training.labels import GivenLabel, labeller

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from training.formats.row import Row
    from training.labels import LabelStore

LABELS_AT_ONCE = 500


@dataclass(slots=True)
class Imported:
    """Counts of an import: labels that said something new, labels that were there already, comments without a label."""

    added: int = 0
    known: int = 0
    unlabelled: int = 0


def given_labels(
    rows: Iterable[Row | Rejected], site: str, now: datetime, counts: Imported, by: str = ""
) -> Iterator[GivenLabel | Rejected]:
    """Yield the labels of rows as one site's; rows without a label are counted.

    They count as given by whom the row names, unless somebody answers for all of them (``by``).
    """
    for row in rows:
        if isinstance(row, Rejected):
            yield row
            continue
        try:
            labelled = LabelledComment.from_mapping(row.fields)
        except InvalidCommentError as error:
            yield Rejected(row.source, row.line, str(error))
            continue
        if labelled.label is None:
            counts.unlabelled += 1
            continue
        named = labeller(by or str(row.fields.get("labelled_by") or labelled.label_source or "import"))
        at = _time(row.fields.get("labelled_at")) or now
        yield GivenLabel(site, labelled.comment, labelled.label, named, at)


def add_labels(labels: Iterator[GivenLabel], store: LabelStore, counts: Imported) -> None:
    """Add labels, and count them as they become durable."""
    while chunk := list(islice(labels, LABELS_AT_ONCE)):
        added = store.add(chunk)
        counts.added += added
        counts.known += len(chunk) - added


def _time(written: object) -> datetime | None:
    """Read ISO 8601; without a time zone it is UTC."""
    try:
        read = written if isinstance(written, datetime) else datetime.fromisoformat(str(written or ""))
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None

"""Gathers scored comments for an evaluation: their labels, scores and groups, and the worst mistakes.

Owns which rows count and to which file, site and language they belong. Leaves measuring to ``evaluate``.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from model.comment import InvalidCommentError
from training.evaluate import EvaluatedFile, Outcomes
from training.formats.files import STANDARD_INPUT
from training.formats.row import Rejected, Row
from training.labelled import label_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from training.batch import Scored

UNKNOWN_LANGUAGE = "unknown"


@dataclass(frozen=True, slots=True)
class Mistakes:
    """The highest-scored ham and the lowest-scored spam, worst first."""

    ham: list[Scored]
    spam: list[Scored]


class Tally:
    """Gathers scored comments from files, keeping of each no more than a score and its groups.

    ``mistakes`` is how many of the worst comments on each side are kept whole.
    """

    def __init__(self, mistakes: int = 0) -> None:
        self._mistakes = mistakes
        self._order = count()
        self._worst_ham: list[tuple[float, int, Scored]] = []
        self._worst_spam: list[tuple[float, int, Scored]] = []
        self._unlabelled: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._labels: list[bool] = []
        self._scores: list[float] = []
        self._groups: list[tuple[str, str, str]] = []

    def __len__(self) -> int:
        return len(self._scores)

    def labelled(self, rows: Iterable[Row | Rejected]) -> Iterator[Row | Rejected]:
        """Pass on the rows that have a label, reject those whose label is wrong, and count the rest."""
        for row in rows:
            outcome = row if isinstance(row, Rejected) else _with_label(row)
            if outcome is None:
                self._unlabelled[row.source] += 1
            else:
                yield outcome

    def add(self, outcome: Scored | Rejected) -> None:
        """Count one outcome of scoring ``labelled`` rows."""
        if isinstance(outcome, Rejected):
            self._rejected[outcome.source] += 1
            return
        fields, score = outcome.row.fields, outcome.verdict["score"]
        is_spam = label_of(fields) == "spam"
        self._labels.append(is_spam)
        self._scores.append(score)
        site = fields.get("site") or source_name(outcome.row.source)
        self._groups.append((outcome.row.source, str(site), _language(fields)))
        if is_spam:
            self._keep(self._worst_spam, -score, outcome)
        else:
            self._keep(self._worst_ham, score, outcome)

    def outcomes(self) -> Outcomes:
        """Return all scored comments as arrays."""
        sources, sites, languages = (np.array(column) for column in zip(*self._groups, strict=True))
        names = _names(sorted(set(sources.tolist())))
        return Outcomes(
            is_spam=np.array(self._labels),
            scores=np.array(self._scores),
            sources=np.array([names[source] for source in sources.tolist()]),
            sites=sites,
            languages=languages,
        )

    def files(self, sources: Iterable[str]) -> list[EvaluatedFile]:
        """Return what was found in each file, and the file's checksum."""
        labelled = Counter(source for source, _, _ in self._groups)
        return [
            EvaluatedFile(source, _sha256(source), labelled[source], self._unlabelled[source], self._rejected[source])
            for source in sources
        ]

    def mistakes(self) -> Mistakes:
        """Return the comments that the model is most wrong about."""
        return Mistakes(*([scored for *_, scored in sorted(heap, reverse=True)] for heap in self._heaps()))

    def _heaps(self) -> tuple[list[tuple[float, int, Scored]], list[tuple[float, int, Scored]]]:
        return self._worst_ham, self._worst_spam

    def _keep(self, heap: list[tuple[float, int, Scored]], badness: float, outcome: Scored) -> None:
        item = (badness, -next(self._order), outcome)  # of equals the first stays
        if len(heap) < self._mistakes:
            heapq.heappush(heap, item)
        elif self._mistakes:
            heapq.heappushpop(heap, item)


def source_name(source: str) -> str:
    """Return a file's name without folder and suffixes."""
    return "standard input" if source == STANDARD_INPUT else Path(source).name.partition(".")[0]


def _names(sources: Sequence[str]) -> dict[str, str]:
    """Give each file its short name, or its whole path where two files would share one."""
    uses = Counter(map(source_name, sources))
    return {source: source_name(source) if uses[source_name(source)] == 1 else source for source in sources}


def _with_label(row: Row) -> Row | Rejected | None:
    try:
        return row if label_of(row.fields) else None
    except InvalidCommentError as error:
        return Rejected(row.source, row.line, str(error))


def _language(fields: dict[str, Any]) -> str:
    """Return the primary language subtag of BCP 47: ``en`` for ``en-GB``; ``und`` is its word for undetermined."""
    language = str(fields.get("lang") or "und").replace("_", "-").partition("-")[0].lower()
    return UNKNOWN_LANGUAGE if language == "und" else language


def _sha256(source: str) -> str | None:
    if source == STANDARD_INPUT:
        return None
    with Path(source).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

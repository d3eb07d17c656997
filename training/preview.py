"""What a version would have decided on labelled comments of files, before their labels are added to the store.

The version judges by itself, without what labels have taught since: these labels may be among them.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from training.formats.row import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model.artifact import Filter
    from training.labels import GivenLabel

COMMENTS_AT_ONCE = 256
MAX_EXAMPLES = 20
MAX_REJECTED = 20
SHOWN_CHARACTERS = 500


@dataclass(slots=True)
class Preview:
    """What was found: labels by decision, "ham block", the worst mistakes on both sides, and lines without a comment.

    ``wronged`` is ham with the highest scores that would not have been allowed, ``missed`` spam with the lowest that
    would have been.
    """

    model: str
    outcomes: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    first_rejected: list[str] = field(default_factory=list)
    _worst: dict[str, list[tuple[float, int, dict[str, Any]]]] = field(default_factory=lambda: {"ham": [], "spam": []})

    def sift(self, labels: Iterable[GivenLabel | Rejected]) -> Iterator[GivenLabel]:
        """Pass labels on, and count lines that hold none."""
        for label in labels:
            if isinstance(label, Rejected):
                self.rejected += 1
                if len(self.first_rejected) < MAX_REJECTED:
                    self.first_rejected.append(f"line {label.line}: {label.problem}")
            else:
                yield label

    def judge(self, served: Filter, labels: Iterator[GivenLabel]) -> None:
        """Count what a version makes of labelled comments."""
        while chunk := list(islice(labels, COMMENTS_AT_ONCE)):
            for given, verdict in zip(chunk, served.check_many([one.comment for one in chunk]), strict=True):
                self.outcomes[f"{given.label} {verdict.decision}"] += 1
                if (given.label == "ham") != (verdict.decision == "allow"):
                    self._keep(given, verdict.decision, verdict.score)

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        worst = {label: [shown for *_, shown in sorted(kept, reverse=True)] for label, kept in self._worst.items()}
        return {
            "model": self.model,
            "outcomes": dict(self.outcomes),
            "rejected": self.rejected,
            "first_rejected": self.first_rejected,
            "wronged": worst["ham"],
            "missed": worst["spam"],
        }

    def _keep(self, given: GivenLabel, decision: str, score: float) -> None:
        worst, badness = self._worst[given.label], score if given.label == "ham" else -score
        author, text = given.comment.author[:SHOWN_CHARACTERS], given.comment.text[:SHOWN_CHARACTERS]
        shown = {"author": author, "text": text, "decision": decision, "score": score}
        item = badness, -self.outcomes.total(), shown  # of equals the first stays
        if len(worst) < MAX_EXAMPLES:
            heapq.heappush(worst, item)
        else:
            heapq.heappushpop(worst, item)

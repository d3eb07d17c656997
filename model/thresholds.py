"""From score to decision: three thresholds. How they are chosen is the training package's affair."""

from __future__ import annotations

from dataclasses import dataclass

from model.verdict import Decision


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Scores at and above which a comment is reviewed, blocked or discarded; 0 <= review <= block <= discard."""

    review: float
    block: float
    discard: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.review <= self.block <= self.discard:
            raise ValueError(f"found {self}, expected 0 <= review <= block <= discard")

    def decide(self, score: float) -> Decision:
        """Translate a score into what the site should do."""
        if score >= self.discard:
            return Decision.DISCARD
        if score >= self.block:
            return Decision.BLOCK
        if score >= self.review:
            return Decision.REVIEW
        return Decision.ALLOW

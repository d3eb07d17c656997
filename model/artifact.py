"""The model as one file. (In progress: the interface below is what the service and the trainer rely on.)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model.comment import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from model.comment import Comment
    from model.thresholds import Thresholds
    from model.verdict import Verdict


class ArtifactError(ModelError):
    """The file is damaged, tampered with, too new or no model at all."""


class Filter:
    """A loaded model: scores comments and explains itself."""

    version: str
    card: dict[str, Any]
    thresholds: Thresholds

    def check(self, comment: Comment) -> Verdict:
        """Judge one comment."""
        return self.check_many([comment])[0]

    def check_many(self, comments: Sequence[Comment]) -> list[Verdict]:
        """Judge comments in order; each verdict equals that of ``check``."""
        raise NotImplementedError


def load(path: Path) -> Filter:
    """Read and verify an artefact."""
    raise NotImplementedError

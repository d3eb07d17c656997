"""Our own filter, as the benchmark sees the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from model.classifier import SpamClassifier
from training.dataset import expanded

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from training.labelled import LabelledComment

CHUNK = 64


class Ours:
    """The shipped recipe, trained on what a fold allows."""

    def __init__(self, jobs: int = 2) -> None:
        self._jobs = jobs
        self._classifier = SpamClassifier()

    def fit(self, examples: Sequence[LabelledComment], seed: int = 0) -> Self:
        """Learn from labelled comments."""
        examples = list(expanded(examples, seed))
        self._classifier = SpamClassifier(seed=seed, jobs=self._jobs).fit(
            [example.comment for example in examples],
            [int(example.label == "spam") for example in examples],
            [example.site for example in examples],
        )
        return self

    def scores(self, examples: Sequence[LabelledComment]) -> npt.NDArray[np.float64]:
        """Return log-odds of spam: float64, shape (n,)."""
        return np.concatenate(
            [
                self._classifier.decision_function([example.comment for example in examples[i : i + CHUNK]])
                for i in range(0, len(examples), CHUNK)
            ]
        )

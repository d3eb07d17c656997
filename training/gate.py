"""Whether a model version may take the served one's place: both judge the same labelled comments.

The comments are those of the label store that the candidate has not seen, and an operator's golden files; a file of ham
alone guards that ham. Ham newly blocked must be no more than chance allows (McNemar's exact test on the comments that
the two decide differently), and spam caught must not fall. Owns that rule and its words. Leaves recording a promotion,
forced or not, to ``registry``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import binomtest

from training.formats.row import Rejected, TrainingError
from training.holdout import Labelled, held_out, is_held_out
from training.labelled import read_labelled
from training.retrain import representative

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from model.artifact import Filter
    from model.comment import Comment
    from training.labels import GivenLabel

    Mask = npt.NDArray[np.bool_]

SIGNIFICANCE = 0.05
"""As often as that, a candidate no worse than the served version is refused for bad luck."""
TOLERATED_SPAM_SHARE = 0.01
"""Spam that the candidate may catch less, net, where chance explains it."""
MIN_HAM = 30
"""With less ham than that to measure on, harm could not show."""
MAX_EXAMPLES = 10
EXAMPLE_CHARACTERS = 100
CHUNK_COMMENTS = 256
BLOCKING = ("block", "discard")


class RefusedError(TrainingError):
    """The gate said no; the message says why."""


@dataclass(frozen=True, slots=True)
class GuardSet:
    """Labelled comments that both versions judge: shape (n,)."""

    name: str
    comments: Sequence[Comment]
    is_spam: Mask


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two versions make of one set; ``blocked`` counts the decisions block and discard.

    ``newly`` are comments that the candidate alone blocks, ``no_longer`` those that the served version alone blocks;
    ``chance`` is how likely at least so great a change for the worse would be if neither version were worse.
    ``examples`` are the beginnings of some ham that the candidate alone blocks.
    """

    name: str
    ham: int
    ham_blocked_by_served: int
    ham_blocked_by_candidate: int
    ham_newly_blocked: int
    ham_no_longer_blocked: int
    ham_chance: float
    spam: int
    spam_blocked_by_served: int
    spam_blocked_by_candidate: int
    spam_newly_blocked: int
    spam_no_longer_blocked: int
    spam_chance: float
    examples: tuple[str, ...]

    @classmethod
    def of(cls, guard: GuardSet, served: Mask, candidate: Mask) -> Comparison:
        """Compare what two versions block: arrays of shape (n,)."""
        is_spam = guard.is_spam
        blocked_now = np.flatnonzero(~is_spam & candidate & ~served)[:MAX_EXAMPLES]
        examples = tuple(guard.comments[index].text[:EXAMPLE_CHARACTERS] for index in blocked_now)
        counts: dict[str, Any] = {"name": guard.name, "examples": examples}
        for kind, chosen in (("ham", ~is_spam), ("spam", is_spam)):
            newly = int((chosen & candidate & ~served).sum())
            no_longer = int((chosen & served & ~candidate).sum())
            worse, better = (newly, no_longer) if kind == "ham" else (no_longer, newly)
            counts |= {
                kind: int(chosen.sum()),
                f"{kind}_blocked_by_served": int((chosen & served).sum()),
                f"{kind}_blocked_by_candidate": int((chosen & candidate).sum()),
                f"{kind}_newly_blocked": newly,
                f"{kind}_no_longer_blocked": no_longer,
                f"{kind}_chance": _chance(worse, better),
            }
        return cls(**counts)

    def objections(self) -> list[str]:
        """Say, in words for moderators, what speaks against the candidate."""
        found = []
        if self.ham_chance < SIGNIFICANCE:
            found.append(
                f"{self.name}: it blocks {self.ham_blocked_by_candidate:,} of {self.ham:,} good comments, the version "
                f"served now {self.ham_blocked_by_served:,}; that is more than chance explains. If these are spam, "
                f"label them so and try again:{''.join(f'{chr(10)}    {json.dumps(text)}' for text in self.examples)}"
            )
        lost = self.spam_blocked_by_served - self.spam_blocked_by_candidate
        if self.spam_chance < SIGNIFICANCE or lost > max(1, TOLERATED_SPAM_SHARE * self.spam):
            found.append(
                f"{self.name}: it blocks {self.spam_blocked_by_candidate:,} of {self.spam:,} spam comments, the "
                f"version served now {self.spam_blocked_by_served:,}"
            )
        return found


@dataclass(frozen=True, slots=True)
class GateReport:
    """Candidate and served version on all guard sets."""

    served: str
    candidate: str
    comparisons: tuple[Comparison, ...]

    def objections(self) -> list[str]:
        """Say what speaks against promoting the candidate; nothing where it may be promoted."""
        ham = sum(comparison.ham for comparison in self.comparisons)
        if ham < MIN_HAM:
            return [
                f"there are only {ham} good comments to measure it on that it has not learnt from, at least {MIN_HAM} "
                "are needed: label more comments, or name a golden file"
            ]
        return [objection for comparison in self.comparisons for objection in comparison.objections()]

    def require(self) -> None:
        """Let the candidate pass.

        Raises:
            RefusedError: something speaks against it.
        """
        objections = self.objections()
        if objections:
            lines = "".join(f"\n- {objection}" for objection in objections)
            raise RefusedError(
                f"version {self.candidate} is not promoted; {self.served} is still served.{lines}\n"
                "Labels that contradict each other or were given by mistake are the usual cause: "
                '"hamgate labels doubtful" lists those to look at again.'
            )

    def lines(self) -> list[str]:
        """Lay both versions' results out side by side, a line for each set and label."""
        rows = [f"{'blocked by':<44} {'served':>16} {'candidate':>16}"]
        for found in self.comparisons:
            for label, count, served, candidate in (
                ("ham", found.ham, found.ham_blocked_by_served, found.ham_blocked_by_candidate),
                ("spam", found.spam, found.spam_blocked_by_served, found.spam_blocked_by_candidate),
            ):
                what = f"{count:,} {label} of {found.name}"
                rows.append(f"{what:<44} {served:>16,} {candidate:>16,}")
        return rows


def compare(served: Filter, candidate: Filter, guards: Iterable[GuardSet], jobs: int = 1) -> GateReport:
    """Let both versions judge all guard sets, by the decisions that the service would make, in ``jobs`` threads."""
    comparisons = [
        Comparison.of(
            guard,
            _blocked(served, guard.comments, jobs),
            _blocked(candidate, guard.comments, jobs),
        )
        for guard in guards
    ]
    return GateReport(served.version, candidate.version, tuple(comparisons))


def held_out_labels(candidate: Filter, labels: Iterable[tuple[int, GivenLabel]]) -> GuardSet:
    """Choose the labels of a store that a version has not learnt from; for one trained elsewhere that is all."""
    cuts = held_out(candidate.card)
    unseen = [label for label in (Labelled.of(*numbered) for numbered in labels) if is_held_out(label, cuts)]
    chosen = representative(unseen)
    return GuardSet(
        "newest labels", [label.given.comment for label in chosen], np.array([label.is_spam for label in chosen], bool)
    )


def golden_set(path: str) -> GuardSet:
    """Read labelled comments that an operator keeps to measure versions on.

    Raises:
        FileError: it can't be read.
        TrainingError: it has a line that is no comment, or no label at all.
    """
    comments, is_spam = [], []
    for labelled in read_labelled(path):
        if isinstance(labelled, Rejected):
            raise TrainingError(f"golden file {labelled}")
        if labelled.label is not None:
            comments.append(labelled.comment)
            is_spam.append(labelled.label == "spam")
    if not comments:
        raise TrainingError(f"golden file {path}: no labelled comment")
    return GuardSet(Path(path).name, comments, np.array(is_spam))


def _blocked(model: Filter, comments: Sequence[Comment], jobs: int) -> Mask:
    chunks = [comments[start : start + CHUNK_COMMENTS] for start in range(0, len(comments), CHUNK_COMMENTS)]
    judged = Parallel(n_jobs=jobs, backend="threading")(delayed(model.check_many)(chunk) for chunk in chunks)
    return np.array([verdict.decision in BLOCKING for chunk in judged for verdict in chunk], dtype=bool)


def _chance(worse: int, better: int) -> float:
    """Return the one-sided exact p-value of McNemar's test (1947)."""
    if not worse:
        return 1.0
    return float(binomtest(worse, worse + better, 0.5, alternative="greater").pvalue)

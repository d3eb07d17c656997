"""Whether a model version may take the served one's place: both judge the same labelled comments.

The comments are those of the label store that the candidate has not seen, and an operator's golden files; a file of ham
alone guards that ham. Ham newly blocked must be no more than chance allows (McNemar's exact test on the comments that
the two decide differently), and spam caught must not fall: on the whole, nor on one site, nor in one language. Owns
that rule and its words. Leaves recording a promotion, forced or not, to ``registry``.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import binomtest

from training.formats.row import Rejected, TrainingError
from training.holdout import Labelled, held_out, is_held_out
from training.labelled import read_labelled
from training.retrain import representative
from training.traits import traits_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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
FLIP_CHARACTERS = 500
CHUNK_COMMENTS = 256
BLOCKING = ("block", "discard")


class RefusedError(TrainingError):
    """The gate said no; the message says why."""


@dataclass(frozen=True, slots=True)
class GuardSet:
    """Labelled comments that both versions judge: shape (n,). ``sites`` may be left out where they are unknown."""

    name: str
    comments: Sequence[Comment]
    is_spam: Mask
    sites: Sequence[str] = ()

    def slices(self) -> dict[str, Mask]:
        """Return what must not get worse by itself: each site, language, script, and the short comments."""
        groups: defaultdict[str, list[int]] = defaultdict(list)
        for index, comment in enumerate(self.comments):
            traits = traits_of(comment)
            names = [f"script {traits['script']}", f"{traits['length']} comments"]
            names += [f"language {comment.lang}"] if comment.lang else []
            names += [f"site {self.sites[index]}"] if self.sites else []
            for name in names:
                groups[name].append(index)
        masks = {name: np.zeros(len(self.comments), bool) for name in groups}
        for name, indices in groups.items():
            masks[name][indices] = True
        return {name: mask for name, mask in sorted(masks.items()) if not mask.all()}


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a set on which the candidate is worse beyond chance: so many blocked by served, and by candidate."""

    name: str
    label: str
    total: int
    blocked_by_served: int
    blocked_by_candidate: int


@dataclass(frozen=True, slots=True)
class Flip:
    """A labelled comment that only one of the two versions blocks; ``site`` is empty where it is unknown."""

    site: str
    label: str
    is_newly_blocked: bool
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two versions make of one set; ``blocked`` counts the decisions block and discard.

    ``newly`` are comments that the candidate alone blocks, ``no_longer`` those that the served version alone blocks;
    ``chance`` is how likely at least so great a change for the worse would be if neither version were worse.
    ``examples`` are the beginnings of some ham that the candidate alone blocks, ``flips`` some comments of each kind
    that the two decide differently, and ``worse_slices`` parts of the set that speak against the candidate.
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
    flips: tuple[Flip, ...] = ()
    worse_slices: tuple[Slice, ...] = ()

    @classmethod
    def of(cls, guard: GuardSet, served: Mask, candidate: Mask) -> Comparison:
        """Compare what two versions block: arrays of shape (n,)."""
        is_spam = guard.is_spam
        blocked_now = np.flatnonzero(~is_spam & candidate & ~served)[:MAX_EXAMPLES]
        examples = tuple(guard.comments[index].text[:EXAMPLE_CHARACTERS] for index in blocked_now)
        counts: dict[str, Any] = {"name": guard.name, "examples": examples}
        counts |= {"flips": _flips(guard, served, candidate), "worse_slices": _worse_slices(guard, served, candidate)}
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
        found += [
            f"{self.name}, {worse.name}: it blocks {worse.blocked_by_candidate:,} of {worse.total:,} "
            f"{'good' if worse.label == 'ham' else 'spam'} comments, the version served now "
            f"{worse.blocked_by_served:,}; that is more than chance explains, though the whole may be better"
            for worse in self.worse_slices
        ]
        return found


@dataclass(frozen=True, slots=True)
class GateReport:
    """Candidate and served version on all guard sets; ``promotion`` numbers the one that the served version is of."""

    served: str
    candidate: str
    comparisons: tuple[Comparison, ...]
    promotion: int | None = None

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


def compare(
    served: Filter,
    candidate: Filter,
    guards: Iterable[GuardSet],
    jobs: int = 1,
    done: Callable[[float], None] = lambda share: None,
) -> GateReport:
    """Let both versions judge all guard sets, by the decisions that the service would make, in ``jobs`` threads.

    ``done`` is told which share is done.
    """
    sets = list(guards)
    total, judged, comparisons = max(2 * sum(len(guard.comments) for guard in sets), 1), 0, []

    def count(comments: int) -> None:
        nonlocal judged
        judged += comments
        done(judged / total)

    for guard in sets:
        blocked = [_blocked(model, guard.comments, jobs, count) for model in (served, candidate)]
        comparisons.append(Comparison.of(guard, *blocked))
    return GateReport(served.version, candidate.version, tuple(comparisons))


def held_out_labels(candidate: Filter, labels: Iterable[tuple[int, GivenLabel]]) -> GuardSet:
    """Choose the labels of a store that a version has not learnt from; for one trained elsewhere that is all."""
    cuts = held_out(candidate.card)
    unseen = [label for label in (Labelled.of(*numbered) for numbered in labels) if is_held_out(label, cuts)]
    chosen = representative(unseen)
    return GuardSet(
        "newest labels",
        [label.given.comment for label in chosen],
        np.array([label.is_spam for label in chosen], bool),
        [label.given.site for label in chosen],
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


def _blocked(model: Filter, comments: Sequence[Comment], jobs: int, count: Callable[[int], None]) -> Mask:
    chunks = [comments[start : start + CHUNK_COMMENTS] for start in range(0, len(comments), CHUNK_COMMENTS)]
    parallel = Parallel(n_jobs=jobs, backend="threading", return_as="generator")
    blocked: list[bool] = []
    for verdicts in parallel(delayed(model.check_many)(chunk) for chunk in chunks):
        blocked += [verdict.decision in BLOCKING for verdict in verdicts]
        count(len(verdicts))
    return np.array(blocked, dtype=bool)


def _chance(worse: int, better: int) -> float:
    """Return the one-sided exact p-value of McNemar's test (1947)."""
    if not worse:
        return 1.0
    return float(binomtest(worse, worse + better, 0.5, alternative="greater").pvalue)


def _flips(guard: GuardSet, served: Mask, candidate: Mask) -> tuple[Flip, ...]:
    """Choose a few comments of each label and direction."""
    flips = []
    for is_spam, is_newly_blocked in product((False, True), (True, False)):
        changed = candidate & ~served if is_newly_blocked else served & ~candidate
        for index in np.flatnonzero(changed & (guard.is_spam == is_spam))[:MAX_EXAMPLES]:
            site = guard.sites[index] if guard.sites else ""
            text = guard.comments[index].text[:FLIP_CHARACTERS]
            flips.append(Flip(site, "spam" if is_spam else "ham", is_newly_blocked, text))
    return tuple(flips)


def _worse_slices(guard: GuardSet, served: Mask, candidate: Mask) -> tuple[Slice, ...]:
    """Find the slices that are worse beyond chance, all of them together being tested at the usual significance.

    Bonferroni's correction, counting only the slices whose changes are enough to be significant at all (Tarone 1990).
    """
    chances: list[tuple[float, int, Slice]] = []
    for name, chosen in guard.slices().items():
        for label, of_label in (("ham", ~guard.is_spam), ("spam", guard.is_spam)):
            rows = chosen & of_label
            newly, no_longer = int((rows & candidate & ~served).sum()), int((rows & served & ~candidate).sum())
            worse, better = (newly, no_longer) if label == "ham" else (no_longer, newly)
            found = Slice(name, label, int(rows.sum()), int((rows & served).sum()), int((rows & candidate).sum()))
            chances.append((_chance(worse, better), worse + better, found))
    level = SIGNIFICANCE / _tests([changes for _, changes, _ in chances])
    return tuple(found for chance, _, found in chances if chance < level)


def _tests(changes: Sequence[int]) -> int:
    """Return how many tests must be paid for: the fewest k of which no more than k could reach significance / k."""
    for tests in range(1, len(changes) + 1):
        if sum(0.5**changed < SIGNIFICANCE / tests for changed in changes) <= tests:
            return tests
    return 1

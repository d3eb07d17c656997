"""A model made better by the label store: the weights of a base model, moved no further than its labels make them.

The comments that the base model learnt from are not at hand, and need not be: its weights are the centre of a Gaussian
prior, and labels pull them away from it (a MAP estimate, as in Chelba and Acero 2006). Every retraining starts from the
base, never from what an earlier one made, so that no label counts twice and a wrong label put right leaves no trace.
The newest labels of each site are held out for ``gate``. What is measured is what is promoted: they stay held out, and
work through ``memory`` until a later retraining. Owns which labels train, their weights and the fit.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit

from model.artifact import CHUNK_COMMENTS, packed
from model.ngrams import grams_of
from model.scorer import packed_table, unpacked_table
from model.segments import parts_of
from training.dataset import MAX_NEAR_COPIES, MAX_PER_SITE_AND_LABEL, near_copy_key
from training.distribution import distributions
from training.formats.row import TrainingError
from training.holdout import Labelled, is_held_out, site_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from model.artifact import Filter
    from model.comment import Comment
    from model.scorer import Scorer
    from training.labels import GivenLabel

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

PENALTY = 0.01
"""L2 penalty on what the labels change, per label of weight 1; ``benchmarks/quality/retraining.py`` shows others."""
HALF_LIFE_DAYS = 1095.0
HELD_OUT_SHARE = 0.2
MIN_COMMENTS = 2
"""An n-gram that fewer comments have is left alone: it tells those comments, which are remembered anyway."""
FOLDS = 5
MIN_LABELS_OF_LABELLER = 20
"""Below, a labeller is believed: there is too little to judge by."""
MAX_JUDGED_LABELLERS = 30
"""Those with the most labels; each costs a fit."""
AT_ODDS = 0.05
"""A label that all else makes this improbable is at odds with it. Corrections of a filter's mistakes seldom are."""
TRUSTED_AGREEMENT = 0.5
MAX_ITERATIONS = 60
HELD_OUT_ITERATIONS = 20
"""Enough to tell which labels the others speak against."""
MAX_UNIT = 127
CONTRADICTED = 0.5
"""A label that the others make less probable than that does not train (Brodley and Friedl 1999), but is remembered."""
WEIGHING_FROM, LEARNING_FROM = 0.4, 0.8
"""Shares of the time that a retraining takes, for those who watch."""
DOUBTFUL = 0.05
"""One that they make this improbable is worth a second look."""


Report = Callable[[str, float], None]
"""Is told what is being done, and which share of the whole is done, 0 to 1."""


def unheard(message: str, share: float) -> None:
    """Tell nobody."""


class NothingToLearnError(TrainingError):
    """The store has too few labels to learn from."""


@dataclass(frozen=True, slots=True)
class Labeller:
    """A person or a source of labels; ``agreement``: how many of their labels all else does not contradict.

    ``None`` where there is too little to tell, or nobody else.
    """

    name: str
    labels: int
    agreement: float | None
    weight: float


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A label that the others speak against: ``probability`` is what they give it."""

    labelled: Labelled
    probability: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Labelled comments as numbers.

    Attributes:
        counts: float64 CSR, shape (n, c): 1 / sqrt(n-grams of the comment) where it has one; rows have norm 1.
        columns: int64, shape (c,): what the n-grams are known by.
        base: float64, shape (n,): log-odds of the base model.
        is_spam: bool, shape (n,).
    """

    counts: sparse.csr_matrix
    columns: Ints
    base: Floats
    is_spam: Mask


@dataclass(frozen=True, slots=True)
class Review:
    """Labels and what they are worth, given each other: one of ``weights`` for each of ``labels``, as of ``scores``.

    ``weights`` are float64, shape (n,), and so are ``scores``: P(spam) by models that have learnt from the others.

    ``labellers`` are ordered by their number of labels, ``doubtful`` by how improbable the label is.
    """

    labels: Sequence[Labelled]
    measured: Measured
    weights: Floats
    scores: Floats
    labellers: list[Labeller]
    doubtful: list[Doubtful]


@dataclass(frozen=True, slots=True)
class Retrained:
    """A candidate: the artefact's bytes, and the review of the labels that it has learnt from."""

    content: bytes
    review: Review


def retrain(
    base: Filter,
    labels: Iterable[tuple[int, GivenLabel]],
    half_life_days: float = HALF_LIFE_DAYS,
    jobs: int = 1,
    report: Report = unheard,
) -> Retrained:
    """Learn from a store's labels, each with its number; the newest of each site are left for ``gate``.

    Raises:
        NothingToLearnError: there are not both spam and ham to learn from.
    """
    every = [Labelled.of(number, given) for number, given in labels]
    cuts = _cuts(every)
    found = review(base, [label for label in every if not is_held_out(label, cuts)], half_life_days, jobs, report)
    report("learning", LEARNING_FROM)
    changes = fitted(found.measured, found.weights)
    scorer = changed_scorer(base.scorer, found.measured.columns, changes)
    card = _card(base, found, len(every), cuts, half_life_days)
    return Retrained(packed(scorer, base.thresholds, card), found)


def review(
    base: Filter,
    labels: Sequence[Labelled],
    half_life_days: float = HALF_LIFE_DAYS,
    jobs: int = 1,
    report: Report = unheard,
) -> Review:
    """Weigh labels by age and labeller, and find those that the others speak against.

    Raises:
        NothingToLearnError: there are not both spam and ham.
    """
    kept = representative(labels)
    if len({label.is_spam for label in kept}) < 2:
        counts = Counter(label.given.label for label in kept)
        raise NothingToLearnError(
            f"found {counts['spam']} spam and {counts['ham']} ham to learn from, expected both; label more comments"
        )
    measuring = f"measuring {len(kept):,} of {len(labels):,} labelled comments"
    report(measuring, 0.0)
    measured = measure(base.scorer, kept, jobs, lambda share: report(measuring, WEIGHING_FROM * share))
    weights = _ages(kept, half_life_days)
    report("asking what each labeller's labels are worth, and which are in doubt", WEIGHING_FROM)
    labellers = _labellers(measured, kept, weights)
    worth = {labeller.name: labeller.weight for labeller in labellers}
    weights *= [worth[label.given.labelled_by] for label in kept]
    probabilities = _cross_validated(measured, kept, weights)
    order = np.argsort(probabilities, kind="stable")
    doubtful = [Doubtful(kept[i], float(probabilities[i])) for i in order if probabilities[i] < DOUBTFUL]
    scores = np.where(measured.is_spam, probabilities, 1 - probabilities)
    return Review(kept, measured, weights * (probabilities >= CONTRADICTED), scores, labellers, doubtful)


def representative(labels: Sequence[Labelled]) -> list[Labelled]:
    """Keep the newest of each site: at most three near-copies of a comment, and 4,000 comments of one label."""
    copies: Counter[tuple[str, str, str]] = Counter()
    of_site: Counter[tuple[str, str]] = Counter()
    kept = []
    for label in sorted(labels, key=lambda label: label.place, reverse=True):
        group = label.given.site, label.given.label
        copy = (*group, near_copy_key(label.given.comment.text))
        if copies[copy] < MAX_NEAR_COPIES and of_site[group] < MAX_PER_SITE_AND_LABEL:
            kept.append(label)
            of_site[group] += 1
        copies[copy] += 1
    return sorted(kept, key=lambda label: label.number)


def measure(
    scorer: Scorer, labels: Sequence[Labelled], jobs: int = 1, done: Callable[[float], None] = lambda share: None
) -> Measured:
    """Turn labelled comments into numbers, in ``jobs`` processes; ``done`` is told which share is."""
    comments = [label.given.comment for label in labels]
    chunks = [comments[start : start + CHUNK_COMMENTS] for start in range(0, len(comments), CHUNK_COMMENTS)]
    results = []
    parallel = Parallel(n_jobs=jobs, return_as="generator")
    for measured in parallel(delayed(_measured_chunk)(scorer, chunk) for chunk in chunks):
        results.append(measured)
        done(len(results) / len(chunks))
    lengths = np.concatenate([length for _, length, _ in results])
    every = np.concatenate([columns for columns, _, _ in results]).astype(np.int64)
    columns, places = np.unique(every, return_inverse=True)
    data = (1 / np.sqrt(np.maximum(lengths, 1))).repeat(lengths)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    counts = sparse.csr_matrix((data, places, indptr), shape=(len(labels), len(columns)))
    shared = np.flatnonzero(np.bincount(places, minlength=len(columns)) >= MIN_COMMENTS)
    return Measured(
        counts[:, shared],
        columns[shared],
        np.concatenate([base for *_, base in results]),
        np.array([label.is_spam for label in labels]),
    )


def fitted(measured: Measured, weights: Floats, penalty: float = PENALTY, iterations: int = MAX_ITERATIONS) -> Floats:
    """Return what to add to each n-gram's log-odds: float64, shape (c,).

    Minimises the weighted log-loss of base log-odds and changes together, plus ``penalty`` / 2 times the changes'
    squared norm.
    """
    counts, signs = measured.counts, np.where(measured.is_spam, 1.0, -1.0)

    def loss(changes: Floats) -> tuple[float, Floats]:
        margins = signs * (measured.base + counts @ changes)
        residuals = -weights * signs * expit(-margins)
        value = float(weights @ np.logaddexp(0, -margins) + penalty / 2 * changes @ changes)
        return value, counts.T @ residuals + penalty * changes

    start = np.zeros(counts.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations, "maxcor": 5})
    return np.asarray(found.x, dtype=np.float64)


def changed_scorer(scorer: Scorer, columns: Ints, changes: Floats) -> Scorer:
    """Add changes of log-odds to a scorer's joint weights; its scale grows where they need more room."""
    known, regression, joint, bayes = unpacked_table(scorer.table)
    every = np.union1d(known, columns)
    wanted = np.zeros(len(every))
    wanted[np.searchsorted(every, known)] = joint * scorer.joint_scale
    wanted[np.searchsorted(every, columns)] += changes / scorer.slope
    parts = np.zeros((2, len(every)), dtype=np.int64)
    parts[:, np.searchsorted(every, known)] = regression, bayes
    scale = min(max(float(np.abs(wanted).max(initial=0)) / MAX_UNIT, scorer.joint_scale), 2 * scorer.joint_scale)
    units = np.clip(np.rint(wanted / scale), -MAX_UNIT, MAX_UNIT).astype(np.int64)
    useful = (units != 0) | parts.any(axis=0)
    importance = np.abs(wanted) + np.abs(parts[0]) * scorer.family_scales.mean() + np.abs(parts[1]) * scorer.bayes_scale
    table = packed_table(every[useful], parts[0, useful], units[useful], parts[1, useful], importance[useful])
    return replace(scorer, table=table, joint_scale=scale)


def _measured_chunk(scorer: Scorer, comments: Sequence[Comment]) -> tuple[npt.NDArray[np.uint32], Ints, Floats]:
    """Return the n-grams of comments, row by row, how many each has, and the base log-odds."""
    grams = grams_of([parts_of(comment) for comment in comments])
    log_odds = scorer.contributions(grams.columns, grams.runs, grams.sizes, grams.is_ping).log_odds
    return grams.columns, grams.sizes.sum(axis=1), log_odds


def _labellers(measured: Measured, labels: Sequence[Labelled], weights: Floats) -> list[Labeller]:
    """Judge each labeller by a model that has learnt from the others alone; who is mostly at odds with it weighs 0."""
    names = np.array([label.given.labelled_by for label in labels])
    counts = Counter(names.tolist())
    judged = [name for name, count in counts.most_common(MAX_JUDGED_LABELLERS) if count >= MIN_LABELS_OF_LABELLER]
    agreements = {
        name: float((_held_out_probabilities(measured, weights, names == name) >= AT_ODDS).mean())
        for name in judged
        if len(counts) > 1
    }
    return [
        Labeller(name, count, agreements.get(name), float(agreements.get(name, 1.0) >= TRUSTED_AGREEMENT))
        for name, count in counts.most_common()
    ]


def _cross_validated(measured: Measured, labels: Sequence[Labelled], weights: Floats) -> Floats:
    """Return each label's probability by a model that has learnt from other comments: float64, shape (n,)."""
    folds = np.array([int.from_bytes(_digest(near_copy_key(label.given.comment.text))) % FOLDS for label in labels])
    probabilities = np.ones(len(labels))
    for fold in np.unique(folds):
        probabilities[folds == fold] = _held_out_probabilities(measured, weights, folds == fold)
    return probabilities


def _held_out_probabilities(measured: Measured, weights: Floats, is_held: Mask) -> Floats:
    """Learn from all other labels and return what that makes of those held out: each one's P(label as given)."""
    changes = fitted(measured, np.where(is_held, 0.0, weights), iterations=HELD_OUT_ITERATIONS)
    log_odds = measured.base[is_held] + measured.counts[is_held] @ changes
    return np.asarray(expit(np.where(measured.is_spam[is_held], log_odds, -log_odds)), dtype=np.float64)


def _ages(labels: Sequence[Labelled], half_life_days: float) -> Floats:
    """Weigh labels by age: 1 for a site's newest, half as much for each half-life before: float64, shape (n,)."""
    newest: dict[str, datetime] = {}
    for label in labels:
        site = label.given.site
        newest[site] = max(newest.get(site, label.written_at), label.written_at)
    days = [(newest[label.given.site] - label.written_at) / timedelta(days=1) for label in labels]
    return np.asarray(0.5 ** (np.array(days) / half_life_days), dtype=np.float64)


def _cuts(labels: Iterable[Labelled]) -> dict[str, tuple[str, int]]:
    """Return, for each site, the place of the newest label that trains."""
    of_site: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for label in labels:
        of_site[label.given.site].append(label.place)
    return {
        site_key(site): sorted(places)[max(math.ceil(len(places) * (1 - HELD_OUT_SHARE)) - 1, 0)]
        for site, places in of_site.items()
    }


def _card(
    base: Filter,
    found: Review,
    given: int,
    cuts: dict[str, tuple[str, int]],
    half_life_days: float,
) -> dict[str, Any]:
    """Say what the version was made of."""
    kept = found.labels
    spam = sum(label.is_spam for label in kept)
    dates = sorted(label.written_at.date().isoformat() for label in kept)
    digest = hashlib.sha256(repr([(label.number, label.given.label) for label in kept]).encode())
    return {
        "task": base.card.get("task", ""),
        "base": {
            "version": base.version,
            "trained_on": base.card.get("trained_on", {}),
            "budget": base.card.get("budget", {}),
        },
        "trained_on": {
            "comments": len(kept),
            "labelled_comments_given": given,
            "spam": spam,
            "ham": len(kept) - spam,
            "sites": len({label.given.site for label in kept}),
            "oldest": dates[0],
            "newest": dates[-1],
            "digest": digest.hexdigest()[:16],
            "newest_label": max(label.number for label in kept),
        },
        **distributions([label.given.comment for label in kept], found.scores, found.measured.is_spam.tolist()),
        "held_out": cuts,
        "thresholds": asdict(base.thresholds),
        "recipe": {"half_life_days": half_life_days, "penalty": PENALTY},
    }


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8]

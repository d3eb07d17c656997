"""Learning the weights from labelled comments, with scikit-learn's estimators and contract.

Owns how weights are learnt and how much each site may say. Leaves scoring to ``scorer``, and which comments there are,
their folds and the thresholds to the training package.

Three learners share the n-grams because they fail differently on sites never seen: a logistic regression for each
family, whose absence is then no evidence; one over all families together; and naive Bayes over the words of all fields
(Graham 2002, Robinson 2003), which knows campaigns' wording with the fewest false alarms. Their plain sum beats each,
and beats trees over them: ``docs/quality.md`` has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, SGDClassifier

from model.compiled import compiled
from model.ngrams import COLUMN_BITS, FAMILIES, TEXT_FAMILIES, grams_of
from model.scorer import Scorer, packed_table
from model.segments import parts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from model.comment import Comment

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

CHUNK_COMMENTS = 64
_DESCRIPTION_BITS = 4
_DESCRIPTION_MASK = np.uint32((1 << _DESCRIPTION_BITS) - 1)
MIN_SITES = 2
"""An n-gram of one site alone says more about that site than about spam."""
BAYES_STRENGTH = 0.45
"""Robinson's s: how many comments the prior of one half is worth."""
BAYES_MIN_DISTANCE = 0.1
"""Words whose spam probability is nearer to one half than this are noise."""
BAYES_WEIGHT = 0.5
JOINT_WEIGHT = 1.0
"""What the sum gives to naive Bayes and to the joint regression; each family's regression has 1."""
MIN_VISITS = 400_000
"""A small training set is gone through more often, until so many comments have been visited."""
MAX_INVERSE_PENALTY = 30.0
"""And penalised more: scikit-learn's C, as alpha = 1 / (C * n)."""
FEW_COMMENTS = 10_000
"""Where there are no more, the words of the text have a regression of their own too. With many it lost: the words are
then left to the joint regression and to naive Bayes, which say the same more evenly."""
REGRESSION_SITE_POWER = 0.5
BAYES_SITE_POWER = 0.2
"""A site with n comments of a label weighs n**power, so that no site or campaign dominates."""


@dataclass(frozen=True, slots=True)
class Design:
    """Labelled comments as numbers.

    Attributes:
        counts: float32 CSR, shape (n, c): 1 where a comment has an n-gram; n-grams of one site alone are left out.
        columns: int64, shape (c,): what the n-grams are known by.
        family_of: int8, shape (c,): the family of an n-gram.
        is_word: bool, shape (c,).
        sizes: int64, shape (n, families): n-grams of each family in each comment.
        labels: int64, shape (n,): 1 spam, 0 ham.
        sites: int64, shape (n,): the site's number.
    """

    counts: sparse.csr_matrix
    columns: Ints
    family_of: npt.NDArray[np.int8]
    is_word: npt.NDArray[np.bool_]
    sizes: Ints
    labels: Ints
    sites: Ints


def design_of(comments: Sequence[Comment], labels: Sequence[int], sites: Sequence[str], jobs: int = 1) -> Design:
    """Measure labelled comments, in ``jobs`` processes."""
    chunks = [comments[i : i + CHUNK_COMMENTS] for i in range(0, len(comments), CHUNK_COMMENTS)]
    measured = Parallel(n_jobs=jobs)(delayed(_measure)(chunk) for chunk in chunks)
    described = np.concatenate([chunk.described for chunk in measured])
    indptr = np.concatenate([[0], np.cumsum(np.concatenate([chunk.distinct for chunk in measured]))])
    sizes = np.concatenate([chunk.sizes for chunk in measured])
    del measured
    numbers = np.unique(np.asarray(sites), return_inverse=True)[1].astype(np.int64)
    indices = (described >> _DESCRIPTION_BITS).view(np.int32)
    ones = np.ones(len(indices), dtype=np.float32)
    counts = sparse.csr_matrix((ones, indices, indptr), shape=(len(comments), 1 << COLUMN_BITS))
    columns = _shared_columns(counts, np.arange(len(comments)), numbers)
    description = np.zeros(1 << COLUMN_BITS, dtype=np.uint8)
    description[indices] = described & _DESCRIPTION_MASK
    return Design(
        counts=_selected(counts, np.arange(len(comments)), columns),
        columns=columns,
        family_of=(description[columns] >> 1).view(np.int8),
        is_word=description[columns] % 2 == 1,
        sizes=sizes,
        labels=np.asarray(labels, dtype=np.int64),
        sites=numbers,
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    """The distinct n-grams of a chunk's comments, comment by comment.

    Attributes:
        described: uint32: the column, and in the lowest bits the family and whether it is one of words.
        distinct: int64: how many each comment has.
        sizes: int64, shape (n, families).
    """

    described: npt.NDArray[np.uint32]
    distinct: Ints
    sizes: Ints


def _measure(comments: Sequence[Comment]) -> _Measured:
    grams = grams_of([parts_of(comment) for comment in comments])
    rows, families = np.divmod(grams.cells.astype(np.uint64), np.uint64(len(FAMILIES)))
    keys = (rows << np.uint64(32)) | (grams.columns.astype(np.uint64) << np.uint64(_DESCRIPTION_BITS))
    keys |= families << np.uint64(1)
    keys |= grams.is_word.astype(np.uint64)
    keys.sort()
    per_comment = np.bincount((keys >> np.uint64(32)).astype(np.int64), minlength=len(comments))
    return _Measured(keys.astype(np.uint32), per_comment, grams.sizes)


class SpamClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """P(spam) of comments, from hashed n-grams of all their fields.

    Parameters:
        text_alpha: L2 penalty of the logistic regressions over the text and over all fields.
        field_alpha: of those over single fields, which have less to go by.
        epochs: passes over the comments.
        seed: of the order in which comments are visited.
        jobs: processes to measure comments with.

    Learns ``scorer_``. Its log-odds are uncalibrated until ``calibrate`` has seen held-out scores.
    """

    def __init__(
        self,
        text_alpha: float = 1e-6,
        field_alpha: float = 1e-5,
        epochs: int = 5,
        seed: int = 0,
        jobs: int = 1,
    ) -> None:
        self.text_alpha = text_alpha
        self.field_alpha = field_alpha
        self.epochs = epochs
        self.seed = seed
        self.jobs = jobs

    def fit(self, comments: Sequence[Comment], labels: Sequence[int], sites: Sequence[str] | None = None) -> Self:
        """Learn from comments, their labels (1 spam, 0 ham) and the sites they come from (default: all one site)."""
        sites = sites if sites is not None else [""] * len(comments)
        return self.fit_design(design_of(comments, labels, sites, self.jobs))

    def fit_design(self, design: Design, rows: Ints | None = None) -> Self:
        """Learn from measured comments, or from some rows of them."""
        chosen = np.arange(len(design.labels)) if rows is None else rows
        labels, sites, sizes = design.labels[chosen], design.sites[chosen], design.sizes[chosen]
        shared = _shared_columns(design.counts, chosen, sites)
        counts = _selected(design.counts, chosen, shared)
        columns, family_of = design.columns[shared], design.family_of[shared]
        regression, joint, scales, offsets = self._fit_regressions(counts, family_of, sizes, labels, sites)
        ratios = np.where(design.is_word[shared], _bayes_ratios(counts, labels, sites), 0.0)
        importance = np.abs(regression * scales[family_of]) + JOINT_WEIGHT * np.abs(joint) + np.abs(ratios)
        (joint_units, joint_scale), (bayes_units, bayes_scale) = _in_units(joint), _in_units(ratios)
        useful = (regression | joint_units | bayes_units) != 0
        self.scorer_ = Scorer(
            table=packed_table(
                columns[useful], regression[useful], joint_units[useful], bayes_units[useful], importance[useful]
            ),
            family_scales=scales,
            family_offsets=offsets,
            joint_scale=JOINT_WEIGHT * joint_scale,
            bayes_scale=BAYES_WEIGHT * bayes_scale,
            slope=1.0,
            offset=0.0,
        )
        self.classes_ = np.array([0, 1])
        return self

    def calibrate(self, log_odds: Floats, labels: Ints, weights: Floats) -> Self:
        """Fit slope and offset (Platt 1999) to scores that this recipe gave to comments it had not seen."""
        platt = LogisticRegression(C=1e6).fit(log_odds[:, None], labels, sample_weight=weights)
        # Rounded, for how many threads the solver had shows in the last digits.
        slope, offset = round(float(platt.coef_[0, 0]), 9), round(float(platt.intercept_[0]), 9)
        self.scorer_ = replace(self.scorer_, slope=slope, offset=offset)
        return self

    def decision_function(self, comments: Sequence[Comment]) -> Floats:
        """Return log-odds: float64, shape (n,)."""
        return self.scorer_.log_odds(comments)

    def decision_function_of(self, design: Design, rows: Ints) -> Floats:
        """Return the log-odds of some measured comments, without measuring them again: float64, shape (n,)."""
        counts = design.counts[rows]
        cells = np.arange(len(rows)).repeat(np.diff(counts.indptr)) * len(FAMILIES)
        cells += design.family_of[counts.indices]
        columns = design.columns[counts.indices].astype(np.uint32)
        return self.scorer_.contributions(columns, cells.astype(np.int32), design.sizes[rows]).log_odds

    def predict_proba(self, comments: Sequence[Comment]) -> Floats:
        """Return P(ham) and P(spam): float64, shape (n, 2)."""
        spam = 1 / (1 + np.exp(-self.decision_function(comments)))
        return np.column_stack([1 - spam, spam])

    def predict(self, comments: Sequence[Comment]) -> Ints:
        """Return 1 for spam and 0 for ham, at even odds: int64, shape (n,)."""
        return (self.decision_function(comments) > 0).astype(np.int64)

    def _fit_regressions(
        self, counts: sparse.csr_matrix, family_of: npt.NDArray[np.int8], sizes: Ints, labels: Ints, sites: Ints
    ) -> tuple[Ints, Floats, Floats, Floats]:
        """Fit one regression over all n-grams, and one a family on the comments that have it.

        Returns:
            the families' weights in whole numbers, the joint regression's, the families' scales and their offsets.
        """
        every_comment_alike = site_weights(labels, sites, 1.0)
        joint, _ = self._regressed(counts, sizes.sum(axis=1), labels, every_comment_alike, self.text_alpha)
        weights = np.zeros(counts.shape[1])
        scales, offsets = np.full(len(FAMILIES), 1e-9), np.zeros(len(FAMILIES))
        for family, name in enumerate(FAMILIES):
            place, present = np.flatnonzero(family_of == family), np.flatnonzero(sizes[:, family] > 0)
            is_regressed = name != "text_words" or len(labels) <= FEW_COMMENTS
            if is_regressed and len(place) and len(np.unique(labels[present])) == 2:
                part, said = _selected(counts, present, place), labels[present]
                alike = site_weights(said, sites[present], REGRESSION_SITE_POWER)
                alpha = self.text_alpha if family < TEXT_FAMILIES else self.field_alpha
                coefficients, intercept = self._regressed(part, sizes[present, family], said, alike, alpha)
                weights[place] = coefficients
                scales[family] = max(float(np.abs(coefficients).max()), 1e-9) / 127
                offsets[family] = intercept
        return np.rint(weights / scales[family_of]).astype(np.int64), joint, scales, offsets

    def _regressed(
        self, counts: sparse.csr_matrix, sizes: Ints, labels: Ints, weights: Floats, alpha: float
    ) -> tuple[Floats, float]:
        """Regress labels on counts divided by the square root of ``sizes``: coefficients and intercept."""
        roots = np.sqrt(sizes).astype(np.float32).repeat(np.diff(counts.indptr))
        scaled = sparse.csr_matrix((counts.data / roots, counts.indices, counts.indptr), shape=counts.shape)
        count = len(labels)
        model = SGDClassifier(
            loss="log_loss",
            alpha=max(alpha, 1 / (MAX_INVERSE_PENALTY * count)),
            max_iter=max(self.epochs, MIN_VISITS // count),
            tol=None,
            random_state=self.seed,
        ).fit(scaled, labels, sample_weight=weights)
        return model.coef_[0].astype(np.float64), float(model.intercept_[0])


def _in_units(weights: Floats) -> tuple[Ints, float]:
    """Round weights to whole units, -127..127; return them and the size of a unit."""
    unit = max(float(np.abs(weights).max(initial=0.0)), 1e-9) / 127
    return np.rint(weights / unit).astype(np.int64), unit


def site_weights(labels: Ints, sites: Ints, power: float) -> Floats:
    """Weigh a site's n comments of a label n**power in sum, and both labels alike: float64, shape (n,), mean 1."""
    cells = sites * 2 + labels
    sizes = np.bincount(cells)[cells].astype(np.float64)
    weights: Floats = sizes ** (power - 1)
    for label in (0, 1):
        chosen = labels == label
        if chosen.any():
            weights[chosen] *= len(labels) / 2 / weights[chosen].sum()
    return weights


def _shared_columns(counts: sparse.csr_matrix, rows: Ints, sites: Ints) -> Ints:
    """Return the columns that at least ``MIN_SITES`` sites have, or one site twice where there is but one."""
    groups = sites if len(np.unique(sites)) >= MIN_SITES else np.arange(len(rows))
    order = groups.argsort(kind="stable")
    last = np.full(counts.shape[1], -1, dtype=np.int32)
    times = np.zeros(counts.shape[1], dtype=np.uint8)
    _count_groups(counts.indptr, counts.indices, rows[order], groups[order], last, times)
    return np.flatnonzero(times >= MIN_SITES)


@compiled
def _count_groups(
    indptr: Ints, indices: Ints, rows: Ints, groups: Ints, last: npt.NDArray[np.int32], times: npt.NDArray[np.uint8]
) -> None:
    """Count in ``times``, up to ``MIN_SITES``, the groups that have each column; rows of a group stand together."""
    for number in range(len(rows)):
        for place in range(indptr[rows[number]], indptr[rows[number] + 1]):
            column = indices[place]
            if times[column] < MIN_SITES and last[column] != groups[number]:
                last[column] = groups[number]
                times[column] += 1


def _selected(counts: sparse.csr_matrix, rows: Ints, columns: Ints) -> sparse.csr_matrix:
    """Return some rows and, in ascending order, some columns."""
    place_of = np.full(counts.shape[1], -1, dtype=np.int32)
    place_of[columns] = np.arange(len(columns))
    arrays = _gathered(counts.data, counts.indices, counts.indptr, rows, place_of)
    return sparse.csr_matrix(arrays, shape=(len(rows), len(columns)))


@compiled
def _gathered(
    data: npt.NDArray[np.float32], indices: Ints, indptr: Ints, rows: Ints, place_of: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32], Ints]:
    most = (indptr[rows + 1] - indptr[rows]).sum()
    gathered, places = np.empty(most, np.float32), np.empty(most, np.int32)
    ends = np.zeros(len(rows) + 1, np.int64)
    end = 0
    for number in range(len(rows)):
        for place in range(indptr[rows[number]], indptr[rows[number] + 1]):
            column = place_of[indices[place]]
            if column >= 0:
                gathered[end], places[end] = data[place], column
                end += 1
        ends[number + 1] = end
    return gathered[:end], places[:end], ends


def _bayes_ratios(counts: sparse.csr_matrix, labels: Ints, sites: Ints) -> Floats:
    """Return each column's log-likelihood ratio from how many comments of each label have it (Robinson 2003)."""
    weights = site_weights(labels, sites, BAYES_SITE_POWER)
    sums = _label_sums(counts.indptr, counts.indices, counts.shape[1], weights, labels)
    spam = sums[:, 1] / max(weights[labels == 1].sum(), 1e-9)
    ham = sums[:, 0] / max(weights[labels == 0].sum(), 1e-9)
    raw = spam / np.maximum(spam + ham, 1e-300)
    probability = (BAYES_STRENGTH * 0.5 + sums[:, 2] * raw) / (BAYES_STRENGTH + sums[:, 2])
    telling = np.abs(probability - 0.5) >= BAYES_MIN_DISTANCE
    probability = np.clip(probability, 1e-4, 1 - 1e-4)
    return np.where(telling, np.log(probability / (1 - probability)), 0.0)


@compiled
def _label_sums(indptr: Ints, indices: Ints, width: int, weights: Floats, labels: Ints) -> Floats:
    """Sum the weights of the ham and of the spam that have a column, and count both: float64, shape (width, 3)."""
    sums = np.zeros((width, 3))
    for row in range(len(labels)):
        for place in range(indptr[row], indptr[row + 1]):
            sums[indices[place], labels[row]] += weights[row]
            sums[indices[place], 2] += 1
    return sums

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

from model.ngrams import COLUMN_BITS, FAMILIES, grams_of
from model.scorer import BAYES_PRIOR_COUNT, Scorer, packed_table
from model.segments import parts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from model.comment import Comment

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

CHUNK_COMMENTS = 512
MIN_SITES = 2
"""An n-gram of one site alone says more about that site than about spam."""
BAYES_STRENGTH = 0.45
"""Robinson's s: how many comments the prior of one half is worth."""
BAYES_MIN_DISTANCE = 0.1
"""Words whose spam probability is nearer to one half than this are noise."""
BAYES_WEIGHT = 0.7
JOINT_WEIGHT = 3.0
"""What the sum gives to naive Bayes and to the joint regression; each family's regression has 1."""
MIN_VISITS = 400_000
"""A small training set is gone through more often, until so many comments have been visited."""
MAX_INVERSE_PENALTY = 30.0
"""And penalised more: scikit-learn's C, as alpha = 1 / (C * n)."""
REGRESSED_FAMILIES = tuple(family for family in FAMILIES if family != "text_words")
"""The words of the text are left to the joint regression and to naive Bayes: a third say gained nothing."""
REGRESSION_SITE_POWER = 0.5
BAYES_SITE_POWER = 0.2
"""A site with n comments of a label weighs n**power, so that no site or campaign dominates."""


@dataclass(frozen=True, slots=True)
class Design:
    """Labelled comments as numbers.

    Attributes:
        counts: float32 CSR, shape (n, 2**COLUMN_BITS): how often each n-gram stands in each comment.
        family_of: int8, shape (2**COLUMN_BITS,): the family of a column; -1 where no comment has it.
        is_word: bool, shape (2**COLUMN_BITS,).
        sizes: float64, shape (n, families): n-grams of each family in each comment.
        labels: int64, shape (n,): 1 spam, 0 ham.
        sites: int64, shape (n,): the site's number.
    """

    counts: sparse.csr_matrix
    family_of: npt.NDArray[np.int8]
    is_word: npt.NDArray[np.bool_]
    sizes: Floats
    labels: Ints
    sites: Ints


def design_of(comments: Sequence[Comment], labels: Sequence[int], sites: Sequence[str], jobs: int = 1) -> Design:
    """Measure labelled comments, in ``jobs`` processes."""
    chunks = [comments[i : i + CHUNK_COMMENTS] for i in range(0, len(comments), CHUNK_COMMENTS)]
    measured = Parallel(n_jobs=jobs)(delayed(_measure)(chunk) for chunk in chunks)
    family_of = np.full(1 << COLUMN_BITS, -1, dtype=np.int8)
    is_word = np.zeros(1 << COLUMN_BITS, dtype=np.bool_)
    for counts, families, words, _ in measured:
        family_of[counts.indices] = families
        is_word[counts.indices] = words
    return Design(
        counts=sparse.vstack([counts for counts, *_ in measured], format="csr"),
        family_of=family_of,
        is_word=is_word,
        sizes=np.concatenate([sizes for *_, sizes in measured]),
        labels=np.asarray(labels, dtype=np.int64),
        sites=np.unique(np.asarray(sites), return_inverse=True)[1],
    )


def _measure(
    comments: Sequence[Comment],
) -> tuple[sparse.csr_matrix, npt.NDArray[np.int8], npt.NDArray[np.bool_], Floats]:
    grams = grams_of([parts_of(comment) for comment in comments])
    real = np.flatnonzero(grams.columns)
    columns, cells = grams.columns[real], grams.cells[real]
    values = np.ones(len(columns), dtype=np.float32)
    shape = (len(comments), 1 << COLUMN_BITS)
    counts = sparse.csr_matrix((values, (cells // len(FAMILIES), columns)), shape=shape)
    counts.sum_duplicates()
    distinct, first = np.unique(columns, return_index=True)
    place = np.searchsorted(distinct, counts.indices)
    families = (cells[first] % len(FAMILIES)).astype(np.int8)
    return counts, families[place], (real[first] >= grams.first_word)[place], grams.sizes


class SpamClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """P(spam) of comments, from hashed n-grams of all their fields.

    Parameters:
        alpha: L2 penalty of the logistic regressions.
        epochs: passes over the comments.
        seed: of the order in which comments are visited.
        jobs: threads and processes to learn with.

    Learns ``scorer_``. Its log-odds are uncalibrated until ``calibrate`` has seen held-out scores.
    """

    def __init__(self, alpha: float = 1e-5, epochs: int = 5, seed: int = 0, jobs: int = 1) -> None:
        self.alpha = alpha
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
        labels, sites = design.labels[chosen], design.sites[chosen]
        counts = design.counts[chosen]
        columns = _shared_columns(counts, sites)
        counts = counts[:, columns]
        family_of, is_word = design.family_of[columns], design.is_word[columns]
        regression, scales, offsets = self._fit_families(counts, family_of, design.sizes[chosen], labels, sites)
        joint = self._fit_joint(counts, design.sizes[chosen].sum(axis=1), labels, sites)
        ratios = np.where(is_word, _bayes_ratios(counts, labels, sites), 0.0)
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
        slope, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
        self.scorer_ = replace(self.scorer_, slope=slope, offset=offset)
        return self

    def decision_function(self, comments: Sequence[Comment]) -> Floats:
        """Return log-odds: float64, shape (n,)."""
        return self.scorer_.log_odds(comments)

    def decision_function_of(self, design: Design, rows: Ints) -> Floats:
        """Return the log-odds of some measured comments, without measuring them again: float64, shape (n,)."""
        scorer, counts = self.scorer_, design.counts[rows]
        known, regression, joint, bayes = scorer.weights_of(counts.indices.astype(np.int64))
        cells = np.repeat(np.arange(len(rows)), np.diff(counts.indptr))[known]
        families, times = design.family_of[counts.indices[known]], counts.data[known]
        sizes = np.sqrt(np.maximum(design.sizes[rows], 1))
        terms = times * regression * scorer.family_scales[families] / sizes[cells, families]
        total = np.bincount(cells, terms, len(rows)) + ((design.sizes[rows] > 0) * scorer.family_offsets).sum(axis=1)
        joint_sums = np.bincount(cells, times * joint, len(rows))
        telling = np.bincount(cells, times * (bayes != 0), len(rows))
        ratios = np.bincount(cells, times * bayes, len(rows))
        total = total + scorer.joint_scale * joint_sums / np.sqrt(design.sizes[rows].sum(axis=1))
        total = total + scorer.bayes_scale * ratios / np.sqrt(telling + BAYES_PRIOR_COUNT)
        return np.asarray(scorer.offset + scorer.slope * total, dtype=np.float64)

    def predict_proba(self, comments: Sequence[Comment]) -> Floats:
        """Return P(ham) and P(spam): float64, shape (n, 2)."""
        spam = 1 / (1 + np.exp(-self.decision_function(comments)))
        return np.column_stack([1 - spam, spam])

    def predict(self, comments: Sequence[Comment]) -> Ints:
        """Return 1 for spam and 0 for ham, at even odds: int64, shape (n,)."""
        return (self.decision_function(comments) > 0).astype(np.int64)

    def _fit_families(
        self, counts: sparse.csr_matrix, family_of: npt.NDArray[np.int8], sizes: Floats, labels: Ints, sites: Ints
    ) -> tuple[Ints, Floats, Floats]:
        """Fit one regression a family, on the comments that have it: whole-number weights, scales and offsets."""
        weights = np.zeros(counts.shape[1])
        scales, offsets = np.full(len(FAMILIES), 1e-9), np.zeros(len(FAMILIES))
        places = [np.flatnonzero(family_of == family) for family in range(len(FAMILIES))]
        tasks = []
        for family, place in enumerate(places):
            present = np.flatnonzero(sizes[:, family] > 0)
            if FAMILIES[family] in REGRESSED_FAMILIES and len(place) and len(np.unique(labels[present])) == 2:
                tasks.append(
                    (family, counts[present][:, place], sizes[present, family], labels[present], sites[present])
                )
        fitted = Parallel(n_jobs=self.jobs, backend="threading")(delayed(self._fit_family)(*task[1:]) for task in tasks)
        for (family, *_), (coefficients, intercept) in zip(tasks, fitted, strict=True):
            weights[places[family]] = coefficients
            scales[family] = max(float(np.abs(coefficients).max()), 1e-9) / 127
            offsets[family] = intercept
        return np.rint(weights / scales[family_of]).astype(np.int64), scales, offsets

    def _fit_family(self, counts: sparse.csr_matrix, sizes: Floats, labels: Ints, sites: Ints) -> tuple[Floats, float]:
        """Regress labels on counts divided by the square root of ``sizes``: coefficients and intercept."""
        scaled = sparse.csr_matrix(
            (counts.data / np.repeat(np.sqrt(sizes), np.diff(counts.indptr)), counts.indices, counts.indptr),
            shape=counts.shape,
        )
        count = len(labels)
        model = SGDClassifier(
            loss="log_loss",
            alpha=max(self.alpha, 1 / (MAX_INVERSE_PENALTY * count)),
            max_iter=max(self.epochs, MIN_VISITS // count),
            tol=None,
            random_state=self.seed,
        ).fit(scaled, labels, sample_weight=site_weights(labels, sites, REGRESSION_SITE_POWER))
        return model.coef_[0], float(model.intercept_[0])

    def _fit_joint(self, counts: sparse.csr_matrix, sizes: Floats, labels: Ints, sites: Ints) -> Floats:
        """Regress labels on all n-grams, the rarer the heavier (inverse document frequency): coefficients."""
        documents = np.bincount(counts.indices, minlength=counts.shape[1])
        rarity = np.log((1 + len(labels)) / (1 + documents)) + 1
        rarity /= rarity.mean()
        weighted = sparse.csr_matrix(
            (counts.data * rarity[counts.indices].astype(np.float32), counts.indices, counts.indptr), shape=counts.shape
        )
        return np.asarray(self._fit_family(weighted, sizes, labels, sites)[0] * rarity, dtype=np.float64)


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


def _shared_columns(counts: sparse.csr_matrix, sites: Ints) -> Ints:
    """Return the columns that at least ``MIN_SITES`` sites have, or one site twice where there is but one."""
    numbers = np.unique(sites, return_inverse=True)[1]
    membership = sparse.csr_matrix((np.ones(len(sites), np.float32), (numbers, np.arange(len(sites)))))
    by_site = (membership @ counts).tocsr()
    if by_site.shape[0] < MIN_SITES:
        return np.flatnonzero(np.bincount(counts.indices, minlength=counts.shape[1]) >= MIN_SITES)
    return np.flatnonzero(np.bincount(by_site.indices, minlength=counts.shape[1]) >= MIN_SITES)


def _bayes_ratios(counts: sparse.csr_matrix, labels: Ints, sites: Ints) -> Floats:
    """Return each column's log-likelihood ratio from how many comments of each label have it (Robinson 2003)."""
    present = counts.copy()
    present.data = np.ones_like(present.data)
    weights = site_weights(labels, sites, BAYES_SITE_POWER)
    transposed = present.T.tocsr()
    spam = transposed @ (weights * labels) / max(weights[labels == 1].sum(), 1e-9)
    ham = transposed @ (weights * (1 - labels)) / max(weights[labels == 0].sum(), 1e-9)
    seen = np.asarray(transposed.sum(axis=1)).ravel()
    raw = spam / np.maximum(spam + ham, 1e-300)
    probability = (BAYES_STRENGTH * 0.5 + seen * raw) / (BAYES_STRENGTH + seen)
    telling = np.abs(probability - 0.5) >= BAYES_MIN_DISTANCE
    probability = np.clip(probability, 1e-4, 1 - 1e-4)
    return np.where(telling, np.log(probability / (1 - probability)), 0.0)

"""Learning the weights from labelled comments, with scikit-learn's estimators and contract.

Owns how weights are learnt and how much each site may say. Leaves measuring comments to ``design``, scoring to
``scorer``, and which comments there are, their folds and the thresholds to the training package.

Three learners share the n-grams because they fail differently on sites never seen: a logistic regression for each
family, whose absence is then no evidence; one over all families together, or a linear support vector machine where
there are few comments; and naive Bayes over the words of all fields (Graham 2002, Robinson 2003), which knows
campaigns' wording with the fewest false alarms. Their plain sum beats each, and beats trees over them; the one product
that beats the sum is that of the author's name and link. ``docs/tried.md`` has the figures. While they learn, all but
naive Bayes see n-grams weighted by their inverse document frequency (Spärck Jones 1972); not so traits and shape where
these are learnt alone, for a rare one would then be free to say anything. The weights are averages over all steps of
the descent (Polyak and Juditsky 1992): the last step's own owe too much to the comments that came last.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, SGDClassifier

from model.compiled import compiled
from model.design import design_of, selected, shared_columns, split_by_group
from model.ngrams import FAMILIES, runs_of
from model.scorer import Scorer, packed_table
from model.scripts import unfamiliar_spam

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from model.comment import Comment
    from model.design import Design

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

BAYES_STRENGTH = 0.45
"""Robinson's s: how many comments the prior of one half is worth."""
BAYES_MIN_DISTANCE = 0.1
"""Words whose spam probability is nearer to one half than this are noise."""
BAYES_WEIGHT = 0.5
JOINT_WEIGHT = 1.0
JOINT_WEIGHT_OF_FEW = 15.0
"""What the sum gives to naive Bayes and to the joint learner, the latter by how many comments there are; each family's
regression has 1. A support vector machine's margins are of about 1, a regression's log-odds of ten and more."""
TOGETHER_WEIGHT = 1.0
"""What the author's name and the author's link add by each other. A name alone may be odd, and so may a link; who has
both advertises, whatever the text is made of. Not so a ping, whose name is a page's title and whose link that page."""
MIN_VISITS = 400_000
"""A small training set is gone through more often, until so many comments have been visited."""
MAX_INVERSE_PENALTY = 30.0
"""And penalised more: scikit-learn's C, as alpha = 1 / (C * n)."""
FEW_COMMENTS = 10_000
"""Where there are no more, the joint learner is a support vector machine; where there are, that made no difference."""
MIN_SHARE_OF_LABEL = 0.005
"""Where fewer of the comments with a field are spam, or ham, it has no regression: both labels weigh alike, so that one
spam among thousands would weigh as much as all of them."""
REGRESSION_SITE_POWER = 0.5
BAYES_SITE_POWER = 0.2
"""A site with n comments of a label weighs n**power, so that no site or campaign dominates."""
MIN_SITE_COMMENTS = 30
"""But none of its comments weighs more than those of a site with so many, so that one alone doesn't dominate either."""


class SpamClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """P(spam) of comments, from hashed n-grams of all their fields.

    Parameters:
        text_alpha: L2 penalty of the logistic regressions over the text's characters and over all fields.
        word_alpha: of that over the words of the text, which characters and the joint learner tell as well.
        field_alpha: of those over single fields, which have less to go by.
        epochs: passes over the comments.
        seed: of the order in which comments are visited.
        jobs: processes, and then threads, to measure comments with.

    Learns ``scorer_``. Its log-odds are uncalibrated until ``calibrate`` has seen held-out scores.
    """

    def __init__(
        self,
        text_alpha: float = 1e-6,
        word_alpha: float = 1e-4,
        field_alpha: float = 1e-5,
        epochs: int = 5,
        seed: int = 0,
        jobs: int = 1,
    ) -> None:
        self.text_alpha = text_alpha
        self.word_alpha = word_alpha
        self.field_alpha = field_alpha
        self.epochs = epochs
        self.seed = seed
        self.jobs = jobs

    def fit(self, comments: Sequence[Comment], labels: Sequence[int], sites: Sequence[str] | None = None) -> Self:
        """Learn from comments, their labels (1 spam, 0 ham) and the sites they come from (default: all one site)."""
        sites = sites if sites is not None else [""] * len(comments)
        return self.fit_design(design_of(comments, labels, sites, self.jobs))

    def fit_design(self, design: Design, rows: Ints | None = None) -> Self:
        """Learn from measured comments, or from some rows of them.

        Which recipe is taken, that for many or that for few, depends on how many there are in all: a model that some
        are held out from must score on the scale of the one that learns from all.
        """
        chosen = np.arange(len(design.labels)) if rows is None else rows
        labels, sites, sizes = design.labels[chosen], design.sites[chosen], design.sizes[chosen]
        telling = np.flatnonzero(~unfamiliar_spam(design.scripts[chosen], labels))
        shared = shared_columns(design.counts, chosen[telling], sites[telling])
        counts = selected(design.counts, chosen, shared)
        columns, family_of = design.columns[shared], design.family_of[shared]
        are_few = len(design.labels) <= FEW_COMMENTS
        ratios, frequencies = _ratios_and_frequencies(counts, labels, sites)
        ratios[~design.is_word[shared]] = 0
        regression, joint, scales, offsets = self._fit_regressions(
            counts, frequencies, family_of, sizes, labels, sites, are_few
        )
        joint_weight = JOINT_WEIGHT_OF_FEW if are_few else JOINT_WEIGHT
        importance = np.abs(regression * scales[family_of]) + joint_weight * np.abs(joint) + np.abs(ratios)
        (joint_units, joint_scale), (bayes_units, bayes_scale) = _in_units(joint), _in_units(ratios)
        useful = (regression | joint_units | bayes_units) != 0
        self.scorer_ = Scorer(
            table=packed_table(
                columns[useful], regression[useful], joint_units[useful], bayes_units[useful], importance[useful]
            ),
            family_scales=scales,
            family_offsets=offsets,
            joint_scale=joint_weight * joint_scale,
            bayes_scale=BAYES_WEIGHT * bayes_scale,
            together_weight=TOGETHER_WEIGHT,
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
        return self.scorer_.contributions(columns, runs_of(cells), design.sizes[rows], design.is_ping[rows]).log_odds

    def predict_proba(self, comments: Sequence[Comment]) -> Floats:
        """Return P(ham) and P(spam): float64, shape (n, 2)."""
        spam = 1 / (1 + np.exp(-self.decision_function(comments)))
        return np.column_stack([1 - spam, spam])

    def predict(self, comments: Sequence[Comment]) -> Ints:
        """Return 1 for spam and 0 for ham, at even odds: int64, shape (n,)."""
        return (self.decision_function(comments) > 0).astype(np.int64)

    def _fit_regressions(
        self,
        counts: sparse.csr_matrix,
        frequencies: Ints,
        family_of: npt.NDArray[np.int8],
        sizes: Ints,
        labels: Ints,
        sites: Ints,
        are_few: bool,
    ) -> tuple[Ints, Floats, Floats, Floats]:
        """Fit the joint learner to all n-grams, and a regression a family to the comments that have it.

        ``frequencies``, int64, shape (c,), are how many of the comments have each n-gram.

        Returns:
            the families' weights in whole numbers, the joint learner's, the families' scales and their offsets.
        """
        every_comment_alike = site_weights(labels, sites, 1.0)
        loss = "hinge" if are_few else "log_loss"
        rarities, size_of_all = _rarities(frequencies, len(labels)), sizes.sum(axis=1)
        joint, _ = self._descended(counts, rarities, size_of_all, labels, every_comment_alike, self.text_alpha, loss)
        weights = np.zeros(counts.shape[1])
        scales, offsets = np.full(len(FAMILIES), 1e-9), np.zeros(len(FAMILIES))
        alphas = {"text_characters": self.text_alpha, "text_words": self.word_alpha}
        parts = split_by_group(counts, family_of, len(FAMILIES), frequencies)
        for family, name in enumerate(FAMILIES):
            place, present = np.flatnonzero(family_of == family), np.flatnonzero(sizes[:, family] > 0)
            rarer = min(labels[present].sum(), (1 - labels[present]).sum())
            if len(place) and rarer > MIN_SHARE_OF_LABEL * len(present):
                part, said = parts[family][present], labels[present]
                alike = site_weights(said, sites[present], REGRESSION_SITE_POWER)
                alpha = alphas.get(name, self.field_alpha)
                if name in ("traits", "shape"):
                    rarities = np.ones(len(place), np.float32)
                else:
                    rarities = _rarities(frequencies[place], len(present))
                coefficients, intercept = self._descended(
                    part, rarities, sizes[present, family], said, alike, alpha, "log_loss"
                )
                weights[place] = coefficients
                scales[family] = max(float(np.abs(coefficients).max()), 1e-9) / 127
                offsets[family] = intercept
        return np.rint(weights / scales[family_of]).astype(np.int64), joint, scales, offsets

    def _descended(
        self,
        counts: sparse.csr_matrix,
        rarities: npt.NDArray[np.float32],
        sizes: Ints,
        labels: Ints,
        weights: Floats,
        alpha: float,
        loss: str,
    ) -> tuple[Floats, float]:
        """Fit labels to counts divided by the square root of ``sizes``: coefficients and intercept.

        The penalty holds n-grams back less by the square of their ``rarities``.
        """
        data = _scaled(counts.indptr, counts.indices, np.sqrt(sizes).astype(np.float32), rarities)
        scaled = sparse.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)
        count = len(labels)
        model = SGDClassifier(
            loss=loss,
            alpha=max(alpha, 1 / (MAX_INVERSE_PENALTY * count)),
            max_iter=max(self.epochs, MIN_VISITS // count),
            tol=None,
            random_state=self.seed,
            average=True,
        ).fit(scaled, labels, sample_weight=weights)
        return model.coef_[0] * rarities.astype(np.float64), float(model.intercept_[0])


def _rarities(frequencies: Ints, comments: int) -> npt.NDArray[np.float32]:
    """Return each column's inverse document frequency, in units of its mean over all n-grams: float32, shape (c,).

    Smoothed as scikit-learn's ``TfidfTransformer`` does it. No column may be without comments.
    """
    one_more = (1 + frequencies).astype(np.float32)
    rarities: npt.NDArray[np.float32] = np.log(np.float32(1 + comments) / one_more) + np.float32(1)
    # Not as a product of vectors, whose last digits show how many threads there were.
    mean = (rarities.astype(np.float64) * frequencies).sum() / max(int(frequencies.sum()), 1)
    return rarities / np.float32(mean)


@compiled
def _scaled(
    indptr: Ints, indices: Ints, roots: npt.NDArray[np.float32], rarities: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return the rarity of each n-gram divided by its comment's root: a CSR matrix's data."""
    data = np.empty(len(indices), np.float32)
    for row in range(len(roots)):
        for place in range(indptr[row], indptr[row + 1]):
            data[place] = np.float32(1) / roots[row] * rarities[indices[place]]
    return data


def _in_units(weights: Floats) -> tuple[Ints, float]:
    """Round weights to whole units, -127..127; return them and the size of a unit."""
    unit = max(float(np.abs(weights).max(initial=0.0)), 1e-9) / 127
    return np.rint(weights / unit).astype(np.int64), unit


def site_weights(labels: Ints, sites: Ints, power: float) -> Floats:
    """Weigh a site's n comments of a label n**power in sum, and both labels alike: float64, shape (n,), mean 1.

    Comments of a site with fewer than ``MIN_SITE_COMMENTS`` weigh as they would if it had as many.
    """
    cells = sites * 2 + labels
    sizes = np.maximum(np.bincount(cells)[cells], MIN_SITE_COMMENTS).astype(np.float64)
    weights: Floats = sizes ** (power - 1)
    for label in (0, 1):
        chosen = labels == label
        if chosen.any():
            weights[chosen] *= len(labels) / 2 / weights[chosen].sum()
    return weights


def _ratios_and_frequencies(counts: sparse.csr_matrix, labels: Ints, sites: Ints) -> tuple[Floats, Ints]:
    """Return each column's log-likelihood ratio from how many comments of each label have it (Robinson 2003).

    Returns:
        the ratios, float64, shape (c,), and how many comments have a column, int64, shape (c,).
    """
    weights = site_weights(labels, sites, BAYES_SITE_POWER)
    sums = _label_sums(counts.indptr, counts.indices, counts.shape[1], weights, labels)
    spam = sums[:, 1] / max(weights[labels == 1].sum(), 1e-9)
    ham = sums[:, 0] / max(weights[labels == 0].sum(), 1e-9)
    raw = spam / np.maximum(spam + ham, 1e-300)
    probability = (BAYES_STRENGTH * 0.5 + sums[:, 2] * raw) / (BAYES_STRENGTH + sums[:, 2])
    telling = np.abs(probability - 0.5) >= BAYES_MIN_DISTANCE
    probability = np.clip(probability, 1e-4, 1 - 1e-4)
    return np.where(telling, np.log(probability / (1 - probability)), 0.0), sums[:, 2].astype(np.int64)


@compiled
def _label_sums(indptr: Ints, indices: Ints, width: int, weights: Floats, labels: Ints) -> Floats:
    """Sum the weights of the ham and of the spam that have a column, and count both: float64, shape (width, 3)."""
    sums = np.zeros((width, 3))
    for row in range(len(labels)):
        for place in range(indptr[row], indptr[row + 1]):
            sums[indices[place], labels[row]] += weights[row]
            sums[indices[place], 2] += 1
    return sums

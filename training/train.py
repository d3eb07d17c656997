"""From labelled comments to a saved model: balance, learn, calibrate on sites left out, choose thresholds, write.

Owns the recipe. Leaves the learning itself to ``model.classifier`` and reading files to ``formats``.
"""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from dataclasses import asdict, dataclass
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed
from scipy.special import expit

from model.artifact import probability, save
from model.classifier import REGRESSION_SITE_POWER, SpamClassifier, site_weights
from model.design import MIN_SITES, design_of
from model.thresholds import Thresholds
from training.budget import Budget, cut_for
from training.dataset import balanced, expanded, site_folds
from training.distribution import distributions
from training.formats.row import TrainingError
from training.measures import caught_at, roc_auc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from model.design import Design
    from training.budget import Cut
    from training.labelled import LabelledComment

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

FOLDS = 3
DISCARD_MARGIN = 2.0
"""How far, in log-odds, blatant spam lies above all held-out ham that somebody decided on, and above where blocking
begins. Nobody sees again what is discarded, and ham unlike any that was held out scored up to 1.5 above it: the
newspaper of ``docs/quality.md``."""
CARD_RATES = (0.001, 0.005, 0.01)
LIBRARIES = ("numpy", "scipy", "scikit-learn")


class TooFewLabelsError(TrainingError):
    """There are not both spam and ham from at least two sites to learn from."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What training yields: ``classifier.scorer_``, thresholds and the model card make an artefact."""

    classifier: SpamClassifier
    thresholds: Thresholds
    card: dict[str, Any]

    def save(self, path: Path) -> str:
        """Write the artefact and return its version."""
        return save(path, self.classifier.scorer_, self.thresholds, self.card)


def train(
    examples: Sequence[LabelledComment],
    seed: int = 0,
    jobs: int = 1,
    budget: Budget = Budget(),  # noqa: B008 - frozen
    report: Callable[[str], None] = lambda message: None,
    made_up: Sequence[LabelledComment] = (),
) -> TrainedModel:
    """Train on labelled comments; those without a label are left out.

    ``made_up`` are examples that nobody sent. They train as they are, and have no say in calibration and thresholds.

    Raises:
        TooFewLabelsError: there is nothing to learn from.
    """
    labelled = [example for example in examples if example.label is not None]
    kept = balanced(expanded(labelled, seed), seed)
    labels = np.array([int(example.label == "spam") for example in kept], dtype=np.int64)
    sites = [example.site for example in kept]
    if len(set(labels.tolist())) < 2:
        raise TooFewLabelsError(f"found {Counter(example.label for example in kept)}, expected both spam and ham")
    if made_up and len(set(sites)) < MIN_SITES:
        raise TooFewLabelsError("found one site, expected at least two beside made-up examples")
    report(f"measuring {len(kept)} of {len(labelled)} labelled comments, and {len(made_up)} made-up ones")
    every = [*kept, *made_up]
    design = design_of(
        [example.comment for example in every],
        [int(example.label == "spam") for example in every],
        [example.site for example in every],
        jobs,
    )
    report(f"learning from all sites, and from all but a part of them, {FOLDS} times, to calibrate")
    parts = [np.append(held, np.zeros(len(made_up), np.bool_)) for held in _parts_held_out(sites)]
    tasks = [delayed(_held_out_log_odds)(design, held, seed) for held in parts]
    everything = delayed(SpamClassifier(seed=seed).fit_design)(design)
    classifier, *scored = Parallel(n_jobs=jobs, backend="threading")([everything, *tasks])
    held_out = np.sum(scored, axis=0)[: len(kept)]
    vouched = np.array([_is_vouched(example) for example in kept])
    if len(set(labels[vouched].tolist())) < 2:
        vouched = np.ones(len(kept), dtype=np.bool_)
    weights = site_weights(labels[vouched], design.sites[: len(kept)][vouched], REGRESSION_SITE_POWER)
    classifier.calibrate(held_out[vouched], labels[vouched], weights)
    calibrated = classifier.scorer_.slope * held_out + classifier.scorer_.offset
    ham = calibrated[vouched & (labels == 0)]
    block = cut_for(ham, budget.blocked, budget.confidence)
    review = cut_for(ham, budget.reviewed, budget.confidence)
    discard = max(block.log_odds, float(ham.max(initial=block.log_odds))) + DISCARD_MARGIN
    thresholds = Thresholds(
        probability(min(review.log_odds, block.log_odds)), probability(block.log_odds), probability(discard)
    )
    card = _card(kept, len(labelled), calibrated, vouched, budget, {"block": block, "review": review}, seed)
    card["trained_on"] |= {"made_up": len(made_up), "digest": _digest(every)}
    card["thresholds"] = asdict(thresholds)
    return TrainedModel(classifier, thresholds, card)


def _parts_held_out(sites: Sequence[str]) -> list[npt.NDArray[np.bool_]]:
    """Return masks of the comments that are held out together, shape (n,) each: whole sites."""
    folds = site_folds(sites, FOLDS)
    return [folds == fold for fold in range(FOLDS)]


def _held_out_log_odds(design: Design, is_held: npt.NDArray[np.bool_], seed: int) -> Floats:
    """Score some comments by a model that has seen nothing of their sites: uncalibrated log-odds; 0 for the rest."""
    scores = np.zeros(len(is_held))
    held, seen = np.flatnonzero(is_held), np.flatnonzero(~is_held)
    if len(held) and len(np.unique(design.labels[seen])) == 2:
        model = SpamClassifier(seed=seed).fit_design(design, seen)
        scores[held] = model.decision_function_of(design, held)
    return scores


def _is_vouched(example: LabelledComment) -> bool:
    """Whether somebody is named who decided on the comment, rather than a rule, a template or nobody."""
    return bool(example.label_source) and not example.label_source.startswith(("rule", "template"))


def _card(
    kept: Sequence[LabelledComment],
    labelled: int,
    log_odds: Floats,
    vouched: npt.NDArray[np.bool_],
    budget: Budget,
    cuts: dict[str, Cut],
    seed: int,
) -> dict[str, Any]:
    """Say what the model was made of and what may be expected of it."""
    labels = np.array([example.label == "spam" for example in kept])
    blocked = log_odds >= cuts["block"].log_odds
    dates = sorted(example.comment.date[:10] for example in kept if example.comment.date)
    spam, ham = log_odds[vouched & labels], log_odds[vouched & ~labels]
    comments = [example.comment for example, is_vouched in zip(kept, vouched, strict=True) if is_vouched]
    return {
        "task": "P(spam) of comments submitted to websites",
        "trained_on": {
            "comments": len(kept),
            "labelled_comments_given": labelled,
            "spam": int(labels.sum()),
            "ham": int((~labels).sum()),
            "sites": len({example.site for example in kept}),
            "oldest": dates[0] if dates else "",
            "newest": dates[-1] if dates else "",
        },
        "sites": _by_group([example.site for example in kept], labels, blocked),
        "languages": _by_group([example.comment.lang or "unknown" for example in kept], labels, blocked),
        "held_out_sites": {
            "what": f"every comment scored by a model that had seen nothing of its site, {FOLDS} folds; "
            "only comments that somebody decided on",
            "comments": int(vouched.sum()),
            "auc": round(roc_auc(spam, ham), 4),
            **{f"spam_caught_at_{rate:.1%}_ham_blocked": round(caught_at(spam, ham, rate), 4) for rate in CARD_RATES},
        },
        **distributions(comments, expit(log_odds[vouched]), labels[vouched].tolist()),
        "budget": {
            "ham_blocked_at_most": budget.blocked,
            "ham_reviewed_at_most": budget.reviewed,
            "confidence": budget.confidence,
            **{name: _promise(cut) for name, cut in cuts.items()},
        },
        "recipe": {
            "seed": seed,
            "python": ".".join(platform.python_version_tuple()[:2]),
            **{n: installed_version(n) for n in LIBRARIES},
        },
    }


def _promise(cut: Cut) -> dict[str, Any]:
    says = (
        "kept, with this confidence, on sites like those it was trained on"
        if cut.is_promised
        else "not promised: there is too little held-out ham; the threshold lies above all of it"
    )
    return {"held_out_ham": cut.ham_count, "held_out_ham_at_or_above": cut.ham_at_or_above, "promise": says}


def _by_group(
    names: Sequence[str], is_spam: npt.NDArray[np.bool_], is_blocked: npt.NDArray[np.bool_]
) -> dict[str, dict[str, int]]:
    """Count each group's comments, and those at or above the block threshold while their site was held out."""
    groups = np.array(names)
    return {
        name: {
            "spam": int((chosen & is_spam).sum()),
            "spam_blocked_when_held_out": int((chosen & is_spam & is_blocked).sum()),
            "ham": int((chosen & ~is_spam).sum()),
            "ham_blocked_when_held_out": int((chosen & ~is_spam & is_blocked).sum()),
        }
        for name in sorted(set(names))
        for chosen in [groups == name]
    }


def _digest(kept: Sequence[LabelledComment]) -> str:
    """Name the training comments by content: SHA-256, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for example in kept:
        digest.update(repr((example.site, example.label, example.comment)).encode("utf-8", "replace"))
    return digest.hexdigest()[:16]

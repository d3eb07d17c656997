"""What retraining on a label store gains, what flipped labels cost, and what the gate says of them.

    python -m benchmarks.quality.retraining FOLDER [--base FILE]

The base model has seen nothing of the two sets of blogs whose owners decided on every comment. Those blogs' comments
are the label store: the older four fifths of each blog's train, the newest fifth is held out, and of it what has no
near-copy among the older is tested. Flipped labels are among those that train and among those that the gate measures
on; the figures themselves rest on the true ones. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from joblib import cpu_count

from benchmarks.quality.protocol import CORRECTIONS
from model.artifact import Filter, load, log_odds_of, unpacked
from training.budget import Budget
from training.corrections import corrected, read_corrections
from training.dataset import near_copy_key
from training.formats.row import Rejected
from training.gate import compare, held_out_labels
from training.holdout import Labelled, held_out, is_held_out
from training.labelled import read_labelled
from training.labels import GivenLabel
from training.made_up.examples import made_up_examples
from training.measures import caught_at, roc_auc
from training.retrain import (
    HALF_LIFE_DAYS,
    PENALTY,
    changed_scorer,
    fitted,
    representative,
    retrain,
    review,
)
from training.train import train

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.scorer import Scorer
    from training.labelled import LabelledComment
    from training.labels import Label
    from training.retrain import Labeller, Retrained

    Numbered = list[tuple[int, GivenLabel]]

STORE = ("blogs_pull_requests", "blogs_wordpress")
NEVER = ("ham_news_globeandmail", "blogs_unlabelled", "youtube_2013_unlabelled")
NOW = datetime(2026, 11, 1, tzinfo=UTC)
SHARES = (0.05, 0.1, 0.2, 0.4)
ATTACKER = "attacker"
OTHER_LABEL: dict[Label, Label] = {"spam": "ham", "ham": "spam"}


@dataclass(frozen=True, slots=True)
class Test:
    """Comments that no model here has seen, nor near-copies of."""

    labels: list[Labelled]

    def row(self, name: str, scorer: Scorer, base: Filter, *more: str) -> str:
        """Write one row: how a scorer orders the comments, and what it blocks at the base's threshold."""
        is_spam = np.array([label.is_spam for label in self.labels])
        log_odds = scorer.log_odds([label.given.comment for label in self.labels])
        spam, ham = log_odds[is_spam], log_odds[~is_spam]
        block = log_odds_of(base.thresholds.block)
        cells = (
            name,
            f"{roc_auc(spam, ham):.4f}",
            f"{100 * caught_at(spam, ham, 0.001):.1f} / {100 * caught_at(spam, ham, 0.01):.1f}",
            f"{100 * (spam >= block).mean():.1f}",
            f"{(ham >= block).sum()} of {len(ham):,}",
            *more,
        )
        return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--base", type=Path, help="an artefact that has seen nothing of the two sets")
    arguments = parser.parse_args()
    base = load(arguments.base) if arguments.base else base_without_store(arguments.folder)
    labels = list(enumerate(_given(arguments.folder), start=1))
    clean = retrain(base, labels, jobs=cpu_count(), report=_say)
    cuts = held_out(unpacked(clean.content, "candidate").card)
    test = _test([Labelled.of(*label) for label in labels], cuts)
    _print_settings(base, labels, test, cuts)
    _print_poisoned(base, labels, test, clean)
    _print_corrector(base, labels)


def _print_settings(base: Filter, labels: Numbered, test: Test, cuts: dict[str, tuple[str, int]]) -> None:
    older = [label for label in (Labelled.of(*label) for label in labels) if not is_held_out(label, cuts)]
    print("\n| model | AUC | caught % at 0.1 / 1 % | spam blocked % | ham blocked |\n| --- | --- | --- | --- | --- |")
    print(test.row("base", base.scorer, base))
    for half_life in (HALF_LIFE_DAYS / 3, HALF_LIFE_DAYS, 1e9):
        found = review(base, older, half_life, jobs=cpu_count(), report=_say)
        for penalty in (1.0, 0.1, PENALTY, 0.001) if half_life == HALF_LIFE_DAYS else (PENALTY,):
            scorer = changed_scorer(base.scorer, found.measured.columns, fitted(found.measured, found.weights, penalty))
            print(test.row(f"half-life {half_life:.0f} days, penalty {penalty}", scorer, base), flush=True)


def _print_poisoned(base: Filter, labels: Numbered, test: Test, clean: Retrained) -> None:
    print(
        "\n| flipped | AUC | caught % at 0.1 / 1 % | spam blocked % | ham blocked | attacker's agreement, weight "
        "| gate, beside the base | gate, beside the clean version |"
    )
    print("| --- " * 8 + "|")
    print(_poisoned_row("none", base, labels, test, clean, clean), flush=True)
    for name, by in (("spread over all labellers", None), ("by one key", ATTACKER)):
        for share in SHARES:
            poisoned = _flipped(labels, share, by)
            bad = retrain(base, poisoned, jobs=cpu_count(), report=_say)
            print(_poisoned_row(f"{share:.0%} {name}", base, poisoned, test, bad, clean), flush=True)


def _poisoned_row(name: str, base: Filter, labels: Numbered, test: Test, retrained: Retrained, clean: Retrained) -> str:
    candidate = unpacked(retrained.content, name)
    guard = held_out_labels(candidate, labels)
    before = (base, unpacked(clean.content, "clean"))
    says = [
        "refuses" if compare(served, candidate, [guard], cpu_count()).objections() else "lets pass" for served in before
    ]
    return test.row(name, candidate.scorer, base, _judged(retrained.review.labellers, ATTACKER), *says)


def _print_corrector(base: Filter, labels: Numbered) -> None:
    """Show that who only corrects the filter's mistakes is not taken for somebody who flips labels."""
    wrong = np.concatenate(
        [
            (base.scorer.log_odds([given.comment for _, given in chunk]) >= log_odds_of(base.thresholds.review))
            != np.array([given.label == "spam" for _, given in chunk])
            for chunk in (labels[start : start + 256] for start in range(0, len(labels), 256))
        ]
    )
    chosen = set(random.Random(0).sample(np.flatnonzero(wrong).tolist(), min(500, int(wrong.sum()))))  # noqa: S311
    rest = [
        (number, replace(given, labelled_by="corrector") if index in chosen else given)
        for index, (number, given) in enumerate(labels)
    ]
    found = review(base, [Labelled.of(*label) for label in rest], jobs=cpu_count(), report=_say)
    print(f"\nSomebody whose {len(chosen)} labels all correct the base: {_judged(found.labellers, 'corrector')}")


def _judged(labellers: Sequence[Labeller], name: str) -> str:
    for labeller in labellers:
        if labeller.name == name and labeller.agreement is not None:
            return f"{labeller.agreement:.2f}, {labeller.weight:.0f}"
    return "-"


def _flipped(labels: Numbered, share: float, by: str | None) -> Numbered:
    chooser = random.Random(1)  # noqa: S311 - a sample, not a secret
    chosen = set(chooser.sample(range(len(labels)), int(share * len(labels))))
    return [
        (number, replace(given, label=OTHER_LABEL[given.label], labelled_by=by or given.labelled_by))
        if index in chosen
        else (number, given)
        for index, (number, given) in enumerate(labels)
    ]


def _test(labels: list[Labelled], cuts: dict[str, tuple[str, int]]) -> Test:
    seen = {near_copy_key(label.given.comment.text) for label in labels if not is_held_out(label, cuts)}
    unseen = [label for label in labels if is_held_out(label, cuts)]
    return Test(representative([label for label in unseen if near_copy_key(label.given.comment.text) not in seen]))


def _examples(folder: Path, names: Sequence[str]) -> Iterator[LabelledComment]:
    for name in names:
        for example in read_labelled(str(folder / f"{name}.jsonl")):
            if not isinstance(example, Rejected):
                yield example


def store_examples(folder: Path) -> Iterator[LabelledComment]:
    """Yield the comments of the blogs whose owners decided on each."""
    return _examples(folder, STORE)


def _given(folder: Path) -> Iterator[GivenLabel]:
    """Yield the store's labels; each blog has one labeller."""
    for example in store_examples(folder):
        if example.label:
            yield GivenLabel(example.site, example.comment, example.label, f"owner of {example.site}", NOW)


def base_without_store(folder: Path) -> Filter:
    """Train as the shipped model was, without the store's sets."""
    names = sorted(path.stem for path in folder.glob("*.jsonl") if path.stem not in (*STORE, *NEVER))
    examples = list(corrected(_examples(folder, names), read_corrections(CORRECTIONS)))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "base.hamgate")
        budget = Budget(blocked=0.0004, reviewed=0.004)
        train(examples, jobs=cpu_count(), budget=budget, report=_say, made_up=made_up_examples(0)).save(path)
        return load(path)


def _say(message: str, _share: float = 0.0) -> None:
    """Tell what is being done, whether or not it is known how far that is."""
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

"""Whether spam rewritten as spammers do keeps being caught, on the blog with most spam, of which the model saw nothing.

    python -m benchmarks.disguise DATA_FOLDER

Every attack rewrites each spam comment; ham stays as it is. Counted are comments at or above the shipped block
threshold,
and at or above the score that the blog's own ham never reaches.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.attacks import ATTACKS
from benchmarks.quality.ours import Ours
from benchmarks.quality.protocol import blog_folds, read_rows
from model import SHIPPED
from model.artifact import load

MAX_SPAM = 1_500


def main() -> None:
    """Print a markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folds = list(blog_folds(read_rows(parser.parse_args().folder)))
    fold = max(folds, key=lambda fold: Counter(row.label for row in fold.test)["spam"])
    shipped = load(SHIPPED)
    block = (np.log(shipped.thresholds.block / (1 - shipped.thresholds.block)) - shipped.scorer.offset) / (
        shipped.scorer.slope
    )
    ours = Ours().fit(fold.train)
    spam = [row for row in fold.test if row.label == "spam"]
    spam = random.Random(0).sample(spam, min(MAX_SPAM, len(spam)))  # noqa: S311 - a sample, not a secret
    highest_ham = ours.scores([row for row in fold.test if row.label == "ham" and not row.is_struck]).max()
    print(f"{len(spam)} spam comments\n\n| attack | blocked % | above all ham % |\n| --- | --- | --- |")
    for name, attack in {"none": lambda text, _: text, **ATTACKS}.items():
        rng = random.Random(0)  # noqa: S311 - a sample, not a secret
        attacked = [replace(row, comment=replace(row.comment, text=attack(row.comment.text, rng))) for row in spam]
        scores = ours.scores(attacked)
        print(
            f"| {name} | {100 * (scores >= block).mean():.1f} | {100 * (scores > highest_ham).mean():.1f} |", flush=True
        )


if __name__ == "__main__":
    main()

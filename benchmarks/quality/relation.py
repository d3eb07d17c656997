"""What it adds to know the post: on blogs never seen, with a thread's other comments standing in for the post.

No labelled set comes with its posts, but people who comment under one post write about the same thing. Scores come from
the kept scores of ``measure``; the share of shared words and its fixed weight are those that the filter uses.

    python -m benchmarks.quality.relation DATA_FOLDER --cache CACHE_FOLDER
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.quality.protocol import Row, blog_folds, read_rows
from benchmarks.quality.scores import score_folds
from model import SHIPPED
from model.artifact import load
from model.relation import related_reasons
from training.measures import caught_at, roc_auc

MIN_HAM_IN_THREAD = 4
MAX_STAND_INS = 8
RATES = (0.001, 0.005, 0.01)


def related_weights(rows: list[Row]) -> dict[str, float]:
    """Return what the relation adds to the log-odds, by row id, for rows in threads with ham enough."""
    threads: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.thread:
            threads[row.site, row.thread].append(row)
    weights = {}
    for thread in threads.values():
        ham = [row for row in thread if row.label == "ham"]
        if len(ham) < MIN_HAM_IN_THREAD:
            continue
        for row in thread:
            others = [other for other in ham if other is not row][:MAX_STAND_INS]
            post = "\n".join(other.comment.text[:3_000] for other in others)
            reasons = related_reasons(replace(row.comment, post_text=post))
            if reasons:
                weights[row.row_id] = reasons[0].weight
    return weights


def main() -> None:
    """Print a markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    arguments = parser.parse_args()
    rows = read_rows(arguments.folder)
    slope = load(SHIPPED).scorer.slope
    folds = blog_folds(rows)
    score_of = {s.row: slope * s.score for s in score_folds("ours", folds, arguments.cache, seed=0, again=False)}
    weights = related_weights([row for row in rows if row.row_id in score_of and not row.is_struck])
    label_of = {row.row_id: row.label for row in rows}
    kept = [(label_of[name] == "spam", score_of[name], weight) for name, weight in weights.items()]
    is_spam, alone, added = map(np.array, zip(*kept, strict=True))
    print(f"{len(kept)} comments, {int(is_spam.sum())} of them spam\n")
    print("| the filter | AUC | spam caught at 0.1 / 0.5 / 1 % of ham blocked |\n| --- | --- | --- |")
    for name, scores in (("without the post", alone), ("with it", alone + added), ("the post alone", added)):
        spam, ham = scores[is_spam], scores[~is_spam]
        caught = " / ".join(f"{100 * caught_at(spam, ham, rate):.1f}" for rate in RATES)
        print(f"| {name} | {roc_auc(spam, ham):.4f} | {caught} |")


if __name__ == "__main__":
    main()

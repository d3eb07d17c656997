"""What the shipped thresholds do on sources never seen: per blog and data set, calibration included.

The scores are those of models that had seen nothing of the source (kept by ``measure``), brought to the shipped model's
scale by its calibration. The newspaper's readers are in no training set, so their scores are the shipped model's own.

    python -m benchmarks.quality.shipped DATA_FOLDER --cache CACHE_FOLDER
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.quality.protocol import BLOG_DUMPS, NEWS, Row, blog_folds, data_set_folds, read_rows
from benchmarks.quality.scores import score_folds
from model import SHIPPED
from model.artifact import Filter, load
from training.measures import brier_score, reliability

MIN_COMMENTS = 100
CHUNK = 256


def held_out_scores(folder: Path, cache: Path, rows: list[Row], model: Filter) -> dict[str, float]:
    """Return P(spam) by row id, for every tested row."""
    scores = [
        score
        for folds in (blog_folds(rows), data_set_folds(rows))
        for score in score_folds("ours", folds, cache, seed=0, again=False)
    ]
    log_odds = model.scorer.slope * np.array([score.score for score in scores]) + model.scorer.offset
    news = [row for row in rows if row.source == NEWS]
    log_odds = np.concatenate(
        [log_odds]
        + [model.scorer.log_odds([row.comment for row in news[i : i + CHUNK]]) for i in range(0, len(news), CHUNK)]
    )
    names = [score.row for score in scores] + [row.row_id for row in news]
    return dict(zip(names, (1 / (1 + np.exp(-log_odds))).tolist(), strict=True))


def main() -> None:
    """Print markdown tables: by source, by language of the blogs' ham, and the reliability diagram's numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    arguments = parser.parse_args()
    model = load(SHIPPED)
    rows = read_rows(arguments.folder)
    score_of = held_out_scores(arguments.folder, arguments.cache, rows, model)
    tested = [row for row in rows if row.row_id in score_of and not row.is_struck]
    blogs = [row for row in tested if row.source in BLOG_DUMPS]
    print(f"model {model.version}, {model.thresholds}\n")
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in tested:
        groups[row.group].append(row)
    _print_table(
        "source", {"all blogs": blogs, **dict(sorted(groups.items(), key=lambda g: -len(g[1])))}, score_of, model
    )
    languages: defaultdict[str, list[Row]] = defaultdict(list)
    for row in tested:
        languages[row.comment.lang or "unknown"].append(row)
    print()
    _print_table("language", dict(sorted(languages.items(), key=lambda g: -len(g[1]))), score_of, model)
    spam = np.array([score_of[row.row_id] for row in blogs if row.label == "spam"])
    ham = np.array([score_of[row.row_id] for row in blogs if row.label == "ham"])
    bins = reliability(spam, ham)
    print(f"\nAll blogs: Brier score {brier_score(spam, ham):.4f}\n")
    print("| scores | comments | mean score | of them spam |\n| --- | --- | --- | --- |")
    for number, of_bin in enumerate(zip(bins.counts, bins.mean_scores, bins.spam_shares, strict=True)):
        count, mean, share = of_bin
        print(f"| {number / 10:.1f} to {(number + 1) / 10:.1f} | {count:,} | {mean:.3f} | {share:.3f} |")


def _print_table(name: str, groups: dict[str, list[Row]], score_of: dict[str, float], model: Filter) -> None:
    of_ham = "ham discarded % | ham blocked % | ham held %"
    print(f"| {name} | spam | ham | {of_ham} | spam discarded % | spam blocked % | spam blocked or held % |")
    print(f"|{' --- |' * 9}")
    for group, rows in groups.items():
        if len(rows) < MIN_COMMENTS:
            continue
        spam = np.array([score_of[row.row_id] for row in rows if row.label == "spam"])
        ham = np.array([score_of[row.row_id] for row in rows if row.label == "ham"])
        discard, block, review = model.thresholds.discard, model.thresholds.block, model.thresholds.review
        cells = [
            _percent(ham >= discard),
            _percent(ham >= block),
            _percent((ham >= review) & (ham < block)),
            _percent(spam >= discard),
            _percent(spam >= block),
            _percent(spam >= review),
        ]
        print(f"| {group} | {len(spam)} | {len(ham)} | {' | '.join(cells)} |")


def _percent(hits: np.ndarray) -> str:
    return f"{100 * hits.mean():.2f}" if len(hits) else "-"


if __name__ == "__main__":
    main()

"""Scores of filters on the test rows of every fold, kept on disk so that figures can be made anew in seconds.

Owns which filters there are, running them one after the other, and the kept files: one a filter and fold, JSON Lines of
``{"fold", "row", "label", "group", "score"}``. Leaves figures to ``measure``.
"""

from __future__ import annotations

import json
import pkgutil
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from benchmarks.quality import protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.quality.peers import Peer
    from benchmarks.quality.protocol import Fold, Row

FILTERS = {
    "sk-word12-lr": "benchmarks.quality.peers:word12_regression",
    "sk-word12-lr-text": "benchmarks.quality.peers:word12_regression_text",
    "sk-char15-svc": "benchmarks.quality.peers:char15_svm",
    "spambayes-osb": "benchmarks.quality.peers:SpamBayes",
    "vowpal-wabbit": "benchmarks.quality.peers:VowpalWabbit",
    "fasttext-subword": "benchmarks.quality.peers:FastText",
    "ours": "benchmarks.quality.ours:Ours",
}
"""What makes each filter; imported when asked for, since every peer needs a package of its own."""

PROTOCOLS: dict[str, Callable[[Sequence[Row], Path, int], Iterator[Fold]]] = {
    "blogs": lambda rows, _folder, seed: protocol.blog_folds(rows, seed),
    "data-sets": lambda rows, _folder, seed: protocol.data_set_folds(rows, seed),
    "news": lambda rows, _folder, seed: protocol.news_fold(rows, seed),
    "published": lambda _rows, folder, _seed: protocol.published_folds(folder),
}


@dataclass(frozen=True, slots=True)
class Score:
    """What a filter gave one test row; the higher, the more like spam."""

    fold: str
    row: str
    label: str
    group: str
    score: float


def score_folds(name: str, folds: Iterator[Fold], kept: Path, *, seed: int, again: bool) -> list[Score]:
    """Train and ask the named filter on each fold, or read what it said before about this very split."""
    scores: list[Score] = []
    for fold in folds:
        path = kept / name / f"{fold.name}-{fold.digest()}-{seed}.jsonl"
        if again or not path.exists():
            _write(path, _score(name, fold, seed))
        scores.extend(_read(path))
    return scores


def _score(name: str, fold: Fold, seed: int) -> list[Score]:
    peer: Peer = pkgutil.resolve_name(FILTERS[name])()
    start = time.perf_counter()
    peer.fit(fold.train, seed)
    fitted = time.perf_counter()
    values = peer.scores(fold.test)
    print(
        f"{name} {fold.name}: learned {len(fold.train)} in {fitted - start:.0f} s, "
        f"scored {len(fold.test)} in {time.perf_counter() - fitted:.0f} s",
        file=sys.stderr,
    )
    return [
        Score(fold.name, row.row_id, str(row.label), row.group, float(value))
        for row, value in zip(fold.test, values, strict=True)
    ]


def _write(path: Path, scores: list[Score]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text("".join(json.dumps(asdict(score)) + "\n" for score in scores), encoding="utf-8")
    partial.replace(path)


def _read(path: Path) -> list[Score]:
    return [Score(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]

"""Figures of several filters side by side, each learning from and tested on the very same rows.

Run ``python -m benchmarks.quality.measure FOLDER`` with the folder of labelled sets: Markdown tables go to standard
output, progress to standard error, and with ``--json FILE`` all figures into a file. Scores are kept (``--cache``), so
a second run only computes tables.

Owns figures and tables. Leaves splits to ``protocol``, and running filters to ``scores``.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from platformdirs import user_cache_path

from benchmarks.quality import protocol
from benchmarks.quality.scores import FILTERS, PROTOCOLS, score_folds
from training.measures import ham_bar, roc_auc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.quality.scores import Score
    from training.labelled import Label
    from training.measures import Floats

BUDGETS = (0.001, 0.005, 0.01)
"""Shares of ham that may be blocked, for which the share of spam caught is told."""

MIN_SPAM_OF_A_SITE = 20
MIN_HAM_OF_A_SITE = 100
"""A site with fewer is in the pooled figures and in its own row, but no mean or maximum over sites rests on it."""

POOLED = "pooled"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a filter does with one group of comments; rates in 0..1, ``None`` where there is nothing to count.

    ``caught`` and ``blocked`` are the shares of spam and ham above the threshold of each budget.
    """

    spam: int
    ham: int
    auc: float | None
    caught: tuple[float | None, ...]
    blocked: tuple[float | None, ...]


def figures(scores: Sequence[Score], thresholds: Sequence[float]) -> Figures:
    """Measure one group at the given thresholds; a comment above one is caught, or blocked."""
    spam, ham = _values(scores, "spam"), _values(scores, "ham")
    return Figures(
        spam=len(spam),
        ham=len(ham),
        auc=roc_auc(spam, ham) if len(spam) and len(ham) else None,
        caught=tuple(_share_above(spam, limit) for limit in thresholds),
        blocked=tuple(_share_above(ham, limit) for limit in thresholds),
    )


def pooled_thresholds(scores: Iterable[Score]) -> list[float]:
    """Return the thresholds that block at most each budget of all ham together, whatever group it is of.

    They are an oracle's, taken from the very scores they are reported on, for every filter alike.
    """
    ham = _values(scores, "ham")
    return [ham_bar(ham, budget) for budget in BUDGETS]


def at_pooled_thresholds(scores: Sequence[Score]) -> dict[str, Figures]:
    """Measure each group and all of them, at thresholds taken from the ham of all together."""
    thresholds = pooled_thresholds(scores)
    groups = {name: figures(group, thresholds) for name, group in sorted(_by_group(scores).items())}
    return {POOLED: figures(scores, thresholds)} | groups


def at_own_thresholds(scores: Sequence[Score]) -> dict[str, Figures]:
    """Measure each fold at thresholds taken from its own ham."""
    folds: defaultdict[str, list[Score]] = defaultdict(list)
    for score in scores:
        folds[score.fold].append(score)
    return {name: figures(fold, pooled_thresholds(fold)) for name, fold in folds.items()}


def mean_caught(groups: Mapping[str, Figures]) -> list[float | None]:
    """Return the spam caught at each budget, averaged over sites with enough spam: every site counts alike."""
    sites = [group for name, group in groups.items() if name != POOLED and group.spam >= MIN_SPAM_OF_A_SITE]
    return [_mean(site.caught[i] for site in sites) for i in range(len(BUDGETS))]


def worst_blocked(groups: Mapping[str, Figures]) -> list[float]:
    """Return the largest share of one site's own ham that is blocked, at each budget, over sites with enough ham."""
    sites = [group for name, group in groups.items() if name != POOLED and group.ham >= MIN_HAM_OF_A_SITE]
    return [max((site.blocked[i] or 0.0 for site in sites), default=0.0) for i in range(len(BUDGETS))]


def _values(scores: Iterable[Score], label: str) -> Floats:
    return np.array([score.score for score in scores if score.label == label], dtype=np.float64)


def _share_above(values: Floats, limit: float) -> float | None:
    return float(np.mean(values > limit)) if len(values) else None


def _by_group(scores: Iterable[Score]) -> dict[str, list[Score]]:
    groups: defaultdict[str, list[Score]] = defaultdict(list)
    for score in scores:
        groups[score.group].append(score)
    return dict(groups)


def pooled_table(measured: Mapping[str, Mapping[str, Figures]]) -> str:
    """Write one row a filter: all blogs together, the mean over sites, and the site that suffers most."""
    rows = [
        [
            name,
            _auc(groups[POOLED].auc),
            _percents(groups[POOLED].caught),
            _percents(mean_caught(groups)),
            _percents(worst_blocked(groups)),
        ]
        for name, groups in measured.items()
    ]
    header = ["filter", "AUC", "spam caught", "mean over sites", "most ham blocked on one site"]
    return _markdown(header, rows)


def group_table(measured: Mapping[str, Mapping[str, Figures]]) -> str:
    """Write one row a group with spam, one column a filter: AUC, and spam caught at each budget."""
    groups = [name for name, group in _first(measured).items() if group.spam]
    rows = [
        [name, str(_first(measured)[name].spam), str(_first(measured)[name].ham)]
        + [f"{_auc(figures[name].auc)}, {_percents(figures[name].caught)}" for figures in measured.values()]
        for name in sorted(groups, key=lambda name: -_first(measured)[name].spam)
    ]
    return _markdown(["group", "spam", "ham", *measured], rows)


def blocked_table(measured: Mapping[str, Mapping[str, Figures]]) -> str:
    """Write one row a group with ham, one column a filter: its own ham blocked at each threshold."""
    groups = [name for name, group in _first(measured).items() if group.ham]
    rows = [
        [name, str(_first(measured)[name].ham)] + [_percents(figures[name].blocked, 2) for figures in measured.values()]
        for name in sorted(groups, key=lambda name: -_first(measured)[name].ham)
    ]
    return _markdown(["group", "ham", *measured], rows)


def _first(measured: Mapping[str, Mapping[str, Figures]]) -> Mapping[str, Figures]:
    return next(iter(measured.values()))


def _auc(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _percents(shares: Sequence[float | None], digits: int = 1) -> str:
    return " / ".join("-" if share is None else f"{100 * share:.{digits}f}" for share in shares)


def _markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def published_figures(scores: Sequence[Score]) -> dict[str, Figures]:
    """Measure the published splits; a protocol of several splits is their mean, as published."""
    folds = at_own_thresholds(scores)
    return {name: _mean_figures([folds[split] for split in splits]) for name, splits in protocol.PUBLISHED.items()}


def _mean_figures(splits: Sequence[Figures]) -> Figures:
    return Figures(
        spam=sum(split.spam for split in splits) // len(splits),
        ham=sum(split.ham for split in splits) // len(splits),
        auc=_mean(split.auc for split in splits),
        caught=tuple(_mean(split.caught[i] for split in splits) for i in range(len(BUDGETS))),
        blocked=tuple(_mean(split.blocked[i] for split in splits) for i in range(len(BUDGETS))),
    )


def _mean(shares: Iterable[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return float(np.mean(known)) if known else None


def main() -> None:
    """Run what has not been run, and print the tables."""
    arguments = _arguments()
    rows = protocol.read_rows(arguments.folder)
    struck = frozenset(row.row_id for row in rows if row.is_struck)
    scores: dict[str, dict[str, list[Score]]] = {name: {} for name in arguments.protocols}
    for name in arguments.protocols:
        folds = list(PROTOCOLS[name](rows, arguments.folder, arguments.seed))
        if arguments.without_made_up:
            folds = [fold.without_made_up() for fold in folds]
        for filter_name in arguments.filters:
            again = arguments.again and filter_name in arguments.again
            scores[name][filter_name] = score_folds(
                filter_name, iter(folds), arguments.cache, seed=arguments.seed, again=again
            )
    report = _report(scores, struck, protocol.labels_put_right(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _report(
    scores: Mapping[str, Mapping[str, Sequence[Score]]], struck: frozenset[str], right: Mapping[str, Label]
) -> dict[str, dict[str, dict[str, object]]]:
    """Print the tables of every protocol that was run, and return all figures by protocol, filter and group."""
    measured: dict[str, dict[str, dict[str, Figures]]] = {}
    if "blogs" in scores:
        everything = scores["blogs"]
        without = {name: [s for s in kept if s.row not in struck] for name, kept in everything.items()}
        measured["blogs"] = {name: at_pooled_thresholds(kept) for name, kept in without.items()}
        measured["blogs, nothing struck"] = {name: at_pooled_thresholds(kept) for name, kept in everything.items()}
        read = {name: [replace(s, label=right.get(s.row, s.label)) for s in kept] for name, kept in everything.items()}
        measured["blogs, labels put right"] = {name: at_pooled_thresholds(kept) for name, kept in read.items()}
        _print(f"Blogs never seen ({len(struck)} rows struck)", pooled_table(measured["blogs"]))
        _print("Blogs never seen, nothing struck", pooled_table(measured["blogs, nothing struck"]))
        _print("Blogs never seen, labels put right", pooled_table(measured["blogs, labels put right"]))
        _print("Blogs never seen, by site: AUC, spam caught", group_table(measured["blogs"]))
        _print("Blogs never seen, by site: own ham blocked", blocked_table(measured["blogs"]))
        _print(
            "Blogs never seen, by site: own ham blocked, labels put right",
            blocked_table(measured["blogs, labels put right"]),
        )
        if "news" in scores:
            measured["news"] = {
                name: {protocol.NEWS: figures(scores["news"][name], pooled_thresholds(kept))}
                for name, kept in without.items()
            }
            _print("A newspaper's readers: ham blocked at the blogs' thresholds", blocked_table(measured["news"]))
    if "data-sets" in scores:
        measured["data sets"] = {name: at_own_thresholds(kept) for name, kept in scores["data-sets"].items()}
        _print("Data sets never seen: AUC, spam caught", group_table(measured["data sets"]))
    if "published" in scores:
        measured["published"] = {name: published_figures(kept) for name, kept in scores["published"].items()}
        _print("Published splits: AUC, spam caught", group_table(measured["published"]))
    return {
        table: {name: {group: asdict(value) for group, value in groups.items()} for name, groups in filters.items()}
        for table, filters in measured.items()
    }


def _print(title: str, table: str) -> None:
    print(f"### {title}\n\nAt 0.1 / 0.5 / 1 % of ham blocked.\n\n{table}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.measure", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of labelled sets, *.jsonl")
    parser.add_argument("--filters", nargs="+", choices=FILTERS, default=list(FILTERS), metavar="NAME")
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=list(PROTOCOLS), metavar="NAME")
    parser.add_argument("--cache", type=Path, default=user_cache_path("hamgate") / "benchmarks", help="kept scores")
    parser.add_argument("--again", nargs="+", choices=FILTERS, metavar="NAME", help="filters to be run anew")
    parser.add_argument("--without-made-up", action="store_true", help="no filter learns from made-up examples")
    parser.add_argument("--json", type=Path, help="write every figure here")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""Retraining and promotion on a database: which versions meet at the gate, and what is recorded of it.

Leaves learning to ``retrain``, the rule to ``gate``, and keeping versions to ``registry``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model.artifact import load
from training.gate import compare, golden_set, held_out_labels
from training.holdout import Labelled
from training.labels import LabelStore
from training.memory import MAX_LABELS
from training.registry import Registry
from training.retrain import HALF_LIFE_DAYS, retrain, review, unheard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from training.database import Database
    from training.gate import GateReport
    from training.labels import GivenLabel
    from training.retrain import Report, Retrained, Review


class Promoter:
    """Makes versions from a database's labels and lets them through the gate.

    ``base`` is the model file: what every retraining starts from, and what is served while nothing is promoted.
    """

    def __init__(self, database: Database, base: Path, golden: Sequence[str] = (), jobs: int = 1) -> None:
        self._registry = Registry(database)
        self._labels = LabelStore(database)
        self._base = base
        self._golden = golden
        self._jobs = jobs

    def retrain(
        self,
        now: datetime,
        by: str,
        half_life_days: float = HALF_LIFE_DAYS,
        report: Report = unheard,
    ) -> tuple[str, Retrained]:
        """Learn from the labels and register the version; return it and what was learnt.

        Raises:
            NothingToLearnError: there are not both spam and ham to learn from.
            ArtifactError: the base is no model.
        """
        retrained = retrain(load(self._base), self._newest_labels(), half_life_days, self._jobs, report)
        return self._registry.add(retrained.content, now, by), retrained

    def review(self, half_life_days: float = HALF_LIFE_DAYS) -> Review:
        """Weigh all labels without making a version of them.

        Raises:
            NothingToLearnError: there are not both spam and ham.
            ArtifactError: the base is no model.
        """
        labels = [Labelled.of(*numbered) for numbered in self._newest_labels()]
        return review(load(self._base), labels, half_life_days, self._jobs)

    def compare(self, version: str, done: Callable[[float], None] = lambda share: None) -> GateReport:
        """Measure a version beside the served one; ``done`` is told which share is.

        Raises:
            UnknownVersionError: there is none of that name.
            ArtifactError: the version can't be verified, or what is served can't be.
            TrainingError: a golden file can't be used.
        """
        candidate = self._registry.load(version)
        guards = [held_out_labels(candidate, self._newest_labels()), *map(golden_set, self._golden)]
        promotion, _ = self._registry.newest_promotion()
        champion = self._registry.load_served(self._base)
        return replace(compare(champion, candidate, guards, self._jobs, done), promotion=promotion)

    def promote(
        self, report: GateReport, now: datetime, by: str, force: bool = False, reason: str | None = None
    ) -> None:
        """Have the compared version served if the gate lets it pass, or, forced, whatever it says; ``reason`` says why.

        Raises:
            RefusedError: the gate said no.
            ServedVersionChangedError: what it was compared with is no longer what is served.
        """
        if not force:
            report.require()
        is_forced = bool(report.objections())
        self._registry.promote(report.candidate, now, by, is_forced, report.promotion, reason)

    def _newest_labels(self) -> Iterator[tuple[int, GivenLabel]]:
        return self._labels.newest_of_sites(MAX_LABELS)

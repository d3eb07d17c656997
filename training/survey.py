"""A look at how the served version does: by day and week on what was checked, and on labels it has not learnt from.

Reads all checks that are remembered, so it runs as a job, beside the service; pages and metrics show what it found.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from training import figures
from training.ageing import drifts, references, signs_of_age
from training.diary import Diary
from training.distribution import Distribution, Reference
from training.evaluate import Outcomes, Share
from training.gate import CHUNK_COMMENTS, held_out_labels
from training.labels import LabelStore
from training.memory import MAX_LABELS
from training.registry import Registry
from training.retrain import unheard
from training.traffic import days

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from model.artifact import Filter
    from training.ageing import DayDrift
    from training.database import Database
    from training.evaluate import Evaluation
    from training.labels import Check
    from training.retrain import Report
    from training.traffic import Day

SHOWN_DAYS = 180
PLOTTED_DAYS = 30
REMEMBERED = timedelta(days=400)
_READ, _MEASURED = 0.6, 0.9
"""Shares of the time that a survey takes, for those who watch."""


@dataclass(frozen=True, slots=True)
class Week:
    """What people said of a week's checks (ISO 8601), as shares: of spam let through, of ham held and blocked."""

    week: str
    checks: int
    labelled: int
    spam_missed: Share
    ham_held: Share
    ham_blocked: Share

    @classmethod
    def of(cls, week: str, days: Sequence[Day]) -> Week:
        """Sum the days up."""
        spam, ham = (sum(day.said(label) for day in days) for label in ("spam", "ham"))
        return cls(
            week,
            sum(day.checks for day in days),
            spam + ham,
            Share.of(sum(day.missed for day in days), spam),
            Share.of(sum(day.said("ham", "review") for day in days), ham),
            Share.of(sum(day.said("ham", "block", "discard") for day in days), ham),
        )


def survey(database: Database, base: Path, now: datetime, report: Report = unheard) -> dict[str, Any]:
    """Note in the diary what the checks tell, and return what there is to show, as JSON values.

    Raises:
        ArtifactError: what is served can't be verified.
    """
    labels, registry, diary = LabelStore(database), Registry(database), Diary(database)
    checks = _heard(labels.checks(now - REMEMBERED), now, report)
    diary.note(days(checks, (label for _, label in labels.latest())))
    served = registry.load_served(base)
    noted = diary.days((now - timedelta(days=SHOWN_DAYS)).date().isoformat())
    judged = drifts(noted, references(registry, served))
    own = [drift for drift in judged if drift.day.model == served.version]
    weekly = weeks(noted)
    outcomes = _held_out_outcomes(served, labels, report)
    report("drawing", _MEASURED)
    evaluation = None if outcomes is None else outcomes.evaluation(served.thresholds)
    return {
        "model": served.version,
        "days": [drift.as_json() for drift in judged],
        "weeks": [asdict(week) for week in weekly],
        "signs_of_age": signs_of_age(own),
        "held_out": None if evaluation is None else asdict(evaluation),
        "plots": _traffic_plots(served, own, weekly) | _held_out_plots(served, outcomes, evaluation),
    }


def weeks(days: Iterable[Day]) -> list[Week]:
    """Sum days up by week; they come in order."""
    return [Week.of(week, list(found)) for week, found in groupby(days, _week)]


def _week(day: Day) -> str:
    year, week, _ = date.fromisoformat(day.date).isocalendar()
    return f"{year}-W{week:02}"


def _heard(checks: Iterable[Check], now: datetime, report: Report) -> Iterator[Check]:
    """Pass checks on, telling how far between the first of them and now they are."""
    first: datetime | None = None
    for number, check in enumerate(checks):
        first = first or check.checked_at
        if number % 1_000 == 0:
            done = (check.checked_at - first) / max(now - first, timedelta(seconds=1))
            report(f"reading the checks of {check.checked_at.date()}", _READ * min(max(done, 0.0), 1.0))
        yield check


def _held_out_outcomes(served: Filter, labels: LabelStore, report: Report) -> Outcomes | None:
    """Score the labels that a version has not learnt from; ``None`` where they are not of both kinds."""
    guard = held_out_labels(served, labels.newest_of_sites(MAX_LABELS))
    if len(set(guard.is_spam.tolist())) < 2:
        return None
    scores: list[float] = []
    for start in range(0, len(guard.comments), CHUNK_COMMENTS):
        share = start / len(guard.comments)
        report("measuring labels that the served version has not learnt from", _READ + (_MEASURED - _READ) * share)
        verdicts = served.check_many(guard.comments[start : start + CHUNK_COMMENTS])
        scores += [verdict.score for verdict in verdicts]
    unknown = np.full(len(scores), "")
    return Outcomes(guard.is_spam, np.array(scores), unknown, np.array(guard.sites), unknown)


def _held_out_plots(served: Filter, outcomes: Outcomes | None, evaluation: Evaluation | None) -> dict[str, str]:
    if outcomes is None or evaluation is None:
        return {}
    spam, ham = outcomes.scores[outcomes.is_spam], outcomes.scores[~outcomes.is_spam]
    return {
        "precision_recall": figures.precision_recall(spam, ham),
        "reliability": figures.reliability(evaluation),
        "histograms": figures.histograms(spam, ham, served.thresholds),
    }


def _traffic_plots(served: Filter, own: Sequence[DayDrift], weekly: Sequence[Week]) -> dict[str, str]:
    """Draw what the days tell; nothing where there are none."""
    plots = {}
    if own:
        reference = Reference.from_card(served.card)
        seen = sum((drift.day.distribution for drift in own), Distribution({}))
        trained = None if reference is None else (reference.ham.histogram(), reference.spam.histogram())
        plots["served_scores"] = figures.served_scores(seen.histogram(), trained)
        plots["drift"] = _drift_plot(own[-PLOTTED_DAYS:])
    if any(week.labelled for week in weekly):
        shares = {
            "spam missed": [week.spam_missed for week in weekly],
            "ham blocked": [week.ham_blocked for week in weekly],
            "ham held": [week.ham_held for week in weekly],
        }
        plots["quality"] = figures.quality([week.week for week in weekly], shares)
    return plots


def _drift_plot(shown: Sequence[DayDrift]) -> str:
    indices = {
        "scores, from the days before": [drift.shift for drift in shown],
        "scores, from training": [drift.score_from_training for drift in shown],
        "furthest trait, from training": [drift.traits_from_training for drift in shown],
    }
    known = {name: values for name, values in indices.items() if any(value is not None for value in values)}
    return figures.drift([drift.day.date for drift in shown], known)

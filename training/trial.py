"""A version tried beside the served one: at the gate, and on the checks of the last days. As a job shows it.

Owns laying that out as JSON values. Leaves the rule to ``gate`` and the comparing to ``promotion`` and ``traffic``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from training.labels import LabelStore
from training.registry import Registry
from training.traffic import disagreements

if TYPE_CHECKING:
    from datetime import datetime

    from training.database import Database
    from training.gate import GateReport
    from training.promotion import Promoter
    from training.retrain import Report

SHADOW = timedelta(days=1)
MAX_SHADOW_CHECKS = 50_000
MAX_DISAGREEMENTS = 200
SHOWN_CHARACTERS = 500
_GATE = 0.6
"""The share of the time that the gate takes, for those who watch."""


def trial(
    database: Database, promoter: Promoter, version: str, now: datetime, report: Report
) -> tuple[GateReport, dict[str, Any]]:
    """Compare a version with the served one, and return what the gate says and all that there is to show.

    Raises:
        UnknownVersionError: there is none of that name.
        ArtifactError: the version can't be verified, or what is served can't be.
        TrainingError: a golden file can't be used.
    """
    comparing = "comparing it with the served version"
    found = promoter.compare(version, lambda share: report(comparing, _GATE * share))
    report("judging the checks of the last day with it", _GATE)
    objections = [objection.partition("\n")[0].rstrip(":") for objection in found.objections()]
    return found, {"gate": asdict(found), "objections": objections, "shadow": _shadow(database, version, now)}


def _shadow(database: Database, version: str, now: datetime) -> dict[str, Any]:
    """Judge the checks of the last day, and count and list what the version would have decided otherwise."""
    counts: Counter[str] = Counter()
    checks = islice(LabelStore(database).checks(now - SHADOW), MAX_SHADOW_CHECKS)
    listed: list[dict[str, Any]] = []
    for found in disagreements(Registry(database).load(version), checks, counts):
        if len(listed) < MAX_DISAGREEMENTS:
            check = found.check
            listed.append(
                {
                    "id": check.id,
                    "site": check.site,
                    "was": check.decision,
                    "would_be": found.decision,
                    "score_was": check.score,
                    "score_would_be": found.score,
                    "text": check.comment.text[:SHOWN_CHARACTERS],
                }
            )
    return {"checks": counts.total(), "changes": dict(counts.most_common()), "disagreements": listed}

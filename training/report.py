"""An assessment, or a survey, as a page that stands alone: no scripts, nothing fetched, no text unless asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from training import figures
from training.formats.files import replaced

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from training.evaluate import Assessment, Estimate, Evaluation, Outcomes, Share
    from training.tally import Mistakes

PAGE = "index.html"
FIGURES = "evaluation.json"
DRIFT_FIGURES = "drift.json"
MAX_SHOWN_CHARACTERS = 700
NOTHING = "–"


def write_report(folder: Path, assessment: Assessment, outcomes: Outcomes, mistakes: Mistakes) -> None:
    """Write ``index.html`` and ``evaluation.json`` into a folder, which is made if need be.

    ``mistakes`` are shown with their texts, so pass none for a page that may travel.
    """
    measured = json.dumps(assessment.as_json(), indent=2, ensure_ascii=False) + "\n"
    _write(folder, {PAGE: page(assessment, outcomes, mistakes), FIGURES: measured})


def write_drift_report(folder: Path, survey: dict[str, Any]) -> None:
    """Write what ``survey`` found as ``index.html`` and ``drift.json`` into a folder, which is made if need be."""
    counted = {name: found for name, found in survey.items() if name != "plots"}
    pages = {PAGE: rendered("drift.html", **survey), DRIFT_FIGURES: json.dumps(counted, indent=2) + "\n"}
    _write(folder, pages)


def _write(folder: Path, pages: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        with replaced(folder / name) as stream:
            stream.write(text.encode("utf-8", "replace"))


def page(assessment: Assessment, outcomes: Outcomes, mistakes: Mistakes) -> str:
    """Return the report as HTML. The same assessment gives the same page."""
    return rendered(
        "report.html",
        assessment=assessment,
        pooled=assessment.pooled,
        summary=summary(assessment.pooled),
        plots=_plots(assessment, outcomes),
        tables={
            "source": assessment.by_source,
            "language": assessment.by_language,
            "site": assessment.by_site,
        },
        mistakes=mistakes,
    )


def rendered(template: str, **values: Any) -> str:
    """Fill one of the templates of pages that stand alone."""
    environment = Environment(
        loader=PackageLoader("training", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, decimal=decimal, between=between, shortened=shortened)
    return environment.get_template(template).render(values)


def summary(evaluation: Evaluation) -> str:
    """Say in one plain sentence what the model's blocking does."""
    at_block = evaluation.at_thresholds["block"]
    parts = []
    if at_block.ham_blocked.value is not None:
        parts.append(f"of 1,000 good comments, {_of_thousand(at_block.ham_blocked)} would be blocked")
    if at_block.spam_caught.value is not None:
        stopped = int(1_000 * at_block.spam_caught.value)
        parts.append(f"of 1,000 spam, {stopped:,} {'is' if stopped == 1 else 'are'} stopped")
    sentence = "; ".join(parts)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def percent(value: float | None, digits: int = 1) -> str:
    """Write a share as a percentage; 100 % and 0 % only where nothing is missing, nor there."""
    if value is None:
        return NOTHING
    text = f"{100 * value:.{digits}f}"
    step = 10**-digits
    if value > 0 and float(text) == 0:
        return f"<{step:.{digits}f}"
    if value < 1 and float(text) == 100:
        return f">{100 - step:.{digits}f}"
    return text


def decimal(value: float | None, digits: int = 4) -> str:
    """Write a number with a fixed count of digits, cut and not rounded where rounding would claim perfection."""
    if value is None:
        return NOTHING
    text = f"{value:.{digits}f}"
    return f"{1 - 10**-digits:.{digits}f}" if value < 1 and float(text) == 1 else text


def between(estimate: Estimate | Share, scale: float = 100, digits: int = 1) -> str:
    """Write a 95 % interval, by default as percentages."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return ""
    return f"{scale * estimate.low:.{digits}f} to {scale * estimate.high:.{digits}f}"


def shortened(text: object) -> str:
    """Cut a comment's text to what fits a page."""
    whole = str(text or "")
    return whole if len(whole) <= MAX_SHOWN_CHARACTERS else f"{whole[:MAX_SHOWN_CHARACTERS]} …"


def _of_thousand(share: Share) -> str:
    if share.count == 0:
        return "none"
    thousandth = 1_000 * share.count / share.total
    return "fewer than 1" if thousandth < 0.95 else f"{thousandth:.0f}"


def _plots(assessment: Assessment, outcomes: Outcomes) -> dict[str, str]:
    """Draw what can be drawn: curves need both labels."""
    spam, ham = outcomes.scores[outcomes.is_spam], outcomes.scores[~outcomes.is_spam]
    plots = {
        "histograms": figures.histograms(spam, ham, assessment.thresholds),
        "reliability": figures.reliability(assessment.pooled),
    }
    if len(spam) and len(ham):
        plots["precision_recall"] = figures.precision_recall(spam, ham)
        plots["roc"] = figures.roc(spam, ham, assessment.pooled)
    return plots

"""The plots of reports and pages, as SVG that takes its colours from the page and so follows its light and dark.

Everything is said in attributes: a page may forbid inline styles.
"""

from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from training import measures
from training.distribution import DRIFTING
from training.intervals import exact_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.typing import RcKeyType

    from model.thresholds import Thresholds
    from training.evaluate import Evaluation, Share
    from training.measures import Floats

SIZE_INCHES = (5.0, 3.6)
HISTOGRAM_BINS = 50
HAM_RATES = (0.001, 0.005, 0.01)
MAX_DATES = 4
_INK, _GRID, _SPAM, _HAM = "#101112", "#d0d1d2", "#c0392b", "#1f6fb2"
_CSS = {_INK: "var(--ink)", _GRID: "var(--line)", _SPAM: "var(--spam)", _HAM: "var(--ham)"}
_STYLE: dict[RcKeyType, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": _GRID,
    "axes.grid": True,
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.formatter.useoffset": False,
    "font.size": 9.0,
    "grid.color": _GRID,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "legend.labelcolor": _INK,
    "svg.fonttype": "none",  # text stays text: it can be selected, and read aloud
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


@mpl.rc_context(_STYLE)
def precision_recall(spam: Floats, ham: Floats) -> str:
    """Plot precision over recall."""
    figure, axes = _figure()
    recall, precision = _thinned(*measures.precision_recall_curve(spam, ham))
    axes.plot(100 * recall, 100 * precision, color=_SPAM, drawstyle="steps-pre")
    axes.set(xlabel="spam caught, %", ylabel="of what is stopped, spam, %", xlim=(0, 101), ylim=(0, 101))
    return _svg(figure, "Precision-recall curve")


@mpl.rc_context(_STYLE)
def roc(spam: Floats, ham: Floats, evaluation: Evaluation) -> str:
    """Plot spam caught over ham blocked; the logarithmic axis shows the rates that matter."""
    figure, axes = _figure()
    floor = min(0.5 / len(ham), 0.0005)
    blocked, caught = measures.roc_curve(spam, ham)
    log_blocked, caught = _thinned(np.log10(np.maximum(blocked, floor)), caught)
    axes.plot(100 * 10**log_blocked, 100 * caught, color=_SPAM, drawstyle="steps-post")
    for decision, at in evaluation.at_thresholds.items():
        point = (100 * max(at.ham_blocked.value or 0, floor), 100 * (at.spam_caught.value or 0))
        axes.plot(*point, "o", color=_INK, markersize=5)
        axes.annotate(decision, point, xytext=(6, -11), textcoords="offset points")
    for rate in HAM_RATES:
        axes.axvline(100 * rate, color=_INK, linewidth=0.7, linestyle=":")
    axes.set(xscale="log", xlabel="ham blocked, % (logarithmic)", ylabel="spam caught, %")
    axes.set(xlim=(100 * floor, 100), ylim=(0, 101))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(lambda *_: "")
    return _svg(figure, "ROC curve with a logarithmic axis of ham blocked")


@mpl.rc_context(_STYLE)
def histograms(spam: Floats, ham: Floats, thresholds: Thresholds) -> str:
    """Plot how many comments of each label got which score."""
    figure, axes = _figure()
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    for scores, color, label in ((ham, _HAM, "ham"), (spam, _SPAM, "spam")):
        counts, _ = np.histogram(scores, edges)
        axes.stairs(counts, edges, fill=True, color=color, alpha=0.35)
        axes.stairs(counts, edges, color=color, label=label)
    for threshold in (thresholds.review, thresholds.block, thresholds.discard):
        axes.axvline(threshold, color=_INK, linewidth=0.9, linestyle=":")
    axes.set(yscale="log", xlabel="score", ylabel="comments (logarithmic)", xlim=(0, 1))
    axes.set_ylim(bottom=0.7)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.yaxis.set_minor_formatter(lambda *_: "")
    axes.legend(loc="upper center", ncols=2)
    return _svg(figure, "Histogram of scores, spam and ham")


@mpl.rc_context(_STYLE)
def reliability(evaluation: Evaluation) -> str:
    """Plot the share of spam over the score; bars are exact 95 % intervals, the diagonal is perfection."""
    figure, axes = _figure()
    axes.plot([0, 100], [0, 100], color=_INK, linewidth=0.7, linestyle=":")
    for bin_ in evaluation.reliability:
        if bin_.mean_score is not None and bin_.spam_share is not None:
            low, high = exact_interval(round(bin_.spam_share * bin_.count), bin_.count)
            x, y = 100 * bin_.mean_score, 100 * bin_.spam_share
            axes.plot([x, x], [100 * low, 100 * high], color=_SPAM, linewidth=1.2, alpha=0.6)
            axes.plot(x, y, "o", color=_SPAM, markersize=5)
    axes.set(xlabel="score, %", ylabel="of comments with that score, spam, %", xlim=(-2, 102), ylim=(-2, 102))
    return _svg(figure, "Reliability diagram")


@mpl.rc_context(_STYLE)
def served_scores(served: Sequence[int], trained: tuple[Sequence[int], Sequence[int]] | None) -> str:
    """Plot the shares of comments by score: those checked, and the spam and the ham that the version was trained on."""
    figure, axes = _figure()
    edges = np.linspace(0, 100, len(served) + 1)
    axes.stairs(_percentages(served), edges, fill=True, color=_INK, alpha=0.25, label="checked")
    for counts, color, label in zip(trained or (), (_HAM, _SPAM), ("ham trained on", "spam trained on"), strict=False):
        axes.stairs(_percentages(counts), edges, color=color, label=label)
    axes.set(xlabel="score, %", ylabel="of the comments, %", xlim=(0, 100), ylim=(0, 101))
    axes.legend(loc="upper center", ncols=1)
    return _svg(figure, "Scores of the comments checked, and of those trained on")


@mpl.rc_context(_STYLE)
def drift(dates: Sequence[str], indices: Mapping[str, Sequence[float | None]]) -> str:
    """Plot population stability indices by day; the dotted line is where a shift counts as large."""
    figure, axes = _figure()
    days = np.arange(len(dates))
    for (label, values), color, marker in zip(indices.items(), (_INK, _SPAM, _HAM), "os^", strict=False):
        axes.plot(days, [np.nan if value is None else value for value in values], marker, color=color, label=label)
    axes.axhline(DRIFTING, color=_INK, linewidth=0.9, linestyle=":")
    highest = max((value for values in indices.values() for value in values if value is not None), default=0.0)
    axes.set(ylabel="population stability index", xlim=(-0.5, len(dates) - 0.5), ylim=(0, 1.3 * max(highest, DRIFTING)))
    _name_dates(axes, dates)
    if indices:
        axes.legend(loc="upper left")
    return _svg(figure, "Drift by day")


@mpl.rc_context(_STYLE)
def quality(weeks: Sequence[str], shares: Mapping[str, Sequence[Share]]) -> str:
    """Plot shares by week with their exact 95 % intervals; weeks without labels are left out."""
    figure, axes = _figure()
    styles = ((_SPAM, -0.08), (_HAM, 0.0), (_INK, 0.08))
    for (label, values), (color, shift) in zip(shares.items(), styles, strict=True):
        known = [(index + shift, share) for index, share in enumerate(values) if share.value is not None]
        for x, share in known:
            axes.plot([x, x], [100 * (share.low or 0), 100 * (share.high or 0)], color=color, linewidth=1.2, alpha=0.6)
        axes.plot(
            [x for x, _ in known], [100 * (share.value or 0) for _, share in known], "o", color=color, label=label
        )
    axes.set(ylabel="of labelled comments, %", ylim=(0, 101), xlim=(-0.5, len(weeks) - 0.5))
    _name_dates(axes, weeks)
    axes.legend(loc="center left")
    return _svg(figure, "Quality by week")


def _percentages(counts: Sequence[int]) -> Floats:
    shares: Floats = 100 * np.array(counts) / max(sum(counts), 1)
    return shares


def _name_dates(axes: Axes, dates: Sequence[str]) -> None:
    """Write a few of the dates below the axis."""
    shown = range(0, len(dates), max(math.ceil(len(dates) / MAX_DATES), 1))
    axes.set_xticks(list(shown), [dates[index] for index in shown])


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    return figure, figure.add_subplot()


def _svg(figure: Figure, title: str) -> str:
    """Return an SVG element for use inside a page: the same for the same figure, without size, colours and fonts."""
    page = io.StringIO()
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context({"svg.hashsalt": title}):  # the salt makes ids steady, and no two alike
        figure.savefig(page, format="svg", transparent=True, metadata=metadata)
    svg = page.getvalue()
    svg = svg[svg.index("<svg") :]
    opening = rf'<svg viewBox="\1" role="img" aria-label="{title}" stroke-linejoin="round">'
    svg = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', opening, svg)
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", svg)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' style="([^"]*)"', lambda style: _attributes(style[1]), svg)
    svg = re.sub(r' (d|x|y|width|height|transform)="([^"]*)"', lambda found: _shortened(found[1], found[2]), svg)
    svg = re.sub(r">\s+<", "><", svg)
    for color, variable in _CSS.items():
        svg = svg.replace(color, variable)
    return svg


def _attributes(style: str) -> str:
    """Write a style as attributes of its own, which a page may have whose policy allows no inline style."""
    parts = (part.partition(":") for part in style.split(";"))
    return "".join(f' {name.strip()}="{value.strip()}"' for name, _, value in parts)


def _shortened(name: str, numbers: str) -> str:
    """Write coordinates as exactly as they can be seen."""
    rounded = re.sub(r"(\.\d)\d+", r"\1", " ".join(numbers.split()))
    return f' {name}="{rounded}"'


def _thinned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Drop the points of a curve that would fall onto the pixel before them, keeping both ends."""
    width = max(float(np.ptp(x)), 1e-9)
    pixels = np.column_stack([x / width * 600, y * 400]).astype(np.int64)
    kept = np.ones(len(x), dtype=bool)
    kept[1:] = np.any(np.diff(pixels, axis=0), axis=1)
    kept[-1] = True
    return x[kept], y[kept]

"""A model card as sentences and numbers for people. It may come from anywhere, so nothing of it is relied on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_GROUPS = 40
_COUNTS = ("spam", "ham", "spam_blocked_when_held_out", "ham_blocked_when_held_out")
UNKNOWN = "unknown for this version"


def facts(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say what a version was made of and what may be expected of it: names and values, in reading order."""
    return [*_origin(card), *_expected(card), *_made(card)]


def groups(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for each language that a version was trained on, what it did to comments of sites it had not seen."""
    found = []
    for name, counts in list(_section(card, "languages").items())[:MAX_GROUPS]:
        if isinstance(counts, dict):
            numbers = {
                key: counts.get(key)
                for key in ("spam", "ham", "spam_blocked_when_held_out", "ham_blocked_when_held_out")
            }
            if all(type(number) is int for number in numbers.values()):
                found.append({"name": str(name)[:40], **numbers})
    return sorted(found, key=lambda group: -group["spam"] - group["ham"])


def _origin(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if task := card.get("task"):
        yield "What it says", str(task)
    trained = _section(card, "trained_on")
    spam, ham = _count(trained.get("spam")), _count(trained.get("ham"))
    yield (
        "Trained on",
        f"{spam} spam and {ham} good comments of {_count(trained.get('sites'))} sites" if trained else UNKNOWN,
    )
    if made_up := trained.get("made_up"):
        yield "And on", f"{_count(made_up)} made-up examples, which had no say in the thresholds"
    if trained.get("oldest") and trained.get("newest"):
        yield "Written", f"{str(trained['oldest'])[:10]} to {str(trained['newest'])[:10]}, as far as they are dated"
    base = _section(card, "base")
    if base.get("version"):
        yield "Starts from", f"version {str(base['version'])[:16]}, whose weights the labels have moved"


def _expected(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    unseen = _section(card, "held_out_sites")
    if isinstance(unseen.get("auc"), float):
        yield (
            "On sites it had not seen",
            f"a spam scores above a good comment in {100 * unseen['auc']:.2f} of 100 cases (ROC-AUC)",
        )
    for rate in ("0.1%", "0.5%", "1.0%"):
        caught = unseen.get(f"spam_caught_at_{rate}_ham_blocked")
        if isinstance(caught, float):
            yield (
                f"Spam caught, {rate} of good ones blocked",
                f"{100 * caught:.1f} %, by the best threshold on those comments",
            )
    budget = _section(card, "budget")
    if isinstance(budget.get("ham_blocked_at_most"), float):
        yield "Budget", f"at most {100 * budget['ham_blocked_at_most']:g} % of good comments blocked"
    for decision in ("block", "review"):
        promise = _section(budget, decision).get("promise")
        if promise:
            yield f"Promise of “{decision}”", str(promise)


def _made(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Distributions of its training", "in the card" if _section(card, "distributions") else UNKNOWN
    recipe = _section(card, "recipe")
    if recipe:
        yield (
            "Recipe",
            ", ".join(
                f"{name} {value}" for name, value in sorted(recipe.items()) if isinstance(value, str | int | float)
            ),
        )
    digest = _section(card, "trained_on").get("digest")
    if digest:
        yield "Digest of its comments", str(digest)[:64]


def _section(card: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = card.get(name)
    return section if isinstance(section, dict) else {}


def _count(number: object) -> str:
    return f"{number:,}" if type(number) is int else "an unknown number of"

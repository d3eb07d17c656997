"""Why a comment has its score, as additive contributions in words that a moderator understands.

Owns gathering n-grams into reasons. The weights of all reasons of a comment sum to its log-odds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.ngrams import FAMILIES, TEXT_FAMILIES, grams_of
from model.relation import related_reasons
from model.segments import Kind, parts_of
from model.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from model.comment import Comment
    from model.ngrams import Grams
    from model.scorer import Contributions, Scorer
    from model.segments import Parts

    Floats = npt.NDArray[np.float64]

MAX_WORDS = 5
MAX_QUOTED_CHARACTERS = 60

_IS_TEXT_FAMILY = np.arange(len(FAMILIES)) < TEXT_FAMILIES
_FIELDS = (
    ("author", Kind.AUTHOR, "the author's name, “{}”"),
    ("author_url", Kind.URL, "the author's link, “{}”"),
    ("links", Kind.LINK, "the links in the text, such as “{}”"),
    ("author_email", Kind.EMAIL, "the e-mail domain, “{}”"),
)


def explain(scorer: Scorer, comments: Sequence[Comment]) -> list[tuple[float, tuple[Reason, ...]]]:
    """Return each comment's log-odds of spam and its reasons.

    Those that weigh most come first, and their weights add up to the log-odds. What is said of a comment does not
    depend on the others.
    """
    parts = [parts_of(comment) for comment in comments]
    grams = grams_of(parts)
    contributions = scorer.contributions(grams)
    weights_of_words = _weights_of_words(grams, contributions)
    explained = []
    for row, (comment, log_odds) in enumerate(zip(comments, contributions.log_odds.tolist(), strict=True)):
        related = related_reasons(comment)
        words = _telling_words(grams, weights_of_words, *grams.text_words[row].tolist())
        by_family = contributions.families[row].tolist()
        reasons = [Reason("base", scorer.offset, "before anything is known of a comment")]
        reasons += _reasons(parts[row], by_family, words)
        reasons += related
        reasons.sort(key=_importance)
        explained.append((log_odds + sum(reason.weight for reason in related), tuple(reasons)))
    return explained


def _importance(reason: Reason) -> float:
    return -abs(reason.weight)


def _reasons(parts: Parts, by_family: list[float], words: dict[str, float]) -> list[Reason]:
    """Say what each field adds, the text's telling words apart."""
    reasons = [Reason(f"text:{word}", weight, f"the words around “{word}”") for word, weight in words.items()]
    reasons.append(Reason("text", sum(by_family[:TEXT_FAMILIES]) - sum(words.values()), "the rest of the text"))
    for (feature, kind, sentence), weight in zip(_FIELDS, by_family[TEXT_FAMILIES:-1], strict=True):
        if weight:
            reasons.append(Reason(feature, weight, sentence.format(_first_of(parts, kind))))
    reasons.append(Reason("traits", by_family[-1], f"how the comment is made up: {_readable(parts.traits)}"))
    return reasons


def _weights_of_words(grams: Grams, contributions: Contributions) -> Floats:
    """Weigh every word by the n-grams of its text that begin in it or in the blank before it: float64, shape (w,)."""
    cells = grams.cells[contributions.known]
    count = len(grams.sizes)
    in_text = np.flatnonzero(np.tile(_IS_TEXT_FAMILY, count)[cells])
    if not len(grams.word_starts) or not len(in_text):
        return np.zeros(len(grams.word_starts))
    known, cells = contributions.known[in_text], cells[in_text]
    rows = np.arange(count).repeat(len(FAMILIES))[cells]
    weights = contributions.per_regression.ravel()[cells] * contributions.regression[in_text]
    weights += contributions.per_joint[rows] * contributions.joint[in_text]
    weights += contributions.per_ratio[rows] * contributions.bayes[in_text]
    characters = known.searchsorted(grams.first_word)
    word_of = np.zeros(len(grams.codes), dtype=np.int64)
    word_of[grams.word_ends] = 1
    word_of = word_of.cumsum()
    positions = grams.character_positions()[known[:characters]]
    words = np.concatenate([word_of[positions], grams.word_numbers()[known[characters:] - grams.first_word]])
    # What begins after a text's last word is left to the rest of the text.
    inside = words < grams.text_words[rows, 1]
    totals: Floats = np.bincount(words[inside], weights[inside], len(grams.word_starts)).astype(np.float64)
    return totals


def _telling_words(grams: Grams, weights: Floats, first: int, end: int) -> dict[str, float]:
    """Return the words from ``first`` to ``end`` that weigh most."""
    telling: dict[str, float] = {}
    for index in np.argsort(-np.abs(weights[first:end]), kind="stable")[:MAX_WORDS].tolist():
        word = _string(grams.codes[grams.word_starts[first + index] : grams.word_ends[first + index]])
        telling[word] = telling.get(word, 0.0) + float(weights[first + index])
    return telling


def _string(codes: npt.NDArray[np.uint32]) -> str:
    return codes[:MAX_QUOTED_CHARACTERS].tobytes().decode("utf-32-le", "replace")


def _first_of(parts: Parts, kind: Kind) -> str:
    """Quote the first string of a kind, shortened."""
    return next((string.strip()[:MAX_QUOTED_CHARACTERS] for k, string in parts.segments if k is kind), "")


def _readable(traits: list[str]) -> str:
    """Name the traits that people can read; crossed ones repeat what the plain ones say."""
    return ", ".join(filter(None, map(_TRAITS.get, traits))) or "length, links and name together"


_TRAITS = {
    "links_0": "no links",
    "links_1": "one link",
    "links_2": "two links",
    "links_3": "a few links",
    "links_6": "many links",
    **{f"length_{size}": "a short text" for size in range(7)},
    **{f"length_{size}": "a long text" for size in range(11, 16)},
    "name_words_4": "a name of many words",
    "name_words_5": "a name of many words",
    "name_is_address": "a name that is an address",
    "name_in_url_3": "a name that stands in its link",
    "name_in_url_4": "a name that stands in its link",
    "all_caps": "all capitals",
    "hidden_look_alikes": "letters replaced by look-alikes",
    "hidden_styled_letters": "letters in fancy alphabets",
    "hidden_spaced_letters": "letters spaced out",
    "hidden_invisible": "invisible characters",
    "hidden_bidi": "reversed writing direction",
    "hidden_stacked_marks": "stacked accents",
    "hidden_leet": "digits in place of letters",
    "hidden_elongated": "stretched words",
    "hidden_entities": "letters written as entities",
    "hidden_bbcode": "forum markup",
    "hidden_spintax": "an unexpanded template",
}
assert len(_FIELDS) == len(FAMILIES) - TEXT_FAMILIES - 1  # noqa: S101 - the two must name the same families

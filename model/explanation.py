"""Why a comment has its score, as additive contributions in words that a moderator understands.

Owns gathering n-grams into reasons. The weights of all reasons of a comment sum to its log-odds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.ngrams import FAMILIES, TEXT_FAMILIES, grams_of
from model.segments import Kind, parts_of
from model.verdict import Reason

if TYPE_CHECKING:
    import numpy.typing as npt

    from model.comment import Comment
    from model.ngrams import Grams
    from model.scorer import Contributions, Scorer
    from model.segments import Parts

    Floats = npt.NDArray[np.float64]

MAX_WORDS = 5
MAX_QUOTED_CHARACTERS = 60

_FIELDS = (
    ("author", Kind.AUTHOR, "the author's name, “{}”"),
    ("author_url", Kind.URL, "the author's link, “{}”"),
    ("links", Kind.LINK, "the links in the text, such as “{}”"),
    ("author_email", Kind.EMAIL, "the e-mail domain, “{}”"),
)


def explain(scorer: Scorer, comment: Comment) -> tuple[float, tuple[Reason, ...]]:
    """Return the log-odds of spam, and its reasons: those that weigh most first, their weights adding up to it."""
    parts = parts_of(comment)
    grams = grams_of([parts])
    contributions = scorer.contributions(grams)
    by_family = contributions.families[0].tolist()
    reasons = [Reason("base", scorer.offset, "before anything is known of a comment")]
    rest_of_text = sum(by_family[:TEXT_FAMILIES])
    for word, weight in _telling_words(grams, contributions):
        reasons.append(Reason(f"text:{word}", weight, f"the words around “{word}”"))
        rest_of_text -= weight
    reasons.append(Reason("text", rest_of_text, "the rest of the text"))
    for (feature, kind, sentence), weight in zip(_FIELDS, by_family[TEXT_FAMILIES:-1], strict=True):
        if weight:
            reasons.append(Reason(feature, weight, sentence.format(_first_of(parts, kind))))
    reasons.append(Reason("traits", by_family[-1], f"how the comment is made up: {_readable(parts.traits)}"))
    reasons.sort(key=lambda reason: -abs(reason.weight))
    return float(contributions.log_odds[0]), tuple(reasons)


def _telling_words(grams: Grams, contributions: Contributions) -> list[tuple[str, float]]:
    """Return the text's words that weigh most, each with the n-grams that begin in it or in the blank before it."""
    known, families = contributions.known, grams.cells[contributions.known]
    in_text = families < TEXT_FAMILIES
    known, families = known[in_text], families[in_text]
    if not len(grams.word_starts) or not len(known):
        return []
    weights = contributions.per_regression[0][families] * contributions.regression[in_text]
    weights += contributions.per_joint[0] * contributions.joint[in_text]
    weights += contributions.per_ratio[0] * contributions.bayes[in_text]
    characters = known.searchsorted(grams.first_word)
    word_of = np.zeros(len(grams.codes), dtype=np.int64)
    word_of[grams.word_ends[:-1]] = 1
    word_of = word_of.cumsum()
    words = np.concatenate(
        [
            word_of[grams.character_positions()[known[:characters]]],
            grams.word_numbers()[known[characters:] - grams.first_word],
        ]
    )
    totals = np.bincount(words, weights)
    telling: dict[str, float] = {}
    for index in np.argsort(-np.abs(totals), kind="stable")[:MAX_WORDS].tolist():
        word = _string(grams.codes[grams.word_starts[index] : grams.word_ends[index]])
        telling[word] = telling.get(word, 0.0) + float(totals[index])
    return list(telling.items())


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

"""Why a comment has its score, as additive contributions in words that a moderator understands.

Owns gathering n-grams into reasons. The weights of all reasons of a comment sum to its log-odds.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from model.letters import MOST_STEPS
from model.ngrams import FAMILIES, TEXT_FAMILIES, grams_of
from model.relation import related_reasons
from model.segments import Kind, parts_of
from model.sketch import as_bytes
from model.text import MAIL_SIGN, PHONE_SIGN
from model.verdict import TAUGHT, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import numpy.typing as npt

    from model.comment import Comment
    from model.ngrams import Grams
    from model.scorer import Judged, Scorer
    from model.segments import Parts

    Learnt = Callable[[Judged], npt.NDArray[np.float64]]
    """What to add to the log-odds of each comment of a batch, by its n-grams."""

MAX_QUOTED_CHARACTERS = 60

_reason = partial(tuple.__new__, Reason)  # of a tuple, in half the time that Reason itself takes

_FIELDS = (
    ("author", Kind.AUTHOR, "the author's name, “{}”"),
    ("author_url", Kind.URL, "the author's link, “{}”"),
    ("links", Kind.LINK, "the links in the text, such as “{}”"),
    ("author_email", Kind.EMAIL, "the e-mail domain, “{}”"),
)


def explain(
    scorer: Scorer, comments: Sequence[Comment], learnt: Learnt | None = None
) -> list[tuple[float, tuple[Reason, ...], bytes]]:
    """Return each comment's log-odds of spam, its reasons, and its sketch.

    Those that weigh most come first, and their weights add up to the log-odds. What is said of a comment does not
    depend on the others. ``learnt`` adds what people's labels have taught since.
    """
    parts = [parts_of(comment) for comment in comments]
    judged, joined = scorer.judged(parts)
    adds, words, sketches = judged.adds.tolist(), judged.words.tolist(), as_bytes(judged.sketches)
    taught = None if learnt is None else learnt(judged).tolist()
    explained = []
    for row, (comment, (log_odds, *added)) in enumerate(zip(comments, adds, strict=True)):
        further = related_reasons(comment)
        if taught is not None:
            further.append(Reason(TAUGHT, taught[row], "what people said of this site's comments"))
        by_family, by_word = added[: len(FAMILIES)], added[len(FAMILIES) :]
        reasons = _reasons(parts[row], by_family, _telling(joined, words[row], by_word))
        reasons += (Reason("base", scorer.offset, "before anything is known of a comment"), *further)
        reasons.sort(key=_importance)
        explained.append((log_odds + sum(reason.weight for reason in further), tuple(reasons), sketches[row]))
    return explained


def log_odds_and_grams(scorer: Scorer, comments: Sequence[Comment]) -> tuple[list[float], Grams]:
    """Return the log-odds that ``explain`` explains, before anything was learnt since, and the n-grams."""
    grams = grams_of([parts_of(comment) for comment in comments])
    found = scorer.contributions(grams.columns, grams.runs, grams.sizes, grams.is_ping).log_odds.tolist()
    related = (sum(reason.weight for reason in related_reasons(comment)) for comment in comments)
    return [log_odds + added for log_odds, added in zip(found, related, strict=True)], grams


def _importance(reason: Reason) -> float:
    return -abs(reason.weight)


def _reasons(parts: Parts, by_family: list[float], words: dict[str, float]) -> list[Reason]:
    """Say what each field adds, the text's telling words apart."""
    reasons = [
        _reason((f"text:{word}", weight, _SIGNS.get(word) or f"the words around “{word}”"))
        for word, weight in words.items()
    ]
    rest = sum(by_family[:TEXT_FAMILIES]) - sum(words.values())
    if rest:
        reasons.append(_reason(("text", rest, "the rest of the text")))
    first_of = dict(reversed(parts.segments))
    for (feature, kind, sentence), weight in zip(_FIELDS, by_family[TEXT_FAMILIES:-2], strict=True):
        if weight:
            quoted = first_of.get(kind, "").strip()[:MAX_QUOTED_CHARACTERS]
            reasons.append(_reason((feature, weight, sentence.format(quoted))))
    of_traits, shaped = by_family[-2:]
    if of_traits:
        reasons.append(_reason(("traits", of_traits, f"how the comment is made up: {_readable(parts.traits)}")))
    if shaped:
        reasons.append(_reason(("shape", shaped, "the order of capitals, marks, line ends and links in it")))
    return reasons


_SIGNS = {PHONE_SIGN: "a phone number and the words around it", MAIL_SIGN: "an e-mail address and the words around it"}


def _telling(joined: str, words: list[int], adds: list[float]) -> dict[str, float]:
    """Name the words that weigh most, each once."""
    telling: dict[str, float] = {}
    for start, end, weight in zip(words[::2], words[1::2], adds, strict=True):
        if start >= 0:
            name = joined[start : min(end, start + MAX_QUOTED_CHARACTERS)]
            telling[name] = telling.get(name, 0.0) + weight
    return telling


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
    "name_is_link_True": "a name that is its own link",
    "name_is_link_False": "a name that is a link, and another link",
    "name_in_url_3": "a name that stands in its link",
    "name_in_url_4": "a name that stands in its link",
    "all_caps": "all capitals",
    "url_host_capitals": "a link whose host has capitals",
    **{f"text_letters_{steps}": "letters that seldom follow each other" for steps in range(4, MOST_STEPS + 1)},
    **{f"url_letters_{steps}": "a host of letters that seldom follow each other" for steps in range(4, MOST_STEPS + 1)},
    "wrapped_True": "lines broken in mid-sentence",
    "wrapped_False": "lines broken in mid-sentence",
    **{f"blank_ends_{lines}": "blanks at the ends of lines" for lines in range(1, 4)},
    "hidden_look_alikes": "letters replaced by look-alikes",
    "hidden_styled_letters": "letters in fancy alphabets",
    "hidden_spaced_letters": "letters spaced out",
    "hidden_split_words": "words split by markup",
    "hidden_invisible": "invisible characters",
    "hidden_bidi": "reversed writing direction",
    "hidden_stacked_marks": "stacked accents",
    "hidden_leet": "digits in place of letters",
    "hidden_elongated": "stretched words",
    "hidden_entities": "letters written as entities",
    "hidden_bbcode": "forum markup",
    "hidden_spintax": "an unexpanded template",
}
assert len(_FIELDS) == len(FAMILIES) - TEXT_FAMILIES - 2  # noqa: S101 - the two must name the same families

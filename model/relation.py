"""What a comment's own words can't tell: whether it speaks of what it replies to, and whether it fell for a trap.

After Mishne, Carmel and Lempel (2005), who compared the language of post and comment; how many of a comment's words the
post shares separates better on real threads than their divergence did (``docs/tried.md``). No training data has posts
or honeypots, so the weights here are fixed, and small: a spammer can quote the post.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from model.text import read
from model.verdict import Reason

if TYPE_CHECKING:
    from nltk.probability import FreqDist
    from nltk.stem import SnowballStemmer

    from model.comment import Comment

RELATED = ("post_title", "post_text", "parent_text", "lang", "honeypot")
"""The fields that are read here; the language says how words are stemmed."""
MIN_POST_STEMS = 40
MIN_COMMENT_STEMS = 3
MAX_STEMMED_CHARACTERS = 20_000
LOG_ODDS_PER_SHARE = -10.0
LOG_ODDS_OF_NO_SHARE = 0.5
MIN_LOG_ODDS = -3.0
HONEYPOT_LOG_ODDS = 4.0

_WORD = re.compile(r"[^\W\d_]{3,40}")
_MIN_TELLING_LETTERS = 5
"""Shorter stems ("that", "with") are shared by all texts of a language."""
_LANGUAGES = {
    "ar": "arabic", "da": "danish", "de": "german", "en": "english", "es": "spanish", "fi": "finnish", "fr": "french",
    "hu": "hungarian", "it": "italian", "nb": "norwegian", "nl": "dutch", "no": "norwegian", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sv": "swedish",
}  # fmt: skip


def related_reasons(comment: Comment) -> list[Reason]:
    """Return what the post and the honeypot add to the log-odds; nothing where the site sends neither."""
    reasons = []
    if comment.honeypot.strip():
        reasons.append(Reason("honeypot", HONEYPOT_LOG_ODDS, "a field that people can't see was filled in"))
    if comment.post_text or comment.post_title or comment.parent_text:
        share = shared_stems(comment)
        if share is not None:
            weight = max(LOG_ODDS_OF_NO_SHARE + LOG_ODDS_PER_SHARE * share, MIN_LOG_ODDS)
            reasons.append(Reason("post", weight, f"{share:.0%} of its words are the post's"))
    return reasons


def shared_stems(comment: Comment) -> float | None:
    """Return the share of the comment's stems that the post has too: 0 to 1, or ``None`` for too few words."""
    posted = sum(len(_WORD.findall(text)) for text in (comment.post_title, comment.post_text, comment.parent_text))
    if posted < MIN_POST_STEMS:
        return None
    language = _LANGUAGES.get(comment.lang[:2].lower(), "english")
    post = _stems(f"{comment.post_title}\n{comment.post_text}\n{comment.parent_text}", language)
    own = _stems(comment.text, language)
    if post.B() < MIN_POST_STEMS or own.B() < MIN_COMMENT_STEMS:
        return None
    shared = sum(stem in post and len(stem) >= _MIN_TELLING_LETTERS for stem in own)
    return shared / int(own.B())


def _stems(text: str, language: str) -> FreqDist:
    from nltk.probability import FreqDist  # takes a second and 100 MiB, which only sites that send their posts need

    plain = read(text[:MAX_STEMMED_CHARACTERS]).plain.lower()
    return FreqDist(_stem(word, language) for word in _WORD.findall(plain))


@lru_cache(maxsize=50_000)
def _stem(word: str, language: str) -> str:
    stem: str = _stemmer(language).stem(word)
    return stem


@cache
def _stemmer(language: str) -> SnowballStemmer:
    from nltk.stem import SnowballStemmer

    return SnowballStemmer(language)

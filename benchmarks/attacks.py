"""Attacks: the ways in which spammers rewrite a text so that people still read it and filters don't.

Each attack takes a text and a seeded random generator and rewrites words of the visible text, each with some
probability; URLs stay as they are, because a link has to work.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    Attack = Callable[[str, random.Random], str]

_URL_OR_TAG = re.compile(r"(?:https?://|www\.)[^\s<>\"'\]]+|<[^<>]*>|\[/?(?:url|img)[^\]]*\]", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z]{3,}")
# A share of the words, as a spammer leaves some untouched so that every copy differs.
_SHARE_OF_WORDS = 0.5


def _rewriting(rewrite: Callable[[str, random.Random], str]) -> Attack:
    """Turn the rewriting of one word into an attack on a text."""

    def attack(text: str, rng: random.Random) -> str:
        def word(match: re.Match[str]) -> str:
            return rewrite(match[0], rng) if rng.random() < _SHARE_OF_WORDS else match[0]

        pieces: list[str] = []
        end = 0
        for url in _URL_OR_TAG.finditer(text):
            pieces += (_WORD.sub(word, text[end : url.start()]), url[0])
            end = url.end()
        return "".join(pieces) + _WORD.sub(word, text[end:])

    return attack


def _table(plain: str, styled: str) -> dict[int, str]:
    return dict(zip(map(ord, plain), styled, strict=True))


_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = _UPPER.lower()


def _alphabet(upper: int, lower: int) -> dict[int, str]:
    return {ord(letter): chr(upper + at) for at, letter in enumerate(_UPPER)} | {
        ord(letter): chr(lower + at) for at, letter in enumerate(_LOWER)
    }


_CYRILLIC = _table("ABCEHIJKMOPSTXYaceijopsxy", "АВСЕНІЈКМОРЅТХУасеіјорѕху")
_GREEK = _table("ABEHIKMNOPTXYZovip", "ΑΒΕΗΙΚΜΝΟΡΤΧΥΖονιρ")
_LEET = _table("aeiost", "431057")
_SYMBOLS = _table("as", "@$")
_FULLWIDTH = _alphabet(0xFF21, 0xFF41)
_BOLD, _SANS_BOLD, _MONOSPACE = (_alphabet(code, code + 26) for code in (0x1D400, 0x1D5D4, 0x1D670))
_SQUARED, _CIRCLED, _REGIONAL = (_alphabet(code, code) for code in (0x1F170, 0x1F150, 0x1F1E6))


def _wrapped(word: str, rng: random.Random) -> str:
    tag = rng.choice(("b", "i", "span", "font"))
    at = rng.randrange(1, len(word))
    return f"{word[:at]}<{tag}>{word[at:]}</{tag}>"


def _split_by_made_up_tags(word: str, rng: random.Random) -> str:
    tag = "".join(rng.choices(_LOWER, k=rng.randint(1, 6)))
    at = rng.randrange(1, len(word))
    return f"{word[:at]}<x{tag}>{word[at:]}"


def _as_entities(word: str, rng: random.Random) -> str:
    return "".join(rng.choice((f"&#{ord(letter)};", f"&#x{ord(letter):x};", letter)) for letter in word)


def _zero_width(word: str, rng: random.Random) -> str:
    return "".join(letter + rng.choice(("\u200b", "\u200c", "\u2060", "\u00ad", "")) for letter in word[:-1]) + word[-1]


def _widthless(word: str, rng: random.Random) -> str:
    return rng.choice(("\u2028", "\u2029", "\ufff9", "\ufffa", "\ufffb", "\ufffc", "\f")).join(word)


def _overridden(word: str, rng: random.Random) -> str:
    """Write the word backwards between a right-to-left override and its end, or sprinkle direction marks on it."""
    if rng.random() < 0.5:
        return f"\u202e{word[::-1]}\u202c"
    return "".join(letter + rng.choice(("\u200e", "\u2066\u2069", "")) for letter in word)


def _with_lookalikes(word: str, rng: random.Random) -> str:
    table = rng.choice((_CYRILLIC, _CYRILLIC, _GREEK))
    return "".join(letter.translate(table) if rng.random() < 0.6 else letter for letter in word)


def _spaced(word: str, rng: random.Random) -> str:
    return rng.choice((" ", " ", ".", "-", "_", "*")).join(word)


def _leet(word: str, rng: random.Random) -> str:
    table = _LEET | _SYMBOLS if rng.random() < 0.3 else _LEET
    middle = "".join(letter.translate(table) if rng.random() < 0.6 else letter for letter in word[1:-1])
    return word[0] + middle + word[-1]


def _elongated(word: str, rng: random.Random) -> str:
    at = rng.randrange(len(word))
    return word[:at] + word[at] * rng.randint(3, 7) + word[at + 1 :]


def _as_emoji(word: str, rng: random.Random) -> str:
    table = rng.choice((_SQUARED, _CIRCLED, _REGIONAL))
    return ("\u200b" if table is _REGIONAL else "").join(word.translate(table))


def _fullwidth(word: str, rng: random.Random) -> str:
    return "".join(letter.translate(_FULLWIDTH) if rng.random() < 0.9 else letter for letter in word)


def _mathematical(word: str, rng: random.Random) -> str:
    return word.translate(rng.choice((_BOLD, _SANS_BOLD, _MONOSPACE)))


def _in_bbcode(word: str, rng: random.Random) -> str:
    tag = rng.choice(("b", "i", "u", "size", "color"))
    value = {"size": "=3", "color": "=red"}.get(tag, "")
    at = rng.randrange(1, len(word))
    return f"{word[:at]}[{tag}{value}]{word[at:]}[/{tag}]"


_INNOCENT = (
    "I read your article twice and shared it with my sister.",
    "We had the same problem with our old car last winter.",
    "Could you explain the second step a little more?",
    "My grandfather used to tell us stories like this one.",
    "It rained the whole weekend, so we stayed home and cooked.",
    "The photographs in this post are lovely.",
    "I disagree with the third point, but the rest is fair.",
    "Looking forward to the next part.",
)


def _padded(text: str, rng: random.Random) -> str:
    before, after = rng.sample(_INNOCENT, 2), rng.sample(_INNOCENT, 2)
    return " ".join((*before, text, *after))


def _among_unseen(text: str, rng: random.Random) -> str:
    """Set a text among so much that browsers don't show that a filter may read no further."""
    unseen = rng.choice((" ", "\n", "\u200b", "&nbsp; ", "<!--x-->", "<b></b>"))
    before, after = rng.sample(_INNOCENT, 2)
    return f"{before}{unseen * (40_000 // len(unseen))}{text}{unseen * (10_000 // len(unseen))}{after}"


ATTACKS: dict[str, Attack] = {
    "html-wrap": _rewriting(_wrapped),
    "made-up-tags": _rewriting(_split_by_made_up_tags),
    "entities": _rewriting(_as_entities),
    "zero-width": _rewriting(_zero_width),
    "widthless": _rewriting(_widthless),
    "bidi": _rewriting(_overridden),
    "homoglyphs": _rewriting(_with_lookalikes),
    "letter-spacing": _rewriting(_spaced),
    "leetspeak": _rewriting(_leet),
    "elongation": _rewriting(_elongated),
    "emoji-letters": _rewriting(_as_emoji),
    "fullwidth": _rewriting(_fullwidth),
    "mathematical": _rewriting(_mathematical),
    "bbcode": _rewriting(_in_bbcode),
    "innocent-padding": _padded,
    "unseen-padding": _among_unseen,
}

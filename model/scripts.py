"""Which script a text is in, and in which scripts too few good comments are known to learn what spam in them is.

Where nearly all that training has seen in Thai is spam, each Thai letter would speak for spam, and so would every good
comment in Thai.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

LATIN = "latin"
MAX_LETTERS = 200
"""So many letters tell a text's script."""
MIN_SHARE = 0.1
"""So much of a text's letters sets it apart: names, links and quotations are often in Latin ones."""
FAMILIAR = 0.2
"""A script is familiar that has so many times the good comments, for each spam, that all scripts together have."""
ENOUGH_HAM = 100
"""And so is one with so many good comments, however much spam there is."""
_VIETNAMESE_LETTERS = range(0x1EA0, 0x1F00)
_JAPANESE = "japanese"
_KANA = ("hiragana", "katakana")


@lru_cache(4096)
def script_of_letter(letter: str) -> str:
    """Return the script of a letter, as Unicode calls it: latin, cyrillic, cjk, ...; none where it has no name."""
    return unicodedata.name(letter, "none").partition(" ")[0].lower()


def distinct_script_of(text: str) -> str:
    """Return the script that sets a text apart: the most used besides Latin, or Latin where that is hardly used.

    Vietnamese counts as a script of its own, by the letters that Unicode added for it, some of which West African
    languages share; and so does Japanese, by its kana and before all others, since most of its letters may be Han.
    """
    if text.isascii():
        return LATIN
    counts = Counter(map(_kind_of, islice(filter(str.isalpha, text), MAX_LETTERS)))
    least = max(1, MIN_SHARE * counts.total())
    del counts[LATIN]
    if counts[_JAPANESE] >= least:
        return _JAPANESE
    most = max(sorted(counts), key=counts.__getitem__, default=LATIN)
    return most if counts[most] >= least else LATIN


@lru_cache(4096)
def _kind_of(letter: str) -> str:
    if ord(letter) in _VIETNAMESE_LETTERS:
        return "vietnamese"
    script = script_of_letter(letter)
    return _JAPANESE if script in _KANA else script


def unfamiliar_spam(scripts: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Tell the spam in unfamiliar scripts from all else: shape (n,), as that of the scripts' numbers and the labels."""
    count = int(scripts.max(initial=0)) + 1
    spam = np.bincount(scripts[labels == 1], minlength=count)
    ham = np.bincount(scripts[labels == 0], minlength=count)
    is_unfamiliar = (ham < ENOUGH_HAM) & (ham * spam.sum() < FAMILIAR * ham.sum() * spam)
    found: npt.NDArray[np.bool_] = is_unfamiliar[scripts] & (labels == 1)
    return found

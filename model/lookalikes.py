"""Letters of one script that look like another's, folded to the script of the word they stand in.

Owns which words are disguised: honest words of any script, and two words run together, are never rewritten.
"""

from __future__ import annotations

import re
from functools import cache

from model.characters import PHONETIC

_NOT_LATIN = bytes(code for code in range(128) if not chr(code).isalpha())
_CYRILLIC_RANGE = "\u0400-\u052f"
_FURTHER = "\u0251\u0261\u0370-\u03ff\u0530-\u058f\u1f00-\u1fff\u13a0-\u13ff\u2c80-\u2cff\ua4d0-\ua4fd"
_LOOKALIKE = _CYRILLIC_RANGE + _FURTHER
_CYRILLIC = re.compile(f"[{_CYRILLIC_RANGE}]")
_HAS_LOOKALIKE = re.compile(f"[{_LOOKALIKE}]")
_LETTERS = re.compile(r"[^\W\d_]{1,64}")
# A look-alike beside a letter of another kind; few texts have one, and none else needs to be looked at word by word.
_MIXED = re.compile(
    f"[{_LOOKALIKE}](?:(?=[^\\W\\d_{_LOOKALIKE}])|(?<=[^\\W\\d_{_LOOKALIKE}].)"
    f"|(?<=[{_CYRILLIC_RANGE}])(?=[{_FURTHER}])|(?<=[{_FURTHER}])(?=[{_CYRILLIC_RANGE}]))"
)
# Letters that spammers take for each other although Unicode does not list them.
_LIKE_CYRILLIC = dict(zip(map(ord, "kmtunrbhdUNσαρτπγκμεχυ"), "кмтипгьндИИоартпукмехи", strict=True))


@cache
def _to_latin() -> dict[int, str]:
    """Map each letter of another script to the ASCII letter that Unicode's confusables name for it.

    Read on first use and reduced to the scripts that matter here, because the whole table is large and slow to read.
    """
    from confusable_homoglyphs.utils import load

    table = {ord("Һ"): "h"}
    for letter, lookalikes in load("confusables.json").items():
        if len(letter) == 1 and _HAS_LOOKALIKE.match(letter) and letter.isalpha():
            for lookalike in lookalikes:
                latin = lookalike["c"]
                if len(latin) == 1 and latin.isascii() and latin.isalpha():
                    table[ord(letter)] = "I" if letter.isupper() and latin == "l" else latin
    return table


@cache
def _latin_lookalikes() -> frozenset[str]:
    return frozenset(map(chr, _to_latin()))


@cache
def _to_cyrillic() -> dict[int, str]:
    """Map Latin letters, and letters of further scripts that look Latin, to the Cyrillic letters they look like."""
    to_latin = _to_latin()
    table = {ord(latin): chr(letter) for letter, latin in to_latin.items() if 0x400 <= letter < 0x460}
    further = {letter: latin for letter, latin in to_latin.items() if not _CYRILLIC.match(chr(letter))}
    return table | {letter: table[ord(latin)] for letter, latin in further.items() if ord(latin) in table}


@cache
def _to_cyrillic_freely() -> dict[int, str]:
    return _to_cyrillic() | _LIKE_CYRILLIC


def fold_scripts(text: str, signals: set[str]) -> str:
    """Give words that borrow look-alike letters from another script their own letters back.

    A word of mixed scripts is folded if that leaves it in one script; the letters that have no look-alike say which.
    A word wholly of look-alikes is folded only in a text whose other words are all Latin.
    """
    foreign = _HAS_LOOKALIKE.findall(text)
    if not foreign:
        return text
    latin_letters = text.encode("ascii", "ignore").translate(None, _NOT_LATIN)
    is_foreign_text = len(foreign) > len(latin_letters)

    def own_script(match: re.Match[str]) -> str:
        word = match[0]
        folded = word if word.isascii() else _unmixed(word, is_foreign_text)
        if folded != word:
            signals.add("look-alikes")
        return folded

    folded = _LETTERS.sub(own_script, text) if _MIXED.search(text) else text
    if not is_foreign_text and _latin_lookalikes().issuperset(foreign):
        folded = _latin_words(folded, signals)
    return folded


def _unmixed(word: str, is_foreign_text: bool) -> str:
    """Return ``word`` in one script; unchanged if it is so already, or if no one script has letters like all of it."""
    foreign = _HAS_LOOKALIKE.findall(word)
    cyrillic = _CYRILLIC.findall(word)
    if not foreign or len(cyrillic) == len(word) or (len(foreign) == len(word) and not cyrillic):
        return word
    is_foreign = [_HAS_LOOKALIKE.match(letter) is not None for letter in word]
    switches = [at for at in range(1, len(word)) if is_foreign[at] != is_foreign[at - 1]]
    if len(switches) == 1 and _is_glued(word[: switches[0]], word[switches[0] :]):
        return word
    others = [letter for letter in word if not _CYRILLIC.match(letter)]
    is_plainly_one_word = (len(switches) != 1 or len(others) == 1) and (
        word.islower() or word.isupper() or word.istitle()
    )
    to_latin, to_cyrillic = _to_latin(), _to_cyrillic_freely() if is_plainly_one_word else _to_cyrillic()
    fits_latin = all(ord(letter) in to_latin for letter in foreign)
    fits_cyrillic = bool(cyrillic) and all(ord(letter) in to_cyrillic for letter in others)
    if fits_cyrillic and (not fits_latin or is_foreign_text or len(cyrillic) > len(others)):
        return word.translate(to_cyrillic)
    has_foreign_ending = is_foreign_text and len(switches) == 1  # "iPad" with a Russian ending
    if fits_latin and not has_foreign_ending and not PHONETIC.search(word):
        return word.translate(to_latin)
    return word


def _is_glued(start: str, end: str) -> bool:
    """Whether letter case shows two words run together, as in "PDFка" or where a line end was lost."""
    return (len(start) > 1 and start.isupper() and end.islower()) or (start[-1].islower() and end[0].isupper())


_FOREIGN_WORD = re.compile(f"(?<![^\\W\\d_])[{_LOOKALIKE}]{{1,64}}(?![^\\W\\d_])")


def _latin_words(text: str, signals: set[str]) -> str:
    """Fold words wholly of look-alikes to Latin, short ones (they may be a formula) only if others were folded."""

    def latin(match: re.Match[str]) -> str:
        if len(match[0]) < 3 and "look-alikes" not in signals:
            return match[0]
        signals.add("look-alikes")
        return match[0].translate(_to_latin())

    return _FOREIGN_WORD.sub(latin, text)

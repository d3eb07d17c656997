"""Spelling that hides words from a filter, not from a reader: letters set apart, digits for letters, drawn-out words.

Owns which spellings count as disguise. Names such as ``mp3``, ``k8s`` or ``IPv6``, Roman numerals and German compounds
with three equal letters are honest.
"""

from __future__ import annotations

import re

_SPACED_LETTER = r"(?:[^\W_]|[@$])"
_NO_LETTER_BEFORE = r"(?<![^\W_])(?<![^\W_]['’])(?<![@#])"
_SPACED = re.compile(
    rf"{_NO_LETTER_BEFORE}{_SPACED_LETTER}(?:"
    rf"([ *_~|·•\u00a0\u2000-\u200a])(?:{_SPACED_LETTER}\1){{2,40}}{_SPACED_LETTER}(?![^\W_]|['’])"
    rf"|([.:;\"\\`^–—!-])(?:{_SPACED_LETTER}\2){{3,40}}{_SPACED_LETTER}(?![^\W_]|['’]))"
)
_SPACED_BESIDE_OTHERS = re.compile(
    rf"{_NO_LETTER_BEFORE}{_SPACED_LETTER}([*_~·•.-])(?:{_SPACED_LETTER}\1){{1,40}}{_SPACED_LETTER}(?![^\W_]|['’])"
)


def join_spaced_letters(text: str, signals: set[str]) -> str:
    """Join words of at least four letters that are set apart, or five where it is by dots or hyphens.

    In a text that has such words, those of three letters are joined as well, but not where it is by blanks or all are
    capitals.
    """

    def joined(match: re.Match[str]) -> str:
        letters = match[0][::2]
        if len(set(filter(str.isalpha, letters.lower()))) < 3 or any(map(_stands_alone, letters)):
            return match[0]
        signals.add("spaced-letters")
        return letters

    rejoined = _SPACED.sub(joined, text)
    return (
        rejoined
        if rejoined == text
        else _SPACED_BESIDE_OTHERS.sub(lambda match: match[0] if match[0].isupper() else joined(match), rejoined)
    )


def _stands_alone(letter: str) -> bool:
    """Whether ``letter`` belongs to a script in which one letter can be a word: not Latin, Greek, Cyrillic or Han."""
    return "\u052f" < letter < "\u3400" or letter > "\u9fff"


_LATIN_WORD = re.compile(r"(?<![\w@$#&/.-])[A-Za-z0$][A-Za-z0-9@$]{2,23}(?![\w@$&/-])")
_LEET_START = re.compile(
    r"\A(?:0(?=[a-wyz][a-z]{3}|[A-WYZ][A-Z]{3})|\$(?=(?:ex|exy|hit|lut|lots?|ale)\Z))", re.IGNORECASE
)
_LEET_RUN = re.compile(r"(?<=[A-Za-z])(?:([013457@$])\1?)(?=[A-Za-z])")
_LATIN_LEET = str.maketrans("013457@$", "oieastas")
_VOWELS = frozenset("aeiouyäöüаеиоуыэюяAEIOUYАЕИОУЫЭЮЯ")
_CYRILLIC_WORD = re.compile(r"(?<!\w)[\u0400-\u052f0346]{3,24}(?!\w)")
_CYRILLIC_LEET = str.maketrans("0346", "озчб")
_CYRILLIC_DISGUISED = re.compile(
    r"(?<=[а-яёА-ЯЁ])(?:[04]|3(?![дД])|6(?=[{v}])|(?<=[{v}])6)(?=[а-яёА-ЯЁ])"  # between letters, but 3D stays
    r"|\A(?:0(?=[а-яёА-ЯЁ]{{3}})|[346](?=[аоеиАОЕИ][а-яёА-ЯЁ]{{3}}))|(?<=[а-яё0А-ЯЁ]{{3}})0\Z".format(
        v="аеиоуыяюёАЕИОУЫЯЮЁ"
    )
)


def undo_leetspeak(text: str, signals: set[str]) -> str:
    """Turn digits and symbols inside a word of letters back into letters where they can hardly be anything else."""

    def folded(match: re.Match[str]) -> str:
        word = match[0]
        if word.isalpha() or word.isdigit():
            return word
        letters = _cyrillic_letters(word) if match.re is _CYRILLIC_WORD else _latin_letters(word)
        if letters != word:
            signals.add("leet")
        return letters

    text = _LATIN_WORD.sub(folded, text)
    return text if text.isascii() else _CYRILLIC_WORD.sub(folded, text)


def _cyrillic_letters(word: str) -> str:
    is_upper = word.isupper()
    letters = _CYRILLIC_DISGUISED.sub(lambda digit: digit[0].translate(_CYRILLIC_LEET), word)
    return letters.upper() if is_upper else letters


def _latin_letters(word: str) -> str:
    """Return ``word`` with its leet turned into letters, or unchanged if it looks like a name, a unit or a code."""
    letters = "".join(filter(str.isalpha, word))
    if len(letters) * 2 < len(word) or not (letters.islower() or letters.isupper() or letters.istitle()):
        return word
    stem = word.rstrip("0123456789")
    runs = list(_LEET_RUN.finditer(word))
    read = sum(len(run[0]) for run in runs if run[0].isdigit()) + (word[0] == "0")
    if read != sum(map(str.isdigit, stem)) or len(letters) < 3 or (len(letters) == 3 and stem != word):
        return _LEET_START.sub("s", word) if word[0] == "$" else word
    if any(_is_disguise(word, run) for run in runs):
        word = _LEET_RUN.sub(_leet_letter, word)
    word = _LEET_START.sub(_leet_letter, word)
    return word.upper() if letters.isupper() else word


def _leet_letter(match: re.Match[str]) -> str:
    return match[0].translate(_LATIN_LEET)


def _is_disguise(word: str, run: re.Match[str]) -> bool:
    """Whether ``run`` stands for letters of ``word``; in "webhost4life", "html5lib", "log4j", "me@host" it does not."""
    start, end = word[: run.start()], word[run.end() :].rstrip("0123456789")
    kind = run[0][0]
    if kind == "@":
        return len(start) == 1 or start.lower() == "vi"
    if kind in "0$":
        return True
    if (len(start) > 2 and len(end) > 2) or end in ("d", "D", "j"):
        return False
    has_vowel_beside = start[-1] in _VOWELS or end[0] in _VOWELS
    if kind in "57":
        return has_vowel_beside
    return kind == "1" or not has_vowel_beside


_ELONGATED = re.compile(r"([^\W\d_])\1{2,}")


def shorten_elongated(text: str, signals: set[str]) -> str:
    """Cut runs of three and more equal letters down to one: more words are spelt with one than with two."""

    def one(match: re.Match[str]) -> str:
        run = match[0]
        if run[0] >= "\u3040" or "\u1100" <= run[0] <= "\u11ff":
            return run  # laughter and doubled words in Chinese, Japanese and Korean
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if len(run) == 3:
            if run.lower() == "www":
                return run
            if not before.isalpha() and not after.isalpha() and (run.isupper() or run.lower() in ("xxx", "iii")):
                return run  # AAA batteries, Louis XIII
            if run.lower() == "iii" and before in tuple("vxVX") and not after.isalpha():
                return run  # chapter xviii
            if run.isupper() and run[0] not in _VOWELS and not before.isalpha():
                return run  # СССР, XXXL
            if run == "III" or (before.isalpha() and after.isalpha() and (run[0] not in _VOWELS or run[0] in "eE")):
                return run  # Schifffahrt
        signals.add("elongated")
        return run[0]

    return _ELONGATED.sub(one, text)


_DOUBLED = re.compile(r"([^\W\d_])\1+")


def with_single_letters(text: str) -> str:
    """Write each run of equal letters as one, for comparing what may be drawn out."""
    return _DOUBLED.sub(r"\1", text)

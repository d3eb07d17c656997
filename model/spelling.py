"""Spelling that hides a word from a filter but not from a reader: letters set apart, digits for letters, drawn-out words.

Owns which spellings count as disguise. Names such as ``mp3``, ``k8s`` or ``IPv6``, Roman numerals and German compounds
with three equal letters are honest.
"""

from __future__ import annotations

import re

_SPACED_LETTER = r"[A-Za-z0-9@$\u00c0-\u024f\u0370-\u052f\u4e00-\u9fff]"
_NO_LETTER_BEFORE = r"(?<![^\W_])(?<![^\W_]['’])"
_SPACED = re.compile(
    rf"{_NO_LETTER_BEFORE}{_SPACED_LETTER}(?:"
    rf"(?: {_SPACED_LETTER}){{3,40}}(?![^\W_]|['’])"
    rf"|(?:([.*_~|·•-]){_SPACED_LETTER})(?:\1{_SPACED_LETTER}){{3,40}}(?![^\W_]|['’]))"
)


def join_spaced_letters(text: str, signals: set[str]) -> str:
    """Join words of at least four letters that are set apart by blanks, or five set apart by another character."""

    def joined(match: re.Match[str]) -> str:
        letters = match[0][::2]
        if len({letter for letter in letters.lower() if letter.isalpha()}) < 3:
            return match[0]
        signals.add("spaced-letters")
        return letters

    return _SPACED.sub(joined, text)


_LATIN_WORD = re.compile(r"(?<![\w@$#&/.-])[A-Za-z0$][A-Za-z0-9@$]{2,23}(?![\w@$&/-])")
_BETWEEN_LETTERS = re.compile(r"(?<=[A-Za-z])(?:([013457@$])\1?)(?=[A-Za-z])")
_LATIN_LEET = str.maketrans("013457@$", "oieastas")
_LEET_START = re.compile(r"0(?=[a-wyz][a-z]{3})|0(?=[A-WYZ][A-Z]{3})|\$(?=(?:ex|exy|hit|lut|lots?|ale)\b)", re.IGNORECASE)
_HONEST = frozenset(
    "log4j log4net ext4fs base64 d3js p5js i3wm x11vnc html5shiv oauth2 r3d web3js v1beta mp3s mp4a c4d b4b f5b j1b h4m"
    " s3fs ipv4only ipv6only video4linux vl4 php4win sql4you o365 a0b int3l".split()
)
_CYRILLIC_WORD = re.compile(r"(?<!\w)[\u0400-\u052f0346][\u0400-\u052f0346]{2,23}(?!\w)")
_CYRILLIC_LEET = str.maketrans("0346", "озчб")
_CYRILLIC_DISGUISED = re.compile(r"(?<=[\u0430-\u045f])[0346](?=[\u0430-\u045f])|\A[0346](?=[аоеи][а-яё]{3})", re.IGNORECASE)


def undo_leetspeak(text: str, signals: set[str]) -> str:
    """Turn digits and symbols inside a word of letters back into letters where they can hardly be anything else."""

    def latin(match: re.Match[str]) -> str:
        word = match[0]
        if word.isalpha() or word.lower() in _HONEST:
            return word
        letters = "".join(filter(str.isalpha, word))
        if len(letters) * 2 < len(word) or not (letters.islower() or letters.isupper() or letters.istitle()):
            return word
        folded = word
        if len(letters) >= 3:
            folded = _BETWEEN_LETTERS.sub(_leet_letter, word)
            if any(character.isdigit() for character in folded.rstrip("0123456789")[1:]):
                return word
        folded = _LEET_START.sub(_leet_letter, folded) if word[0] in "0$" else folded
        if folded != word:
            signals.add("leet")
        return folded.upper() if letters.isupper() else folded

    def cyrillic(match: re.Match[str]) -> str:
        folded = _CYRILLIC_DISGUISED.sub(lambda digit: digit[0].translate(_CYRILLIC_LEET), match[0])
        if folded != match[0]:
            signals.add("leet")
        return folded

    text = _LATIN_WORD.sub(latin, text)
    return text if text.isascii() else _CYRILLIC_WORD.sub(cyrillic, text)


def _leet_letter(match: re.Match[str]) -> str:
    return match[0].translate(_LATIN_LEET)


_ELONGATED = re.compile(r"([^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u1100-\u11ff\u3130-\u318f])\1{2,}")
_VOWELS = frozenset("aiouyäöüаеиоуыэюя")


def shorten_elongated(text: str, signals: set[str]) -> str:
    """Cut runs of three and more equal letters down to two."""

    def two(match: re.Match[str]) -> str:
        run = match[0]
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if len(run) == 3:
            if not before.isalpha() and not after.isalpha() and (run.isupper() or run.lower() in ("www", "xxx", "iii")):
                return run  # AAA batteries, Louis XIII
            if run == "III" or (before.isalpha() and after.isalpha() and run[0].lower() not in _VOWELS):
                return run  # Schifffahrt
        signals.add("elongated")
        return run[:2]

    return _ELONGATED.sub(two, text)

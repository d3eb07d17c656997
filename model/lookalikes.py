"""Characters that pass for others: invisible ones, styled alphabets, stacked marks, letters of a foreign script.

Owns what is folded to which plain letter. Honest writing (any script, emoji, CJK punctuation, joiners where a script
needs them) passes unchanged.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_CONTROLS = "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_IGNORABLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u2800\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Scripts that are written right to left, and scripts that need ZWJ and ZWNJ between letters.
_RIGHT_TO_LEFT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
_JOINING = "\u0600-\u08ff\u0900-\u109f\u1780-\u17ff\u1800-\u18af\ufb50-\ufdff\ufe70-\ufefc"

_SMALL_CAPITALS = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqqrstuvwyz", strict=True))
_ENCLOSED = {
    first + offset: ord("A") + offset
    for first in (0x1F110, 0x1F130, 0x1F150, 0x1F170, 0x1F1E6, 0x24B6)
    for offset in range(26)
} | {first + offset: ord("a") + offset for first in (0x249C, 0x24D0) for offset in range(26)}

# What NFKC rewrites, less what is honest: CJK punctuation and half-width forms, Hangul letters, Thai and Lao vowels.
_COMPATIBILITY = (
    "\u00a0\u00aa\u00b2-\u00b5\u00b8-\u00ba\u00bc-\u00be\u0132\u0133\u013f\u0140\u0149\u017f\u01c4-\u01cc\u01f1-\u01f3"
    "\u02b0-\u02b8\u02e0-\u02e4\u03d0-\u03d6\u03f0-\u03f5\u1d2c-\u1d6a\u1d78\u1d9b-\u1dbf\u2000-\u200a\u2011\u2024-\u2026"
    "\u202f\u205f\u2070-\u209c\u20a8\u2100-\u214e\u2150-\u217f\u2460-\u24ea\u2c7c\u2c7d\u3000\u3200-\u33ff\ua7f8\ua7f9"
    "\ufb00-\ufb06\ufb1d-\ufb4f\ufb50-\ufdfc\ufe70-\ufefc\uff02-\uff07\uff0a\uff0b\uff0d-\uff19\uff1c-\uff1e\uff20-\uff5d"
    "\uffe0-\uffe6\U0001d400-\U0001d7ff\U0001f100-\U0001f12e\U0001f130-\U0001f169\U0001f170-\U0001f189\U0001f1e6-\U0001f1ff"
)
_STYLED = "\u249c-\u24e9\U0001d400-\U0001d7ff\U0001f110-\U0001f129\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189"
_OVERLAYS = "\u0332-\u0338\u20d0-\u20f0"
_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_SMALL = "".join(_SMALL_CAPITALS)

# What may need folding and is no business of NFKC's. Characters beyond the basic plane are mostly emoji; telling them
# apart here would make the search three times as slow for everybody.
_ODD = re.compile(f"[\u2028\u2029{_CONTROLS}{_BIDI}{_OVERLAYS}{_MARKS}{_SMALL}{_IGNORABLE[:_IGNORABLE.index(chr(0x1bca0))]}\U00010000-\U0010ffff]")
_INVISIBLE = re.compile(f"[{_CONTROLS}{_BIDI}{_IGNORABLE}]")
_HIDDEN = re.compile(f"[{_CONTROLS}{_IGNORABLE}{_BIDI}]{{1,64}}")
_IS_BIDI = re.compile(f"[{_BIDI}]")
_IS_RIGHT_TO_LEFT = re.compile(f"[{_RIGHT_TO_LEFT}]")
_IS_JOINING = re.compile(f"[{_JOINING}]")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_FULLWIDTH_LETTERS = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]{2}")
_STYLED_LETTER = re.compile(f"[{_STYLED}]")
_RAISED_WORD = re.compile("[\u02b0-\u02b8\u02e0-\u02e4\u1d2c-\u1d6a\u1d9b-\u1dbf\u2071\u207f\u2090-\u209c]{3}")
_COMPATIBLE = re.compile(f"[{_COMPATIBILITY}]{{1,256}}")
_STACK = re.compile(f"[{_MARKS}]{{3,}}")
_OVERLAY = re.compile(f"[{_OVERLAYS}]")
_SMALL_CAPITAL = re.compile(f"[{_SMALL}]")
_INDICATORS = re.compile("[\U0001f1e6-\U0001f1ff]+")
_REGIONS = frozenset(
    re.findall(
        "..",
        "ACADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCPCRCUCVCW"
        "CXCYCZDEDGDJDKDMDODZEAECEEEGEHERESETEUFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUICIDIEILIMIN"
        "IOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANC"
        "NENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTATCTDTF"
        "TGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUNUSUYUZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZW",
    )
)


def fold_characters(text: str, signals: set[str]) -> str:
    """Fold what no honest writer needs to the plain characters it stands for: NFKC, and beyond it what NFKC leaves."""
    is_odd = _ODD.search(text) is not None
    if not is_odd and unicodedata.is_normalized("NFKC", text):
        return text
    if is_odd:
        text = _without_stacks(text.replace("\u2028", "\n").replace("\u2029", "\n"), signals)
        text = _without_invisible(text, signals)
    text = _without_styles(unicodedata.normalize("NFC", text), signals)
    if is_odd and len(_SMALL_CAPITAL.findall(text)) >= 3:  # fewer is phonetic script
        signals.add("styled-letters")
        text = _SMALL_CAPITAL.sub(lambda match: _SMALL_CAPITALS[match[0]], text)
    return text


def _without_stacks(text: str, signals: set[str]) -> str:
    if _STACK.search(text):
        signals.add("stacked-marks")
        text = _STACK.sub("", text)
    overlays = _OVERLAY.findall(text)
    if overlays:
        if len(overlays) >= 3 and "\u20e3" not in overlays:
            signals.add("stacked-marks")
        text = _OVERLAY.sub("", text)
    return text


def _without_invisible(text: str, signals: set[str]) -> str:
    if not _INVISIBLE.search(text):
        return text
    is_right_to_left = _IS_RIGHT_TO_LEFT.search(text) is not None
    if "\u202d" in text or "\u202e" in text or (not is_right_to_left and _IS_BIDI.search(text)):
        signals.add("bidi")

    def visible(match: re.Match[str]) -> str:
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if match[0] in "\u200c\u200d" and _IS_JOINING.match(before):
            return match[0]
        if before.isalpha() and after.isalpha() and before < "\u0530" and after < "\u0530" and not _IS_BIDI.match(match[0]):
            signals.add("invisible")
        return ""

    return _HIDDEN.sub(visible, text)


def _without_styles(text: str, signals: set[str]) -> str:
    if not _COMPATIBLE.search(text):
        return text
    if (
        len(_STYLED_LETTER.findall(text)) >= 2
        or _RAISED_WORD.search(text)
        or (_FULLWIDTH_LETTERS.search(text) and not _CJK.search(text))
    ):
        signals.add("styled-letters")

    def letters(match: re.Match[str]) -> str:
        word = match[0].translate(_ENCLOSED)
        pairs = re.findall("..?", word)
        if all(pair in _REGIONS for pair in pairs):
            return match[0]
        if len(word) > 1 or (text[match.end() : match.end() + 1] == " " and text[match.end() + 1 :][:1] in _INDICATOR_LETTERS):
            signals.add("styled-letters")
        return word

    text = _INDICATORS.sub(letters, text)
    return _COMPATIBLE.sub(_plain, text)


_INDICATOR_LETTERS = frozenset(map(chr, range(0x1F1E6, 0x1F200)))


def _plain(match: re.Match[str]) -> str:
    if match[0][0] in _INDICATOR_LETTERS:
        return match[0]
    return unicodedata.normalize("NFKC", match[0].translate(_ENCLOSED))



_LOOKALIKE = "\u0251\u0261\u0370-\u058f\u13a0-\u13ff\u2c80-\u2cff\ua4d0-\ua4fd"
_HAS_LOOKALIKE = re.compile(f"[{_LOOKALIKE}]")
_LETTERS = re.compile(r"[^\W\d_]{1,64}")
_CYRILLIC = re.compile("[\u0400-\u052f]")
# Letters that spammers take for each other although Unicode does not list them.
_LIKE_CYRILLIC = str.maketrans("kmtunrbhKMTHBs", "кмтипгьнКМТНВѕ")


@cache
def _latin_lookalikes() -> dict[str, str]:
    """Map each letter of another script to the ASCII letter that Unicode's confusables name for it.

    Read on first use and reduced to the scripts that matter here, because the whole table is large and slow to read.
    """
    from confusable_homoglyphs.utils import load

    table: dict[str, str] = {}
    for letter, lookalikes in load("confusables.json").items():
        if len(letter) == 1 and _HAS_LOOKALIKE.match(letter) and letter.isalpha():
            for lookalike in lookalikes:
                ascii_letter = lookalike["c"]
                if len(ascii_letter) == 1 and ascii_letter.isascii() and ascii_letter.isalpha():
                    table[letter] = "I" if letter.isupper() and ascii_letter == "l" else ascii_letter
    return table


@cache
def _to_latin() -> dict[int, str]:
    return {ord(letter): latin for letter, latin in _latin_lookalikes().items()}


@cache
def _to_cyrillic() -> dict[int, str]:
    russian = {latin: letter for letter, latin in _latin_lookalikes().items() if "\u0400" <= letter <= "\u045f"}
    return {ord(latin): letter for latin, letter in russian.items()}


def fold_scripts(text: str, signals: set[str]) -> str:
    """Give words that borrow look-alike letters from another script their own letters back.

    A word of mixed scripts is folded if that leaves it in one script; the letters that have no look-alike say which.
    A word wholly of look-alikes is folded only in a text whose other words are all Latin.
    """
    if not _HAS_LOOKALIKE.search(text):
        return text
    foreign_letters = "".join(_HAS_LOOKALIKE.findall(text))

    def own_script(match: re.Match[str]) -> str:
        word = match[0]
        if word.isascii():
            return word
        foreign = _HAS_LOOKALIKE.findall(word)
        if not foreign or len(foreign) == len(word):
            return word
        folded = _unmixed(word, foreign)
        if folded != word:
            signals.add("look-alikes")
        return folded

    folded = _LETTERS.sub(own_script, text)
    latin = _to_latin()
    if all(ord(letter) in latin for letter in foreign_letters) and sum(map(str.isalpha, text)) > 2 * len(foreign_letters):
        folded = _latin_words(folded, signals)
    return folded


def _unmixed(word: str, foreign: list[str]) -> str:
    """Return ``word``, which mixes Latin and ``foreign`` letters, in one script; unchanged if it has letters of both."""
    to_latin, to_cyrillic = _to_latin(), _to_cyrillic()
    latin = [letter for letter in word if not _HAS_LOOKALIKE.match(letter)]
    is_foreign = [_HAS_LOOKALIKE.match(letter) is not None for letter in word]
    switches = sum(left != right for left, right in zip(is_foreign, is_foreign[1:], strict=False))
    if switches == 1 and len(latin) > 1 and all(map(str.isupper, latin)) and word[-1].islower():
        return word  # an abbreviation with an ending
    latin_fits = all(ord(letter) in to_latin for letter in foreign)
    cyrillic_fits = all(map(_CYRILLIC.match, foreign)) and all(
        ord(letter) in to_cyrillic or (switches > 1 and ord(letter) in _LIKE_CYRILLIC) for letter in latin
    )
    if cyrillic_fits and not (latin_fits and len(latin) >= len(foreign)):
        return word.translate(_LIKE_CYRILLIC | to_cyrillic)
    return word.translate(to_latin) if latin_fits else word


_FOREIGN_WORD = re.compile(f"(?<![^\\W\\d_])[{_LOOKALIKE}]{{1,64}}(?![^\\W\\d_])")


def _latin_words(text: str, signals: set[str]) -> str:
    """Fold words wholly of look-alikes to Latin; one or two letters alone may be a formula, unless others were folded."""

    def latin(match: re.Match[str]) -> str:
        if len(match[0]) < 3 and "look-alikes" not in signals:
            return match[0]
        signals.add("look-alikes")
        return match[0].translate(_to_latin())

    return _FOREIGN_WORD.sub(latin, text)

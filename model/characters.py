"""Characters that people don't see or don't tell apart: invisible ones, styled alphabets, stacked marks.

Owns what is folded to which plain character. Honest writing (any script, emoji, CJK punctuation, joiners where a
script needs them) passes unchanged. Letters of one script that look like another's are left to ``lookalikes``.
"""

from __future__ import annotations

import re
import unicodedata

_CONTROLS = "\x00-\x08\x0e-\x1b\x7f"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_IGNORABLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u2800\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8"
)
_IGNORABLE_ASTRAL = "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
INVISIBLE = f"{_CONTROLS}{_BIDI}{_IGNORABLE}{_IGNORABLE_ASTRAL}"
"""What is not shown at all, as a class of a regular expression."""
WIDTHLESS = "\x0c\u2028\u2029\ufff9-\ufffc"
"""What browsers draw without any width, though it stands between lines elsewhere, or for a picture."""
_RIGHT_TO_LEFT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"

_SMALL_CAPITALS = dict(zip("ᴀʙᴄᴅᴇꜰғɢʜɪᴊᴋʟᴍɴᴏᴘǫꞯʀꜱᴛᴜᴠᴡʏᴢᴨᴧᴩʍɜɯ", "abcdeffghijklmnopqqrstuvwyzплрмеш", strict=True))
_CYRILLIC_SMALL_CAPITALS = _SMALL_CAPITALS | dict(zip("ᴀʙᴄᴇʜᴋᴍɴᴏᴘᴛᴜʏʀɜ", "авсенкмиортиуяз", strict=True))
# Letters of the Tai Le script and others that a popular generator of fancy text uses for Latin ones.
_FANCY_LETTERS = str.maketrans("ᥲᑲᥴᥱᥣᥒ᥆⍴ᥙ᥎ᥕ᥊ᥡ", "abcelnopuvwxy")
_ENCLOSED = {
    first + offset: ord("A") + offset
    for first in (0x1F110, 0x1F130, 0x1F150, 0x1F170, 0x1F1E6, 0x24B6)
    for offset in range(26)
} | {first + offset: ord("a") + offset for first in (0x249C, 0x24D0) for offset in range(26)}

# What NFKC rewrites, less what is honest: CJK punctuation and half-width forms, Hangul letters, Thai and Lao vowels.
_COMPATIBILITY = (
    "\u00a0\u00aa\u00b2-\u00b5\u00b8-\u00ba\u00bc-\u00be\u0132\u0133\u013f\u0140\u0149\u017f\u01c4-\u01cc\u01f1-\u01f3"
    "\u02b0-\u02b8\u02e0-\u02e4\u03d0-\u03d6\u03f0\u03f1\u03f4\u03f5\u1d2c-\u1d6a\u1d78\u1d9b-\u1dbf\u2000-\u200a\u2011\u2024-\u2026"
    "\u202f\u205f\u2070-\u209c\u20a8\u2100-\u214e\u2150-\u217f\u2460-\u24ea\u2c7c\u2c7d\u3000\u3200-\u33ff\ua7f8\ua7f9"
    "\ufb00-\ufb06\ufb1d-\ufb4f\ufb50-\ufdfc\ufe70-\ufefc\uff02-\uff07\uff0a\uff0b\uff0d-\uff19\uff1c-\uff1e\uff20-\uff5d"
    "\uffe0-\uffe6\U0001d400-\U0001d7ff\U0001f100-\U0001f12e\U0001f130-\U0001f169\U0001f170-\U0001f189"
)
_STYLED = (
    "\u249c-\u24e9\U0001d400-\U0001d7ff\U0001f110-\U0001f129\U0001f130-\U0001f149\U0001f150-\U0001f169"
    "\U0001f170-\U0001f189"
)
# Marks that no living language sets on single letters (U+030D serves Taiwanese, U+0329 Yoruba); U+20E3 makes a keycap
# of a digit.
_OVERLAYS = "\u030e\u030f\u0315-\u031a\u031c-\u0322\u032a-\u032d\u032f\u0330\u0332-\u033f\u0346-\u0357\u20d0-\u20f0"
_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_SMALL = "".join(_SMALL_CAPITALS)

# What may need folding and is no business of NFKC's. Characters beyond the basic plane are mostly emoji; telling them
# apart here would make the search three times as slow for everybody.
_ODD = re.compile(
    f"[{WIDTHLESS}\x80-\x9f{_CONTROLS}{_BIDI}{_OVERLAYS}{_MARKS}{_SMALL}\u1950-\u1974{_IGNORABLE}\U00010000-\U0010ffff]"
)
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_BETWEEN_LETTERS = re.compile(rf"(?<=[^\W_])[{WIDTHLESS}]+(?=[^\W_])")
MIN_WIDTHLESS = 3
_HIDDEN = re.compile(f"[{INVISIBLE}]{{1,64}}")
_IS_BIDI = re.compile(f"[{_BIDI}]")
_IS_RIGHT_TO_LEFT = re.compile(f"[{_RIGHT_TO_LEFT}]")
_FULLWIDTH_LETTERS = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]{2}")
_STYLED_LETTER = re.compile(f"[{_STYLED}]")
_RAISED_WORD = re.compile("[\u02b0-\u02b8\u02e0-\u02e4\u1d2c-\u1d6a\u1d9b-\u1dbf\u2071\u207f\u2090-\u209c]{3}")
# Written so that it begins with a plain class: only then does a search skip ahead at full speed.
_COMPATIBLE = re.compile(f"([{_COMPATIBILITY}][{_COMPATIBILITY}]{{0,255}})")
_MARKS_IN_A_ROW = re.compile(r"[^\w\s!-~]{31,}")  # marks and symbols: Python counts no mark among the letters
_STACK = re.compile(f"[{_MARKS}]{{3,}}")
_OVERLAY = re.compile(f"[{_OVERLAYS}]")
_SMALL_CAPITAL = re.compile(f"[{_SMALL}]")
PHONETIC = re.compile("[əɛɔʊʌʃʒɹˈˌː]")
"""Signs that show phonetic script, where small capitals, ɑ and ɡ are honest; nobody takes these for Latin letters."""
_FANCY_LETTER = re.compile("[\u1950-\u1974\u1472\u2374]{2}|[A-Za-z][\u1950-\u1974]")
_ASCII_LETTER = re.compile("[A-Za-z]")
_CYRILLIC = re.compile("[\u0400-\u0491\u0494-\u052f]")  # less the letter that stands in for a small capital F
_INDICATORS = re.compile("[\U0001f1e6-\U0001f1ff]+")
_SEPARATED_INDICATORS = re.compile("[\U0001f1e6-\U0001f1ff][\u200b-\u200d\u2060\u00ad\ufeff][\U0001f1e6-\U0001f1ff]")
# From a right-to-left override to its end, the bidirectional algorithm (UAX #9) shows letters backwards.
_OVERRIDDEN = re.compile("\u202e([^\u202a-\u202e\n]{0,500})\u202c?")
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


# Control characters that are Windows punctuation in disguise, and Unicode's own line ends.
_REPAIRED: dict[int, str] = {
    code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0) if code != 0x85
}
_REPAIRED |= {0x85: "\n", 0x2028: "\n", 0x2029: "\n"}


def fold_characters(text: str, signals: set[str]) -> str:
    """Fold what no honest writer needs to the plain characters it stands for: NFKC, and beyond it what NFKC leaves."""
    is_odd = _ODD.search(text) is not None
    if not is_odd and unicodedata.is_normalized("NFKC", text):
        return text
    if is_odd:
        text = without_hidden(text, signals)
    text = _composed(text)
    if is_odd:
        text = _without_stacks(text, signals)
        text = _without_indicators(text, signals)
    text = _without_styles(text, signals)
    return _without_small_capitals(text, signals) if is_odd else text


def without_hidden(text: str, signals: set[str]) -> str:
    """Take away what is not shown, and turn round what is shown backwards; styled letters stay as they are."""
    return _without_invisible(_without_widthless(text, signals).translate(_REPAIRED), signals)


def _composed(text: str) -> str:
    if unicodedata.is_normalized("NFC", text):
        return text
    return unicodedata.normalize("NFC", _MARKS_IN_A_ROW.sub(_shortened, text))


def _shortened(match: re.Match[str]) -> str:
    """Cut rows of combining characters to 30 (Unicode's stream-safe format, UAX #15): sorting longer ones is slow."""
    kept: list[str] = []
    row = 0
    for character in match[0]:
        row = row + 1 if unicodedata.combining(character) else 0
        if row <= 30:
            kept.append(character)
    return "".join(kept)


def _without_small_capitals(text: str, signals: set[str]) -> str:
    capitals = _SMALL_CAPITAL.findall(text)
    if len(capitals) >= 3 and not PHONETIC.search(text):
        signals.add("styled-letters")
        table = _CYRILLIC_SMALL_CAPITALS if _CYRILLIC.search(text) else _SMALL_CAPITALS
        text = _SMALL_CAPITAL.sub(lambda match: table[match[0]], text)
    if _FANCY_LETTER.search(text) and _ASCII_LETTER.search(text):
        signals.add("styled-letters")
        text = text.translate(_FANCY_LETTERS)
    return text


def _without_stacks(text: str, signals: set[str]) -> str:
    if _STACK.search(text):
        signals.add("stacked-marks")
        text = unicodedata.normalize("NFC", _STACK.sub("", unicodedata.normalize("NFD", text)))
    if _OVERLAY.search(text):
        text = unicodedata.normalize("NFD", text)  # composing hides some of them in letters like ȉ
        overlays = _OVERLAY.findall(text)
        if len(overlays) - overlays.count("\u20e3") >= 3:
            signals.add("stacked-marks")
        text = unicodedata.normalize("NFC", _OVERLAY.sub("", text))
    return text


def _without_widthless(text: str, signals: set[str]) -> str:
    """Join what stands apart in no browser; once or twice in a text, it may be a line's end that was pasted."""
    joined, count = _BETWEEN_LETTERS.subn("", text)
    if count < MIN_WIDTHLESS:
        return text
    signals.add("invisible")
    return joined


def _without_invisible(text: str, signals: set[str]) -> str:
    if not _INVISIBLE.search(text):
        return text
    is_overridden = "\u202e" in text
    text = _OVERRIDDEN.sub(lambda match: match[1][::-1], text)
    if _SEPARATED_INDICATORS.search(text):
        signals.add("styled-letters")
        text = _INDICATORS.sub(lambda match: match[0].translate(_ENCLOSED), text)
    is_right_to_left = _IS_RIGHT_TO_LEFT.search(text) is not None
    if is_overridden or "\u202d" in text or "\u202e" in text or (not is_right_to_left and _IS_BIDI.search(text)):
        signals.add("bidi")

    def visible(match: re.Match[str]) -> str:
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        # Arabic, Indic and Mongolian letters need joiners; emoji can do without.
        if "\u0600" <= before <= "\u18af" or "\ufb50" <= before <= "\ufefc":
            return next((character for character in match[0] if character in "\u200c\u200d"), "")
        # Soft hyphens, and what wrong decoding leaves, stand beside accented letters too.
        last_script = "\x7f" if match[0] == "\u00ad" else "\u0530"
        if before.isalpha() and after.isalpha() and max(before, after) < last_script and not _IS_BIDI.match(match[0]):
            signals.add("invisible")
        return ""

    return _HIDDEN.sub(visible, text)


def _without_styles(text: str, signals: set[str]) -> str:
    pieces = _COMPATIBLE.split(text)
    if len(pieces) == 1:
        return text
    styled = " ".join(pieces[1::2])
    if (
        len(_STYLED_LETTER.findall(styled)) >= 2
        or _RAISED_WORD.search(styled)
        or (_FULLWIDTH_LETTERS.search(styled) and not any("\u3040" <= letter <= "\ud7af" for letter in text))
    ):
        signals.add("styled-letters")
    pieces[1::2] = map(_plain, pieces[1::2])
    return "".join(pieces)


def _without_indicators(text: str, signals: set[str]) -> str:
    """Turn regional indicators into letters where they make no flags."""

    def flags_or_letters(match: re.Match[str]) -> str:
        word = match[0].translate(_ENCLOSED)
        if _REGIONS.issuperset(re.findall("..?", word)):
            return match[0]
        if len(word) > 1 or (text[match.end() : match.end() + 1] == " " and _INDICATORS.match(text, match.end() + 1)):
            signals.add("styled-letters")
        return word

    return _INDICATORS.sub(flags_or_letters, text)


def _plain(styled: str) -> str:
    return unicodedata.normalize("NFKC", styled.translate(_ENCLOSED))

"""A comment as moderators see it: as it was written, with nothing hidden, and with what told for or against it marked.

What is marked are the words that the reasons name. Disguised words (look-alikes, invisible characters) are marked too,
for they are read as the filter reads them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from model.text import read
from training.doubts import feature_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from model.verdict import Reason
    from training.labels import Check, Standing

MAX_SHOWN_CHARACTERS = 1_500
MAX_FOLDED_CHARACTERS = 200
MAX_HOSTS = 10
MAX_REASONS = 6
MIN_TOLD_WEIGHT = 0.1

FEATURES = {
    "text": "its words",
    "author": "the author's name",
    "author_url": "the author's link",
    "author_email": "the e-mail domain",
    "links": "links in the text",
    "traits": "how it is made up",
    "shape": "how it is laid out",
    "campaign": "sent by several",
    "post": "what it replies to",
    "honeypot": "a hidden field",
    "haste": "sent in haste",
    "labels": "what people taught",
    "label": "a person's word",
    "list": "a line of a list",
}
"""What reasons can be about, in words."""


class Piece(NamedTuple):
    """A stretch of a text: ``spam`` or ``ham`` where it told for that, empty elsewhere."""

    text: str
    speaks_for: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows of a check, and of what was said of its comment since."""

    check: Check
    pieces: list[Piece]
    left_out: int
    hosts: list[tuple[str, int]]
    reasons: list[Reason]
    standing: Standing | None
    campaign: str = ""
    alike: int = 1

    @property
    def token(self) -> str:
        """Name the check and the label that was seen with it."""
        return f"{self.check.id}.{self.standing.number if self.standing else 0}"


def shown(check: Check, standing: Standing | None, campaign: str = "", alike: int = 1) -> Shown:
    """Prepare a check for a page."""
    text = check.comment.text
    return Shown(
        check,
        marked(text[:MAX_SHOWN_CHARACTERS], words_of(check.reasons)),
        max(len(text) - MAX_SHOWN_CHARACTERS, 0),
        Counter(link.host for link in read(text).links if link.host).most_common(MAX_HOSTS),
        [reason for reason in check.reasons if is_told(reason)][:MAX_REASONS],
        standing,
        campaign,
        alike,
    )


def is_told(reason: Reason) -> bool:
    """Whether a reason is worth a sentence."""
    return feature_of(reason) != "base" and abs(reason.weight) >= MIN_TOLD_WEIGHT


def words_of(reasons: Sequence[Reason]) -> dict[str, str]:
    """Return the words of the text that reasons name, and what each speaks for."""
    return {
        reason.feature.removeprefix("text:"): "spam" if reason.weight > 0 else "ham"
        for reason in reasons
        if reason.feature.startswith("text:") and is_told(reason)
    }


def marked(text: str, words: Mapping[str, str]) -> list[Piece]:
    """Cut a text into pieces, so that those which hold the words can be marked; nothing of it stays hidden."""
    if not words:
        return [Piece(visible(text), "")]
    longest_first = sorted(words, key=len, reverse=True)
    named = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
    pieces: list[Piece] = []
    for token in _TOKEN.findall(text):
        for piece in _pieces(token, words, named):
            if not piece.text:
                continue
            if pieces and pieces[-1].speaks_for == piece.speaks_for:
                pieces[-1] = Piece(pieces[-1].text + piece.text, piece.speaks_for)
            else:
                pieces.append(piece)
    return [Piece(visible(piece.text), piece.speaks_for) for piece in pieces]


def visible(text: str) -> str:
    """Show what a text hides: characters that can't be seen, or turn the direction of what follows, by their names."""
    return _HIDDEN.sub(lambda found: f"⟨{_name_of(found[0])}⟩", text)


def _pieces(token: str, words: Mapping[str, str], named: re.Pattern[str]) -> Iterator[Piece]:
    lowered = token.lower()
    if token.isascii() or len(lowered) == len(token):
        end = 0
        for found in named.finditer(lowered):
            yield Piece(token[end : found.start()], "")
            yield Piece(token[found.start() : found.end()], words[found[0]])
            end = found.end()
        if end:
            yield Piece(token[end:], "")
            return
    found_word = None if token.isascii() else named.search(read(token[:MAX_FOLDED_CHARACTERS]).plain.lower())
    yield Piece(token, words[found_word[0]] if found_word else "")


def _name_of(character: str) -> str:
    return unicodedata.name(character, "").lower() or f"U+{ord(character):04X}"


_TOKEN = re.compile(r"\s+|\S+")
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)

"""Campaigns seen before anybody labels them: nearly the same text from several people in a day, or one link for all.

What one person sends twice is none, under names that have a word in common neither. Short phrases are shared by too
many people to tell, the site's own address is anybody's, and a ping's name is a page's title. Each worker sees the
comments that it judges itself. Owns counting them and what that is worth. Leaves what people said to ``memory``, which
goes before. ``benchmarks/quality/campaigns.py`` shows what it tells apart.
"""

from __future__ import annotations

import re
from collections import defaultdict
from threading import Lock
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar
from zlib import crc32

from model.links import host_of
from model.segments import MAX_NAME_CHARACTERS, PINGS
from model.sketch import BYTES_OF_BAND, count_alike
from model.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.comment import Comment

WINDOW_SECONDS = 86_400.0
LINK_WINDOW_SECONDS = 30 * 86_400.0
MIN_CHARACTERS = 60
MIN_OTHERS = 2
"""So many others with nearly the same text, or the same link, make a campaign."""
MAX_COUNTED = 4
MAX_COUNTED_OF_LINK = 2
"""Anybody may give somebody else's link under any name, to have that person's comments held."""
LOG_ODDS_FOR_EACH = 1.0
BANDS = 4
"""Of a sketch's sixteen: enough for texts that have most in common, and soon looked up."""
MAX_OF_BAND = 16
MAX_BANDS = 10_000
"""Of a site, in each of two generations; so many links as well."""
BITS_OF_NAME = 128

CAMPAIGN = "campaign"
"""The feature of the reason."""
_STARTS = range(0, BANDS * BYTES_OF_BAND, BYTES_OF_BAND)
_BEFORE_HOST = re.compile(r"(?:https?:)?/*(?:www\.)?")
_WORD = re.compile(r"\w+")

Known = TypeVar("Known", bytes, int)
"""What is remembered of a comment: the sketch of its text, or its author's name as ``_bits_of`` has it."""
Sender = int
"""A hash of who sent it and on which post: names can be long, and many are remembered."""


class _Sent(NamedTuple, Generic[Known]):
    at: float
    known: Known


class Campaigns:
    """What was checked of late, site by site. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._texts: defaultdict[str, _Recent[bytes]] = defaultdict(_Recent)
        self._links: defaultdict[str, _Recent[int]] = defaultdict(_Recent)

    def reason(self, site: str, comment: Comment, sketch: bytes, at: float, is_new: bool = True) -> Reason | None:
        """Note a comment, and return what speaks against it if it belongs to a campaign; ``at`` is in seconds.

        One that is not new was sent before, so it is not noted again.
        """
        with_text = self._with_text(site, comment, _Sent(at, sketch), is_new)
        with_link = self._with_link(site, comment, at, is_new)
        found = (
            _reason(with_text, MAX_COUNTED, "sent nearly the same text within a day"),
            _reason(with_link, MAX_COUNTED_OF_LINK, "gave the same link within a month"),
        )
        return max(filter(None, found), key=lambda reason: reason.weight, default=None)

    def _with_text(self, site: str, comment: Comment, new: _Sent[bytes], is_new: bool) -> int:
        """Count who else sent nearly the same text."""
        known = (comment.author or comment.author_email or comment.user_ip).lower(), comment.permalink
        if len(comment.text) < MIN_CHARACTERS or not any(known):
            return 0
        keys = [new.known[start : start + BYTES_OF_BAND] for start in _STARTS]
        with self._lock:
            met = self._texts[site].met(keys, hash(known), new, is_new)
        if len(met) < MIN_OTHERS:
            return 0
        return count_alike(new.known, [sent.known for sent in met if new.at - sent.at <= WINDOW_SECONDS])

    def _with_link(self, site: str, comment: Comment, at: float, is_new: bool) -> int:
        """Count under how many names that have no word in common with this one the author's link was given."""
        name = comment.author[:MAX_NAME_CHARACTERS].lower()
        host = host_of(comment.author_url)
        if not name or not host or host == host_of(comment.permalink) or comment.type in PINGS:
            return 0
        link = _BEFORE_HOST.sub("", comment.author_url.strip().lower(), count=1).rstrip("/")
        new = _Sent(at, _bits_of(name))
        with self._lock:
            met = self._links[site].met([hash(link)], hash(name), new, is_new)
        return sum(at - sent.at <= LINK_WINDOW_SECONDS and not sent.known & new.known for sent in met)


def _reason(others: int, counted: int, told: str) -> Reason | None:
    if others < MIN_OTHERS:
        return None
    return Reason(CAMPAIGN, LOG_ODDS_FOR_EACH * min(others, counted), f"{others} others {told}")


def _bits_of(name: str) -> int:
    """Return a name's words as bits, so that names with a word in common have a bit in common."""
    bits = 0
    for word in _WORD.findall(name) or [name]:
        bits |= 1 << crc32(word.encode()) % BITS_OF_NAME
    return bits


class _Recent(Generic[Known]):
    """Who sent what of late, by key, in two generations: when the younger is full, the older is forgotten."""

    def __init__(self) -> None:
        self._younger: dict[bytes | int, dict[Sender, _Sent[Known]]] = {}
        self._older: dict[bytes | int, dict[Sender, _Sent[Known]]] = {}

    def met(self, keys: Sequence[bytes | int], sender: Sender, new: _Sent[Known], is_new: bool) -> list[_Sent[Known]]:
        """Return what others sent under any of the keys; what is new is noted under all of them."""
        found: dict[Sender, _Sent[Known]] = {}
        if is_new and len(self._younger) > MAX_BANDS:
            self._older, self._younger = self._younger, {}
        for key in keys:
            for generation in (self._older, self._younger):
                found.update(generation.get(key, {}))
            if is_new:
                self._note(key, sender, new)
        found.pop(sender, None)
        return list(found.values())

    def _note(self, key: bytes | int, sender: Sender, new: _Sent[Known]) -> None:
        senders = self._younger.get(key)
        if senders is None:
            senders = self._younger[key] = self._older.pop(key, {})
        senders.pop(sender, None)
        if len(senders) >= MAX_OF_BAND:
            del senders[next(iter(senders))]
        senders[sender] = new

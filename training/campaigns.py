"""Campaigns seen before anybody labels them: nearly the same text from several authors, or on several posts, in a day.

What one person sends twice is none, and short phrases are shared by too many people to tell. Each worker sees the
comments that it judges itself. Owns counting them and what that is worth. Leaves what people said to ``memory``, which
goes before. ``benchmarks/quality/campaigns.py`` shows what it tells apart.
"""

from __future__ import annotations

from collections import defaultdict
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from model.sketch import BYTES_OF_BAND, count_alike
from model.verdict import Reason

if TYPE_CHECKING:
    from model.comment import Comment

WINDOW_SECONDS = 86_400.0
MIN_CHARACTERS = 60
MIN_OTHERS = 2
"""So many others with nearly the same text make a campaign."""
MAX_COUNTED = 4
LOG_ODDS_FOR_EACH = 1.0
BANDS = 4
"""Of a sketch's sixteen: enough for texts that have most in common, and soon looked up."""
MAX_OF_BAND = 16
MAX_BANDS = 10_000
"""Of a site, in each of two generations."""

CAMPAIGN = "campaign"
"""The feature of the reason."""
_STARTS = range(0, BANDS * BYTES_OF_BAND, BYTES_OF_BAND)

Sender = int
"""A hash of who sent it and on which post: names can be long, and many are remembered."""


class _Sent(NamedTuple):
    at: float
    sketch: bytes


Senders = dict[Sender, _Sent]


class Campaigns:
    """What was checked of late, site by site. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sites: defaultdict[str, _OfSite] = defaultdict(_OfSite)

    def reason(self, site: str, comment: Comment, sketch: bytes, at: float, is_new: bool = True) -> Reason | None:
        """Note a comment, and return what speaks against it if it belongs to a campaign; ``at`` is in seconds.

        One that is not new was sent before, so it is not noted again.
        """
        known = (comment.author or comment.author_email or comment.user_ip).lower(), comment.permalink
        if len(comment.text) < MIN_CHARACTERS or not any(known):
            return None
        sender = hash(known)
        with self._lock:
            of_site = self._sites[site]
            met = of_site.note(sender, _Sent(at, sketch)) if is_new else of_site.met(sender, sketch)
        if len(met) < MIN_OTHERS:
            return None
        recent = [sent.sketch for sent in met.values() if at - sent.at <= WINDOW_SECONDS]
        others = count_alike(sketch, recent)
        if others < MIN_OTHERS:
            return None
        weight = LOG_ODDS_FOR_EACH * min(others, MAX_COUNTED)
        return Reason(CAMPAIGN, weight, f"{others} others sent nearly the same text within a day")


class _OfSite:
    """Who sent what of late, by band, in two generations: when the younger is full, the older is forgotten."""

    def __init__(self) -> None:
        self._younger: dict[bytes, Senders] = {}
        self._older: dict[bytes, Senders] = {}

    def met(self, sender: Sender, sketch: bytes) -> Senders:
        """Return what others sent that is in a comment's bands."""
        found: Senders = {}
        for start in _STARTS:
            band = sketch[start : start + BYTES_OF_BAND]
            for generation in (self._older, self._younger):
                found.update(generation.get(band, {}))
        found.pop(sender, None)
        return found

    def note(self, sender: Sender, new: _Sent) -> Senders:
        """Put a comment into its bands, and return what others sent that is there."""
        met: Senders = {}
        if len(self._younger) > MAX_BANDS:
            self._older, self._younger = self._younger, {}
        for start in _STARTS:
            band = new.sketch[start : start + BYTES_OF_BAND]
            senders = self._younger.get(band)
            if senders is None:
                senders = self._younger[band] = self._older.pop(band, {})
            senders.pop(sender, None)
            if senders:
                met.update(senders)
                if len(senders) >= MAX_OF_BAND:
                    del senders[next(iter(senders))]
            senders[sender] = new
        return met

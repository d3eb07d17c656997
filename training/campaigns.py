"""Campaigns seen before anybody labels them: nearly the same text from several authors, or on several posts, in a day.

What one person sends twice is none, and short phrases are shared by too many people to tell. Each worker sees the
comments that it judges itself. Owns counting them and what that is worth. Leaves what people said to ``memory``, which
goes before. ``benchmarks/quality/campaigns.py`` shows what it tells apart.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from model.sketch import similarities
from model.verdict import Reason
from training.memory import BYTES_OF_BAND, MIN_SIMILARITY

if TYPE_CHECKING:
    from model.comment import Comment

WINDOW_SECONDS = 86_400.0
MIN_CHARACTERS = 60
MIN_OTHERS = 2
"""So many others with nearly the same text make a campaign."""
MAX_COUNTED = 4
LOG_ODDS_FOR_EACH = 1.0
BANDS = 6
"""Of a sketch's sixteen: enough for texts that have most in common, and soon looked up."""
MAX_OF_BAND = 16
MAX_BANDS = 20_000
"""Of a site; the ones not met for longest are forgotten."""

Sender = tuple[str, str]


class _Seen(NamedTuple):
    at: float
    sketch: bytes
    sender: Sender


class Campaigns:
    """What was checked of late, site by site. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sites: defaultdict[str, OrderedDict[bytes, deque[_Seen]]] = defaultdict(OrderedDict)

    def reason(self, site: str, comment: Comment, sketch: bytes, at: float) -> Reason | None:
        """Note a comment, and return what speaks against it if it belongs to a campaign; ``at`` is in seconds."""
        sender = (comment.author or comment.author_email or comment.user_ip).lower(), comment.permalink
        if len(comment.text) < MIN_CHARACTERS or not any(sender):
            return None
        with self._lock:
            met = self._note(self._sites[site], _Seen(at, sketch, sender))
        recent = [seen for seen in met if seen.sender != sender and at - seen.at <= WINDOW_SECONDS]
        if len(recent) < MIN_OTHERS:
            return None
        alike = zip(similarities(sketch, [seen.sketch for seen in recent]), recent, strict=True)
        others = len({seen.sender for similarity, seen in alike if similarity >= MIN_SIMILARITY})
        if others < MIN_OTHERS:
            return None
        weight = LOG_ODDS_FOR_EACH * min(others, MAX_COUNTED)
        return Reason("campaign", weight, f"{others} others sent nearly the same text within a day")

    @staticmethod
    def _note(bands: OrderedDict[bytes, deque[_Seen]], new: _Seen) -> set[_Seen]:
        """Put a comment into its bands, and return those that were there."""
        met: set[_Seen] = set()
        for number in range(BANDS):
            start = number * BYTES_OF_BAND
            band = b"%d" % number + new.sketch[start : start + BYTES_OF_BAND]
            bucket = bands.get(band)
            if bucket is None:
                bands[band] = deque((new,), MAX_OF_BAND)
            else:
                met.update(bucket)
                bucket.append(new)
                bands.move_to_end(band)
        while len(bands) > MAX_BANDS:
            bands.popitem(last=False)
        return met

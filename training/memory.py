"""What was decided by people, at hand for every check: a comment that somebody labelled, or nearly the same one.

Owns finding the label of a near-duplicate among many (locality-sensitive hashing of ``model.sketch``: Indyk and Motwani
1998). Each site has its own; the newest labels are kept, so that memory is bounded.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from model.ngrams import grams_of
from model.segments import parts_of
from model.sketch import similarities, sketches_of

if TYPE_CHECKING:
    from training.labelled import Label
    from training.labels import GivenLabel

MIN_SIMILARITY = 0.5
"""Among 400 comments each of 24 blogs, no two this much alike had different labels."""
BYTES_OF_BAND = 2 * 4
MAX_LABELS = 20_000
MAX_OF_BAND = 16
"""Of the many comments of a campaign, so many stand for all."""

Key = tuple[str, bytes]
"""A site and a sketch: comments with the same sketch have the same n-grams, so they are one comment here."""
Band = tuple[str, int, bytes]


class _Remembered(NamedTuple):
    number: int
    label: Label


class Memory:
    """The labels of a while. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._labels: OrderedDict[Key, _Remembered] = OrderedDict()
        self._alike: dict[Band, deque[bytes]] = {}
        self.newest = 0
        """Number of the newest label that was learnt."""

    def learn(self, number: int, given: GivenLabel) -> None:
        """Remember what was last said of a comment; numbers ascend."""
        (sketch,) = sketches_of(grams_of([parts_of(given.comment)]))
        key = given.site, sketch
        with self._lock:
            if key not in self._labels:
                for band in _bands(*key):
                    self._alike.setdefault(band, deque(maxlen=MAX_OF_BAND)).append(sketch)
            self._labels[key] = _Remembered(number, given.label)
            self._labels.move_to_end(key)
            if len(self._labels) > MAX_LABELS:
                self._forget(next(iter(self._labels)))
            self.newest = max(self.newest, number)

    def recall(self, site: str, sketch: bytes) -> Label | None:
        """Return the label of the comment most like this one, if it is like enough; of equals, the later label's."""
        with self._lock:
            if not self._labels:
                return None
            same = self._labels.get((site, sketch))
            if same is not None:
                return same.label
            alike = list({other for band in _bands(site, sketch) for other in self._alike.get(band, ())})
            remembered = [self._labels[site, other] for other in alike]
        if not alike:
            return None
        found = zip(similarities(sketch, alike), remembered, strict=True)
        nearest, best = max(found, key=lambda pair: (pair[0], pair[1].number))
        return best.label if nearest >= MIN_SIMILARITY else None

    def _forget(self, key: Key) -> None:
        del self._labels[key]
        for band in _bands(*key):
            bucket = self._alike[band]
            if key[1] in bucket:
                bucket.remove(key[1])
            if not bucket:
                del self._alike[band]


def _bands(site: str, sketch: bytes) -> list[Band]:
    """Cut a sketch into bands; comments that are alike have one in common, nearly always."""
    return [(site, first, sketch[first : first + BYTES_OF_BAND]) for first in range(0, len(sketch), BYTES_OF_BAND)]

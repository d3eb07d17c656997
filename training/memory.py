"""What was decided by people, at hand for every check: a comment that somebody labelled, or nearly the same one.

Owns finding the label of a near-duplicate among many (locality-sensitive hashing of ``model.sketch``: Indyk and Motwani
1998). Each site has its own, of bounded size, so that none can push out another's.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from model.ngrams import grams_of
from model.segments import parts_of
from model.sketch import BYTES_OF_BAND, MIN_SIMILARITY, bins_of, similarities, sketches_of

if TYPE_CHECKING:
    from training.labelled import Label
    from training.labels import GivenLabel

MAX_LABELS = 20_000
"""Labels of a site that are remembered, the newest."""
MAX_OF_BAND = 16
"""Of the many comments of a campaign, so many stand for all."""
NEARLY_SAME = 0.65
"""A campaign with other names, links and words has so much in common: 0.69 to 0.75 in the test's example."""
REPEATED = 3
"""So many labels of comments that are alike are no slip, nor said of one comment alone."""

Band = tuple[int, bytes]


class Recalled(NamedTuple):
    """What was said of a comment with the very same n-grams (``is_same``), or of one much like it.

    ``is_sure`` where the two are nearly the same, or where it was said of at least ``REPEATED`` comments like it, and
    of none like it the opposite.
    """

    label: Label
    is_same: bool
    is_sure: bool = True


class Near(NamedTuple):
    """A label's number, and how much its comment has in common with another: 0 to 1."""

    number: int
    similarity: float


class Memory:
    """The labels of all sites. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sites: defaultdict[str, _OfSite] = defaultdict(_OfSite)

    def learn(self, number: int, given: GivenLabel) -> None:
        """Remember what was last said of a comment; a site's numbers ascend."""
        (sketch,) = sketches_of(grams_of([parts_of(given.comment)]))
        with self._lock:
            self._sites[given.site].learn(number, sketch, given.label)

    def recall(self, site: str, sketch: bytes) -> Recalled | None:
        """Return the label of the comment most like this one, if it is like enough; of equals, the later label's."""
        with self._lock:
            of_site = self._sites.get(site)
            return None if of_site is None else of_site.recall(sketch)

    def nearest(self, site: str, sketch: bytes, most: int) -> list[Near]:
        """Return the labels of the comments most like this one, the nearest first."""
        with self._lock:
            of_site = self._sites.get(site)
            return [] if of_site is None else of_site.nearest(sketch, most)


class _Remembered(NamedTuple):
    number: int
    label: Label


class _OfSite:
    """The labels of one site, by sketch: comments with the same n-grams are one comment here."""

    def __init__(self) -> None:
        self._labels: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._alike: defaultdict[Band, deque[bytes]] = defaultdict(lambda: deque(maxlen=MAX_OF_BAND))

    def learn(self, number: int, sketch: bytes, label: Label) -> None:
        if sketch in self._labels:
            self._forget(sketch)
        self._labels[sketch] = _Remembered(number, label)
        for band in _bands(sketch):
            self._alike[band].append(sketch)
        if len(self._labels) > MAX_LABELS:
            self._forget(next(iter(self._labels)))

    def nearest(self, sketch: bytes, most: int) -> list[Near]:
        alike = self._met(sketch)
        found = zip(map(self._labels.__getitem__, alike), similarities(sketch, alike), strict=True)
        near = (Near(remembered.number, similarity) for remembered, similarity in found)
        return sorted(near, key=lambda one: (one.similarity, one.number), reverse=True)[:most]

    def recall(self, sketch: bytes) -> Recalled | None:
        same = self._labels.get(sketch)
        if same is not None:
            return Recalled(same.label, is_same=True)
        alike = self._met(sketch)
        if not alike:
            return None
        found = zip(similarities(sketch, alike), map(self._labels.__getitem__, alike), strict=True)
        near = [(similarity, label) for similarity, label in found if similarity >= MIN_SIMILARITY]
        if not near:
            return None
        similarity, nearest = max(near, key=lambda pair: (pair[0], pair[1].number))
        is_repeated = len(near) >= REPEATED and all(label.label == nearest.label for _, label in near)
        return Recalled(nearest.label, is_same=False, is_sure=similarity >= NEARLY_SAME or is_repeated)

    def _met(self, sketch: bytes) -> list[bytes]:
        return list({other for band in _bands(sketch) for other in self._alike.get(band, ())})

    def _forget(self, sketch: bytes) -> None:
        """Forget a comment; bands that have had many since may have forgotten it already."""
        del self._labels[sketch]
        for band in _bands(sketch):
            bucket = self._alike.get(band)
            if bucket is not None and sketch in bucket:
                bucket.remove(sketch)
                if not bucket:
                    del self._alike[band]


def _bands(sketch: bytes) -> list[Band]:
    """Cut a sketch into bands; comments that are alike have one in common, nearly always."""
    bins = bins_of(sketch)
    return [(first, bins[first : first + BYTES_OF_BAND]) for first in range(0, len(bins), BYTES_OF_BAND)]

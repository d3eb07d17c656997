"""What the filter would have said of each labelled comment before anybody had, which tells how well it does on a site.

Scores of comments that a filter has learnt from flatter it. So each label's comment is scored just before it is learnt
(prequential evaluation: Dawid 1984), with all that earlier labels have taught; those that the served version was
trained on are left out. Owns keeping these scores. Leaves what follows from them to ``consequences``.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model.artifact import probability
from training.holdout import Labelled, held_out, is_held_out
from training.labels import digest_of
from training.memory import MAX_LABELS
from training.online import OnlineLayer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    import numpy.typing as npt

    from model.artifact import Filter
    from training.labels import GivenLabel

    Floats = npt.NDArray[np.float64]


class Foretold(NamedTuple):
    """The scores of a site's comments that people called ham, and of those they called spam: float64, shape (n,)."""

    ham: Floats
    spam: Floats


class Foresight:
    """The scores of all sites for one model, whose card says what it was trained on. Threads can share it."""

    def __init__(self, card: Mapping[str, Any]) -> None:
        self._cuts = held_out(card)
        self._lock = Lock()
        self._sites: defaultdict[str, OrderedDict[bytes, tuple[float, bool]]] = defaultdict(OrderedDict)

    def note(self, number: int, given: GivenLabel, log_odds: float) -> None:
        """Note what was thought of a comment until this label; of a comment that is labelled again, until the first."""
        if not is_held_out(Labelled.of(number, given), self._cuts):
            return
        digest = digest_of(given.comment)[:8]
        with self._lock:
            of_site = self._sites[given.site]
            first, _ = of_site.pop(digest, (probability(log_odds), False))
            of_site[digest] = first, given.label == "spam"
            if len(of_site) > MAX_LABELS:
                of_site.popitem(last=False)

    def of(self, site: str) -> Foretold:
        """Return the scores of a site's newest labels."""
        with self._lock:
            noted = list(self._sites.get(site, {}).values())
        ham, spam = ([score for score, is_spam in noted if is_spam is wanted] for wanted in (False, True))
        return Foretold(np.array(ham, dtype=np.float64), np.array(spam, dtype=np.float64))


def replayed(model: Filter, labels: Iterable[tuple[int, GivenLabel]], share_labels: bool = False) -> Foresight:
    """Learn labels one after the other, as the service does, and note what was thought of each before."""
    online, foresight = OnlineLayer(model.scorer, share_labels), Foresight(model.card)
    for number, given in labels:
        foresight.note(number, given, online.learn(given))
    return foresight

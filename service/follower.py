"""Keeps a worker's memory of labels, its model and its rulebook up to date with the database, which all hosts share."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from service.background import Background
from training.foresight import Foresight
from training.memory import MAX_LABELS, Memory
from training.online import OnlineLayer
from training.tellings import Learnt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from service.rulebook import Rulebook
    from service.served_model import ServedModel
    from training.labels import GivenLabel, LabelStore
    from training.registry import Registry

    Numbered = tuple[int, GivenLabel]

INTERVAL_SECONDS = 0.3
"""A label or a promotion takes effect everywhere within a second; most of that is left for slow databases."""

_log = logging.getLogger("hamgate.follower")


class Knowledge(NamedTuple):
    """What labels have taught so far, and what was thought of their comments before."""

    memory: Memory
    online: OnlineLayer | None
    foresight: Foresight


class Follower(Background):
    """Reads the labels, promotions and settings there are, and from then on new ones, in a thread of its own.

    With ``share_labels``, what one site's labels teach has some say on all sites.
    """

    def __init__(
        self,
        labels: LabelStore,
        registry: Registry,
        served: ServedModel,
        rulebook: Rulebook,
        share_labels: bool = False,
    ) -> None:
        super().__init__("follower")
        self.knowledge = Knowledge(Memory(), None, Foresight({}))
        self._labels = labels
        self._registry = registry
        self._served = served
        self._rulebook = rulebook
        self._share_labels = share_labels
        self._newest = 0
        self._learnt_upon: tuple[str | None, int] | None = None
        self._fails = False
        self._read()
        self.start()

    @property
    def learnt(self) -> Learnt:
        """How far this worker has learnt, at least; while it learns anew upon another model, it has none."""
        model, withdrawal = self._learnt_upon or (None, 0)
        is_whole = self._served.is_ready and not self._served.trouble and self._served.filter.version == model
        return Learnt(model if is_whole else None, withdrawal, self._rulebook.newest, self._newest)

    def _work(self) -> None:
        while not self._stopping.wait(INTERVAL_SECONDS):
            self._read()

    def _read(self) -> None:
        """Read on; whatever goes wrong is logged, once, and tried again."""
        try:
            self._follow()
            self._learn()
            self._fails = False
        except Exception:
            if not self._fails:
                _log.exception("labels, promotions and settings can't be read")
            self._fails = True

    def _follow(self) -> None:
        self._served.follow(self._registry)
        self._rulebook.follow()

    def _learn(self) -> None:
        """Learn what was said since; from the beginning for another model, or where something was taken back."""
        model = self._served.filter if self._served.is_ready else None
        upon = None if model is None else model.version, self._labels.newest_withdrawal()
        if upon == self._learnt_upon:
            self._learn_on()
            return
        online = None if model is None else OnlineLayer(model.scorer, self._share_labels)
        knowledge = Knowledge(Memory(), online, Foresight({} if model is None else model.card))
        last = self._labels.newest()
        newest = _taught(knowledge, self._between(self._labels.replay(MAX_LABELS), last), 0)
        newest = _taught(knowledge, self._labels.every(newest), newest)
        if not self._stopping.is_set():
            self.knowledge, self._learnt_upon, self._newest = knowledge, upon, newest

    def _learn_on(self) -> None:
        self._newest = _taught(self.knowledge, self._labels.every(self._newest), self._newest)

    def _between(self, labels: Iterable[Numbered], last: int) -> Iterator[Numbered]:
        """Yield labels up to the last; every moment between them, keep up to date what holds until all are learnt."""
        due = time.monotonic() + INTERVAL_SECONDS
        for number, given in labels:
            if number > last or self._stopping.is_set():
                return
            yield number, given
            if self._learnt_upon is not None and time.monotonic() > due:
                self._follow()
                self._learn_on()
                due = time.monotonic() + INTERVAL_SECONDS


def _taught(knowledge: Knowledge, labels: Iterable[Numbered], newest: int) -> int:
    """Learn labels in order, and return the number of the last one, ``newest`` where there is none."""
    for number, given in labels:
        knowledge.memory.learn(number, given)
        if knowledge.online is not None:
            knowledge.foresight.note(number, given, knowledge.online.learn(given))
        newest = number
    return newest

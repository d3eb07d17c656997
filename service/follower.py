"""Keeps a worker's memory of labels and its model up to date with the database, which all workers and hosts share."""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import TYPE_CHECKING

from training.memory import MAX_LABELS, Memory

if TYPE_CHECKING:
    from service.served_model import ServedModel
    from training.labels import LabelStore
    from training.registry import Registry

INTERVAL_SECONDS = 0.3
"""A label or a promotion takes effect everywhere within a second; most of that is left for slow databases."""

_log = logging.getLogger("hamgate.follower")


class Follower:
    """Reads the labels and the promotions there are, and from then on new ones, in a thread of its own."""

    def __init__(self, labels: LabelStore, registry: Registry, served: ServedModel) -> None:
        self.memory = Memory()
        self._labels = labels
        self._registry = registry
        self._served = served
        self._newest: int | None = None
        self._fails = False
        self._stopping = Event()
        self._read()
        self._thread = Thread(target=self._keep_reading, name="follower", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join()

    def _keep_reading(self) -> None:
        while not self._stopping.wait(INTERVAL_SECONDS):
            self._read()

    def _read(self) -> None:
        """Read on; whatever goes wrong is logged, once, and tried again."""
        try:
            self._served.follow(self._registry)
            self._begin() if self._newest is None else self._go_on(self._newest)
            self._fails = False
        except Exception:
            if not self._fails:
                _log.exception("labels and promotions can't be read")
            self._fails = True

    def _begin(self) -> None:
        newest = self._labels.newest()
        for number, given in self._labels.newest_of_sites(MAX_LABELS):
            self.memory.learn(number, given)
        self._newest = newest

    def _go_on(self, newest: int) -> None:
        for number, given in self._labels.latest(newest):
            self.memory.learn(number, given)
            self._newest = number

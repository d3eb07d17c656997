"""Keeps a worker's memory of labels up to date with the database, which all workers and hosts share."""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import TYPE_CHECKING

from training.database import StoreError
from training.memory import MAX_LABELS, Memory

if TYPE_CHECKING:
    from training.labels import LabelStore

INTERVAL_SECONDS = 0.3
"""A label takes effect everywhere within a second; most of that is left for slow databases."""

_log = logging.getLogger("hamgate.follower")


class Follower:
    """Reads new labels, now and from then on, in a thread of its own."""

    def __init__(self, labels: LabelStore) -> None:
        self.memory = Memory()
        self._labels = labels
        self._stopping = Event()
        self._begin()
        self._thread = Thread(target=self._keep_reading, name="follower", daemon=True)
        self._thread.start()

    def _begin(self) -> None:
        """Start with the newest labels that memory has room for."""
        try:
            self.memory.newest = max(0, self._labels.newest() - MAX_LABELS)
        except StoreError as error:
            _log.error("labels can't be read: %s", error)
        self._read()

    def close(self) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join()

    def _keep_reading(self) -> None:
        while not self._stopping.wait(INTERVAL_SECONDS):
            self._read()

    def _read(self) -> None:
        try:
            for number, given in self._labels.latest(self.memory.newest):
                self.memory.learn(number, given)
        except StoreError as error:
            _log.error("new labels can't be read: %s", error)

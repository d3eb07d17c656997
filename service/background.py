"""Work that goes on beside requests: a thread of its own, from when it is started until it is told to stop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from threading import Event, Thread


class Background(ABC):
    """Who works beside requests."""

    def __init__(self, name: str) -> None:
        """Prepare the thread, which logs know by ``name``."""
        self._stopping = Event()
        self._thread = Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop, once what is under way is done."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    @abstractmethod
    def _work(self) -> None:
        """Work until ``_stopping`` is set; called in the thread."""

"""The courier's process, as the launcher sees it: it runs while any site has callbacks allowed."""

from __future__ import annotations

import logging
import multiprocessing
from threading import Event
from typing import TYPE_CHECKING

from service.background import Background
from training.callbacks import CallbackHosts
from training.database import Database, StoreError

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from service.config import Config

INTERVAL_SECONDS = 1.0
STOP_TIMEOUT_SECONDS = 5.0

_log = logging.getLogger("hamgate.courier")


class CourierProcess(Background):
    """Starts and stops the process."""

    def __init__(self, config: Config) -> None:
        super().__init__("courier")
        self._config = config
        self._database = Database(config.database)
        self._process: BaseProcess | None = None
        self._renewing = Event()

    def start(self) -> None:
        """Begin, unless checks are not kept, so that there is nothing to look at again."""
        if self._config.keep_checks_days:
            super().start()

    def renew(self) -> None:
        """Have another process take over, with what the model file is now."""
        self._renewing.set()

    def close(self) -> None:
        """Stop, and the process."""
        super().close()
        self._stop()
        self._database.close()

    def _work(self) -> None:
        fails = False
        while not self._stopping.wait(INTERVAL_SECONDS):
            try:
                self._look()
                fails = False
            except (StoreError, OSError) as error:
                if not fails:
                    _log.error("can't tell whether sites are to be told of changes: %s", error)
                fails = True

    def _look(self) -> None:
        is_wanted = bool(CallbackHosts(self._database).all())
        if self._renewing.is_set() or not is_wanted:
            self._renewing.clear()
            self._stop()
        if is_wanted and (self._process is None or not self._process.is_alive()):
            self._process = multiprocessing.get_context("spawn").Process(
                target=_carry, args=(self._config,), name="courier", daemon=True
            )
            self._process.start()

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.join(STOP_TIMEOUT_SECONDS)
            self._process.kill()
            self._process.join()
            self._process = None


def _carry(config: Config) -> None:
    from service.courier import carry  # takes long to import, and the launcher can do without

    carry(config)

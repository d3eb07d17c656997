"""What keeps promises about stored comments, beside the workers: addresses hashed, and old labels stripped of them.

Leaves forgetting old checks to the recorders, which write them.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from service.background import Background
from service.secret import open_secret
from training.database import Database

if TYPE_CHECKING:
    from service.config import Config

INTERVAL_SECONDS = 3600.0

_log = logging.getLogger("hamgate.upkeep")


class Upkeep(Background):
    """Goes through what is stored, at the start and then every hour, a few rows at a time."""

    def __init__(self, config: Config) -> None:
        super().__init__("upkeep")
        self._config = config

    def _work(self) -> None:
        pause = 0.0
        while not self._stopping.wait(pause):
            pause = INTERVAL_SECONDS
            try:
                self.run(datetime.now(UTC))
            except Exception:
                _log.exception("what is stored can't be gone through")

    def run(self, now: datetime) -> None:
        """Go through what is stored, once.

        Raises:
            DatabaseUnusableError: the database can't be used.
            WrongSecretError: the database is used with another secret.
        """
        from service.addresses import pseudonyms_with  # takes long to import, and the launcher has not to wait for it
        from training.forgetting import hash_stored, strip_labels

        config = self._config
        with Database(config.database) as database:
            hashed = 0
            if config.hash_addresses:
                pseudonyms = pseudonyms_with(open_secret(database, config.database, config.secret))
                hashed = sum(hash_stored(database, pseudonyms, self._goes_on))
            stripped = strip_labels(database, now - timedelta(days=config.strip_labels_days), self._goes_on)
            if hashed or stripped:
                database.scrub()
                _log.info("%d comments have hashed addresses now, and %d labels none any more", hashed, stripped)

    def _goes_on(self) -> bool:
        return not self._stopping.is_set()

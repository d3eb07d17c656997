"""Tells sites what has changed, where that is still allowed, and notes what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from service.destinations import destination_of
from service.webhook import UntoldError, tell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from service.metrics import Metrics
    from service.sealed_keys import SealedKeys
    from training.callbacks import CallbackHosts
    from training.tellings import Change, Tellings, Turn

MAX_CHANGES = 100
"""Told at a time: WordPress looks each one up. A message is of one site and callback; all are sent at once."""

_log = logging.getLogger("hamgate.delivery")


class Delivery:
    """Sends what is due."""

    def __init__(self, hosts: CallbackHosts, tellings: Tellings, keys: SealedKeys, metrics: Metrics) -> None:
        self._hosts = hosts
        self._tellings = tellings
        self._keys = keys
        self._metrics = metrics

    def deliver(self, turn: Turn) -> None:
        """Make an attempt at everything that is due.

        Raises:
            TurnLostError: that is somebody else's business now; nothing was sent.
        """
        now = turn.now()
        due = self._tellings.due(now, MAX_CHANGES)
        if not due:
            return
        messages: defaultdict[tuple[str, str], list[Change]] = defaultdict(list)
        for change in due:
            messages[change.telling.site, change.telling.callback].append(change)
        self._tellings.note_attempts(turn, due)
        told = asyncio.run(self._send(list(messages.values()), now))
        self._tellings.note_told(turn, told)

    async def _send(self, messages: Sequence[list[Change]], now: datetime) -> list[Change]:
        """Send messages, all at once, and return what was told."""
        was_told = await asyncio.gather(*(self._is_told(message, now) for message in messages))
        return [change for message, told in zip(messages, was_told, strict=True) if told for change in message]

    async def _is_told(self, message: list[Change], now: datetime) -> bool:
        site = message[0].telling.site
        try:
            statuses = await self._told(message, now)
        except UntoldError as error:
            self._metrics.count_callback("failed")
            attempt = max(change.attempts for change in message) + 1
            _log.warning("%s: attempt %d to tell of %d changed verdicts: %s", site, attempt, len(message), error)
            return False
        self._metrics.count_callback("told")
        _log.info("%s: told of %d changed verdicts, %d not found there", site, len(message), statuses["error"])
        return True

    async def _told(self, message: list[Change], now: datetime) -> Counter[str]:
        telling = message[0].telling
        destination = destination_of(telling.callback, self._hosts.of(telling.site))
        if destination is None:
            raise UntoldError("its callback is no longer allowed")
        key = self._keys.of(telling.site)
        if key is None:
            raise UntoldError("its key is not known")
        return await tell(destination, key, message, now)

"""A process beside the workers, which it lets go first: looks again at what sites were told, and tells them of changes.

On every host there is one; whose turn it is they settle in the database.
"""

from __future__ import annotations

import logging
import logging.config
import multiprocessing
import os
import secrets
import signal
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING

from service.addresses import label_store
from service.akismet import spam_decisions
from service.delivery import Delivery
from service.follower import Follower
from service.job_process import NICENESS
from service.judge import Judge
from service.logs import configuration
from service.metrics import Metrics
from service.revision import Revision, Stores
from service.rulebook import Rulebook
from service.sealed_keys import SealedKeys
from service.secret import open_secret
from service.served_model import ServedModel
from training.callbacks import CallbackHosts
from training.database import StoreError
from training.lists import ListStore
from training.registry import Registry
from training.settings import SettingsStore
from training.store import Store
from training.tellings import Tellings, Turn, TurnLostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.config import Config

INTERVAL_SECONDS = 1.0
SHARE_OF_TIME = 0.1
"""Of a core, at most, while there is much to look at."""
MOST_SECONDS_RESTED = 30.0

_log = logging.getLogger("hamgate.courier")


def carry(config: Config) -> None:
    """Do the work, until the launcher ends or says so."""
    stopping = Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the launcher, which then says so
    Thread(target=_stop_with_launcher, args=(stopping,), name="launcher-watch", daemon=True).start()
    logging.config.dictConfig(configuration())
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    with Store(config.database) as store:
        work = Work(config, store, partial(datetime.now, UTC))
        try:
            while not stopping.is_set():
                began = time.monotonic()
                work.do()
                took = time.monotonic() - began
                stopping.wait(max(INTERVAL_SECONDS, min(took / SHARE_OF_TIME - took, MOST_SECONDS_RESTED)))
        finally:
            work.close()


class Work:
    """What the process does, round by round; ``clock`` gives the time in UTC."""

    def __init__(self, config: Config, store: Store, clock: Callable[[], datetime]) -> None:
        metrics = Metrics()
        served = ServedModel(config.model, metrics)
        secret = open_secret(store, config.database, config.secret)
        labels, settings = label_store(store, secret, config.hash_addresses), SettingsStore(store)
        hosts, tellings = CallbackHosts(store), Tellings(store)
        rulebook = Rulebook(settings, ListStore(store))
        self._follower = Follower(labels, Registry(store), served, rulebook, config.share_labels)
        self._turn = Turn(store, secrets.token_hex(16), clock)
        self._delivery = Delivery(hosts, tellings, SealedKeys(store, hosts, secret), metrics)
        self._revision = Revision(
            self._follower,
            Judge(served, self._follower, rulebook),
            Stores(labels, settings, hosts, tellings),
            spam_decisions(config.akismet_blocks_review),
            timedelta(days=config.keep_checks_days),
            config.share_labels,
        )
        self._fails = False

    def do(self) -> None:
        """Look again, and tell, if it is this process's turn; what goes wrong is logged, once, and tried again."""
        try:
            if self._turn.take():
                self._revision.look_if_news(self._turn)
                self._delivery.deliver(self._turn)
            else:
                self._revision.forget_news()
            self._fails = False
        except TurnLostError:
            self._revision.forget_news()
        except Exception:
            if not self._fails:
                _log.exception("sites can't be told of changed verdicts")
            self._fails = True

    def close(self) -> None:
        """Stop, and let another process go on at once."""
        self._follower.close()
        try:
            self._turn.give_back()
        except StoreError as error:
            _log.error("the turn can't be given back, and ends by itself: %s", error)


def _stop_with_launcher(stopping: Event) -> None:
    launcher = multiprocessing.parent_process()
    if launcher is not None:
        launcher.join()
        stopping.set()

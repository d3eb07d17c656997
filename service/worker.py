"""What a worker process runs. The launcher, which runs none of it, need not import what it takes."""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import signal
from threading import Thread
from typing import TYPE_CHECKING

from service.akismet import LABEL_PATHS as AKISMET_LABEL_PATHS
from service.app import create_app
from service.description import PATHS as DESCRIPTION_PATHS
from service.gateway import Gateway
from service.labelling import CHECKS_PATH
from service.labelling import PATH as LABELS_PATH
from service.metrics import PATH as METRICS_PATH
from service.metrics import MetricsWriter
from service.moderation.paths import PAGES

if TYPE_CHECKING:
    from service.config import Config


def gateway_of(config: Config) -> Gateway:
    """Build what answers requests; it ends with the launcher."""
    Thread(target=_stop_with_launcher, name="launcher-watch", daemon=True).start()
    app = create_app(config)
    gc.collect()
    gc.freeze()  # what is there by now stays, so that nobody need look through it again and again
    writer = MetricsWriter(app.extensions["hamgate.metrics"])
    writer.start()
    atexit.register(writer.close)
    for name in ("hamgate.follower", "hamgate.recorder", "hamgate.callbacks"):
        atexit.register(app.extensions[name].close)
    waiting = (LABELS_PATH, CHECKS_PATH, METRICS_PATH, *AKISMET_LABEL_PATHS)
    return Gateway(app, config.max_batch_body_bytes, config.body_timeout_seconds, waiting, (*PAGES, *DESCRIPTION_PATHS))


def _stop_with_launcher() -> None:
    """Wait until the launcher is gone, however it went, and stop this worker, so that the address becomes free."""
    launcher = multiprocessing.parent_process()
    if launcher is not None:
        launcher.join()
        os.kill(os.getpid(), signal.SIGTERM)

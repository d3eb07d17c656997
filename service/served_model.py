"""The model that this process serves, or the reason why it serves none."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from model.artifact import load
from model.comment import Comment, ModelError
from model.compiled import release_compiler
from service.problems import NotReadyError

if TYPE_CHECKING:
    from pathlib import Path

    from model.artifact import Filter
    from service.metrics import Metrics

# The Cyrillic letter makes the look-alikes' table load, and loops compile, now rather than during somebody's check.
PROBE = Comment(text="Thank you, this sоlved it for me. How did you find the cause?", author="Probe")

_log = logging.getLogger("hamgate.model")


def proven(path: Path) -> Filter:
    """Load a model and let it score a known comment."""
    loaded = load(path)
    loaded.check(PROBE)
    return loaded


class ServedModel:
    """A loaded and proven model. Loading never raises: a process without a model stays alive and says why."""

    def __init__(self, path: Path, metrics: Metrics) -> None:
        self._filter: Filter | None = None
        self._reason = "the model is not loaded"
        try:
            loaded = proven(path)
            release_compiler()
        except (ModelError, OSError) as error:
            self._reason = f"the model can't be loaded: {error}"
            _log.error(self._reason)
        except Exception:
            self._reason = "the model can't score a known comment; the log says why"
            _log.exception("the model failed on the probe")
        else:
            self._filter = loaded
            metrics.name_model(loaded.version)

    @property
    def filter(self) -> Filter:
        """The model, which has scored a known comment.

        Raises:
            NotReadyError: there is none; the message says why.
        """
        if self._filter is None:
            raise NotReadyError(self._reason)
        return self._filter

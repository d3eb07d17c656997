"""The model that this process serves, or the reason why it serves none.

Owns which of two that is: the model file, or the version that was promoted last. Leaves asking for news to
``follower``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from model.artifact import load
from model.comment import Comment, ModelError
from model.compiled import release_compiler
from service.problems import NotReadyError
from training.database import StoreError
from training.registry import UnknownVersionError

if TYPE_CHECKING:
    from pathlib import Path

    from model.artifact import Filter
    from service.metrics import Metrics
    from training.registry import Registry

# The Cyrillic letter makes the look-alikes' table load, and loops compile, now rather than during somebody's check.
PROBE = Comment(text="Thank you, this sоlved it for me. How did you find the cause?", author="Probe")

_log = logging.getLogger("hamgate.model")


def proven(path: Path) -> Filter:
    """Load a model and let it score a known comment."""
    loaded = load(path)
    loaded.check(PROBE)
    return loaded


class ServedModel:
    """A loaded and proven model. Loading never raises: a process without a model stays alive and says why.

    A promoted version takes the model's place once it has been loaded, verified and has scored a known comment; where
    that fails, what was served before is served on.
    """

    def __init__(self, path: Path, metrics: Metrics) -> None:
        self._metrics = metrics
        self._filter: Filter | None = None
        self._promotion = 0
        self._trouble: str | None = None
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
            self._serve(loaded)
        self._of_file = self._filter

    @property
    def filter(self) -> Filter:
        """The model, which has scored a known comment.

        Raises:
            NotReadyError: there is none; the message says why.
        """
        if self._filter is None:
            raise NotReadyError(self._reason)
        return self._filter

    @property
    def is_ready(self) -> bool:
        """Whether there is a model."""
        return self._filter is not None

    @property
    def trouble(self) -> str | None:
        """Why the promoted version is not the one that is served, ``None`` where it is."""
        return self._trouble

    def follow(self, registry: Registry) -> None:
        """Serve what was promoted last; called by one thread.

        Raises:
            StoreError: the database can't be asked.
        """
        number, version = registry.newest_promotion()
        if number == self._promotion:
            return
        try:
            wanted = self._of_file if version is None else registry.load(version)
            if wanted is None:
                raise UnknownVersionError(self._reason)
            wanted.check(PROBE)
        except (ModelError, UnknownVersionError) as error:
            self._keep(f"the promoted version can't be loaded: {error}")
        except StoreError:
            raise
        except Exception:
            self._keep(f"the promoted version {version} can't score a known comment; the log says why", log_error=True)
        else:
            self._serve(wanted)
        self._promotion = number

    def _serve(self, wanted: Filter) -> None:
        before, self._filter, self._trouble = self._filter, wanted, None
        self._metrics.name_model(wanted.version, None if before is None else before.version)
        self._metrics.note_model_trouble(False)
        _log.info("serving version %s", wanted.version)

    def _keep(self, trouble: str, log_error: bool = False) -> None:
        self._trouble = trouble
        self._metrics.note_model_trouble(True)
        _log.error(trouble, exc_info=log_error)

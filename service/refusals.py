"""How commands end that can't do what they were asked to: a message on standard error, and an exit status.

2: wrong usage or unreadable input. 3: a gate said no.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from model.comment import ModelError
from service.problems import ServiceError
from training.formats.row import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator

UNUSABLE = 2
REFUSED = 3


class Refusal(click.ClickException):
    """Stops a command with a message and the status for what can't be used."""

    exit_code = UNUSABLE


class GateRefusal(Refusal):
    """Stops a command with a message and the status for a gate's no."""

    exit_code = REFUSED


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the errors that a command's input can cause into a message and an exit status."""
    try:
        yield
    except BrokenPipeError:
        raise  # whoever read our output has had enough; click ends quietly
    except (ModelError, ServiceError, TrainingError, OSError) as error:
        from training.gate import RefusedError  # takes long to import

        raise (GateRefusal if isinstance(error, RefusedError) else Refusal)(str(error)) from error

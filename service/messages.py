"""What commands say on standard error while they work: messages, progress, and lines that hold no comment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from training.formats.row import Rejected

    Item = TypeVar("Item")

WITH_REJECTED_LINES = 1


class Rejections:
    """Names rejected lines on standard error as they come, and remembers that there were some."""

    def __init__(self, seen: Callable[[Rejected], None] = lambda _: None) -> None:
        self._seen = seen
        self._count = 0

    def sift(self, outcomes: Iterable[Item | Rejected]) -> Iterator[Item]:
        """Yield what was not rejected."""
        from training.formats.row import Rejected

        for outcome in outcomes:
            if isinstance(outcome, Rejected):
                self._count += 1
                self._seen(outcome)
                message(str(outcome))
            else:
                yield outcome

    def exit_if_any(self) -> None:
        """End the command with status 1 if there were some."""
        if self._count:
            message(f"{self._count:,} rejected line{'s' if self._count > 1 else ''}")
            click.get_current_context().exit(WITH_REJECTED_LINES)


def with_progress(outcomes: Iterator[Item]) -> Iterator[Item]:
    """Pass items on, with a progress bar where somebody watches."""
    from tqdm import tqdm

    # disable=None shows the bar on a terminal only
    with tqdm(outcomes, unit=" comments", disable=None, file=sys.stderr) as bar:
        yield from bar


def message(text: str) -> None:
    """Write a line to standard error without tearing the progress bar."""
    from tqdm import tqdm

    tqdm.write(text, file=sys.stderr)

"""A deadline for much that is awaited at once, each for the same time.

``asyncio.timeout`` sets a timer of the event loop for each, which takes longer than receiving a short request. Whatever
began first ends first, so one timer serves all.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

Awaited = TypeVar("Awaited")


class Deadline:
    """Gives up what takes too long. Belongs to one event loop."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: dict[asyncio.Task[object], float] = {}
        """When what each task awaits is given up, the earliest first."""
        self._missed: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def keep(self, awaitable: Awaitable[Awaited]) -> Awaited:
        """Await something in a task that awaits nothing else here.

        Raises:
            TimeoutError: it took too long, and was cancelled.
        """
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        self._ends[task] = end = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(end, self._give_up)
        try:
            return await awaitable
        except asyncio.CancelledError:
            if task in self._missed and task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            del self._ends[task]
            self._missed.discard(task)

    def _give_up(self) -> None:
        """Cancel what is late, and come back when the next may be."""
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        for task, end in self._ends.items():
            if end > now:
                self._timer = loop.call_at(end, self._give_up)
                return
            if task not in self._missed:
                self._missed.add(task)
                task.cancel()

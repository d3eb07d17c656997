"""The verdict that a site gets: the model's, unless a person has said something else of that comment or one like it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.artifact import Filter
    from model.comment import Comment
    from model.verdict import Verdict
    from service.served_model import ServedModel
    from training.memory import Memory


class Judge:
    """Asks the served model, and remembers what people said."""

    def __init__(self, served: ServedModel, memory: Memory) -> None:
        self._served = served
        self._memory = memory

    def check(self, site: str, comment: Comment) -> Verdict:
        """Judge one comment of a site.

        Raises:
            NotReadyError: there is no model.
        """
        return self.check_many(site, [comment])[0]

    def check_many(self, site: str, comments: Sequence[Comment]) -> list[Verdict]:
        """Judge comments of a site in order.

        Raises:
            NotReadyError: there is no model.
        """
        served = self._served.filter
        return [self._final(served, site, verdict) for verdict in served.check_many(comments)]

    def _final(self, served: Filter, site: str, verdict: Verdict) -> Verdict:
        recalled = self._memory.recall(site, verdict.sketch)
        return verdict if recalled is None else served.overruled(verdict, recalled.label == "spam", recalled.is_same)

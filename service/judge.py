"""The verdict that a site gets: the model's, with what labels have taught since, and what was sent by many of late.

Unless a person has said something else of that comment or one like it.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from training.campaigns import Campaigns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.artifact import Filter
    from model.comment import Comment
    from model.verdict import Reason, Verdict
    from service.follower import Follower
    from service.served_model import ServedModel
    from training.memory import Memory


class Judge:
    """Asks the served model, and remembers what people said."""

    def __init__(self, served: ServedModel, follower: Follower) -> None:
        self._served = served
        self._follower = follower
        self._campaigns = Campaigns()

    def check(self, site: str, comment: Comment, seen: Reason | None = None, is_new: bool = True) -> Verdict:
        """Judge one comment of a site; ``seen`` is what its form told besides. One that is not new leaves no trace.

        Raises:
            NotReadyError: there is no model.
        """
        return self.check_many(site, [comment], seen, is_new)[0]

    def check_many(
        self, site: str, comments: Sequence[Comment], seen: Reason | None = None, is_new: bool = True
    ) -> list[Verdict]:
        """Judge comments of a site in order; ``seen`` speaks for or against each of them.

        Raises:
            NotReadyError: there is no model.
        """
        served, (memory, online) = self._served.filter, self._follower.knowledge
        learnt = partial(online.log_odds, site) if online is not None and online.knows(site) else None
        verdicts = served.check_many(comments, learnt)
        return [
            self._final(
                served, memory, site, comment, verdict if seen is None else served.with_reason(verdict, seen), is_new
            )
            for comment, verdict in zip(comments, verdicts, strict=True)
        ]

    def _final(
        self, served: Filter, memory: Memory, site: str, comment: Comment, verdict: Verdict, is_new: bool
    ) -> Verdict:
        campaign = self._campaigns.reason(site, comment, verdict.sketch, time.time()) if is_new else None
        recalled = memory.recall(site, verdict.sketch)
        if recalled is not None:
            return served.overruled(verdict, recalled.label == "spam", recalled.is_same)
        return verdict if campaign is None else served.with_reason(verdict, campaign)

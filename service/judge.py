"""The verdict that a site gets: the model's, with what labels have taught since, and what was sent by many of late.

Unless somebody has said something else: first counts what a person said of that very comment, then the site's allow
list, then its deny list, then what a person said of a comment like it.
"""

from __future__ import annotations

import time
from functools import partial, reduce
from typing import TYPE_CHECKING

from training.campaigns import CAMPAIGN, Campaigns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model.artifact import Filter
    from model.comment import Comment
    from model.verdict import Reason, Verdict
    from service.follower import Follower
    from service.rulebook import Rulebook, Rules
    from service.served_model import ServedModel
    from training.memory import Memory

HASTE = "haste"
"""The feature of a reason that a form tells."""
OF_ADDRESS = ("list:email", "list:ip")
"""Those of list lines about addresses, which are hashed where comments are kept, so that no line would find them."""


class Judge:
    """Asks the served model, and remembers what people said."""

    def __init__(self, served: ServedModel, follower: Follower, rulebook: Rulebook) -> None:
        self._served = served
        self._follower = follower
        self._rulebook = rulebook
        self._campaigns = Campaigns()

    def filter_of(self, site: str) -> Filter:
        """Return the served model, with the site's own thresholds.

        Raises:
            NotReadyError: there is none.
        """
        served, rules = self._served.filter, self._rulebook.of(site)
        return served if rules is None else rules.applied_to(served)

    def told(self, site: str, verdict: Verdict) -> Verdict:
        """Return what a site is told: the verdict, or to allow where verdicts are only logged."""
        rules = self._rulebook.of(site)
        return verdict if rules is None else rules.told(verdict)

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

        def campaign_of(number: int, verdict: Verdict) -> Reason | None:
            return self._campaigns.reason(site, comments[number], verdict.sketch, time.time(), is_new)

        return self._judged(site, comments, [() if seen is None else (seen,)] * len(comments), campaign_of, is_new)

    def check_again(self, site: str, comments: Sequence[Comment], reasons: Sequence[Sequence[Reason]]) -> list[Verdict]:
        """Judge comments as they would be now, without a trace; ``reasons`` are what ``not_of_comment`` said of each.

        Raises:
            NotReadyError: there is no model.
        """
        seen = [[reason for reason in known if reason.feature == HASTE] for known in reasons]
        campaigns = [next((reason for reason in known if reason.feature == CAMPAIGN), None) for known in reasons]
        return self._judged(site, comments, seen, lambda number, _: campaigns[number], is_new=False)

    def _judged(
        self,
        site: str,
        comments: Sequence[Comment],
        seen: Sequence[Sequence[Reason]],
        campaign_of: Callable[[int, Verdict], Reason | None],
        is_new: bool,
    ) -> list[Verdict]:
        knowledge, rules, served = self._follower.knowledge, self._rulebook.of(site), self.filter_of(site)
        online = knowledge.online
        learnt = partial(online.log_odds, site) if online is not None and online.knows(site) else None
        final = []
        for number, verdict in enumerate(served.check_many(comments, learnt)):
            whole = reduce(served.with_reason, seen[number], verdict)
            campaign = campaign_of(number, verdict)
            decided = self._decided(served, knowledge.memory, rules, site, comments[number], whole, is_new)
            if decided is None:
                decided = whole if campaign is None else served.with_reason(whole, campaign)
            final.append(decided)
        return final

    def _decided(
        self,
        served: Filter,
        memory: Memory,
        rules: Rules | None,
        site: str,
        comment: Comment,
        verdict: Verdict,
        is_new: bool,
    ) -> Verdict | None:
        """Return the verdict as somebody has decided it, ``None`` where nobody has."""
        recalled = memory.recall(site, verdict.sketch)
        if rules is not None and (recalled is None or not recalled.is_same):
            line = rules.line_for(comment)
            if line is not None:
                if is_new:
                    self._rulebook.note_match(line)
                return served.listed(verdict, line)
        if recalled is None:
            return None
        return served.overruled(verdict, recalled.label == "spam", recalled.is_same, recalled.is_sure)


def not_of_comment(verdict: Verdict) -> tuple[Reason, ...]:
    """Return the reasons that can't be found again by judging the comment once more: how and by whom it was sent."""
    return tuple(reason for reason in verdict.reasons if reason.feature in (CAMPAIGN, HASTE, *OF_ADDRESS))

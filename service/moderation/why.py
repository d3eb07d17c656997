"""Why a comment was decided so: every contribution, the labelled comments most like it, and what would change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flask import Blueprint, abort, render_template

from model.artifact import probability
from model.verdict import Decision
from service.labelling import CHECK_ID
from service.moderation.access import needs, require_site
from service.moderation.shown import MAX_SHOWN_CHARACTERS, marked, shown, words_of
from service.moderation.variants import variants_of
from service.problems import NotReadyError
from training.accounts import Role
from training.labels import digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.verdict import Verdict
    from service.follower import Follower
    from service.judge import Judge
    from service.moderation.pages import Link
    from training.labels import Check, GivenLabel, LabelStore
    from training.queue import Queue

MOST_NEIGHBOURS = 5
MOST_CHANGES = 3


class Neighbour(NamedTuple):
    """A labelled comment, and how much another has in common with it: 0 to 1."""

    given: GivenLabel
    similarity: float


class Change(NamedTuple):
    """What a comment is without something, as was found by judging it."""

    without: str
    verdict: Verdict


class WhyPage:
    """The view and what it works with."""

    links: Sequence[Link] = ()

    def __init__(self, labels: LabelStore, queue: Queue, judge: Judge, follower: Follower) -> None:
        self._labels = labels
        self._queue = queue
        self._judge = judge
        self._follower = follower

    def blueprint(self) -> Blueprint:
        """Say which path leads to the view."""
        views = Blueprint("why", __name__, url_prefix="/moderate/comments")
        views.add_url_rule("/<check_id>", view_func=self.show)
        return views

    @needs(Role.MODERATOR)
    def show(self, check_id: str) -> str:
        """Show the page of one check."""
        check = self._labels.check(check_id) if CHECK_ID.fullmatch(check_id) else None
        if check is None:
            abort(404, "There is no such check, or it is too long ago.")
        require_site(check.site)
        kept = self._queue.reasons(check_id)
        now = self._now(check)
        reasons = kept or (now.reasons if now else ())
        standing = self._labels.standing([(check.site, check.comment)]).get((check.site, digest_of(check.comment)))
        learnt = self._follower.learnt
        is_behind = learnt.withdrawal < self._labels.newest_withdrawal() or (
            standing is not None and learnt.label < standing.number
        )
        tried = self._tried(check, now)
        return render_template(
            "why.html",
            item=shown(check, standing),
            pieces=marked(check.comment.text, words_of(reasons)),
            is_long=len(check.comment.text) > MAX_SHOWN_CHARACTERS,
            reasons=reasons,
            log_odds=sum(reason.weight for reason in reasons),
            score=probability(sum(reason.weight for reason in reasons)),
            are_kept=bool(kept),
            now=now,
            is_behind=is_behind,
            said=self._labels.history(check.site, check.comment),
            neighbours=self._neighbours(check, now),
            tried=len(tried),
            changes=_flips(now, tried)[:MOST_CHANGES],
        )

    def _now(self, check: Check) -> Verdict | None:
        """Judge the comment as it would be judged now; ``None`` where there is no model."""
        try:
            return self._judge.check(check.site, check.comment, is_new=False)
        except NotReadyError:
            return None

    def _tried(self, check: Check, now: Verdict | None) -> list[Change]:
        if now is None:
            return []
        variants = variants_of(check.comment, now.reasons)
        verdicts = self._judge.check_many(check.site, [variant.comment for variant in variants], is_new=False)
        return [Change(variant.without, verdict) for variant, verdict in zip(variants, verdicts, strict=True)]

    def _neighbours(self, check: Check, now: Verdict | None) -> list[Neighbour]:
        if now is None:
            return []
        near = self._follower.knowledge.memory.nearest(check.site, now.sketch, MOST_NEIGHBOURS)
        given = self._labels.numbered([one.number for one in near])
        return [Neighbour(given[one.number], one.similarity) for one in near if one.number in given]


def _flips(now: Verdict | None, tried: Sequence[Change]) -> list[Change]:
    """Return the changes after which the comment would be shown where it is not now, or not shown where it is."""
    if now is None:
        return []
    is_shown = now.decision is Decision.ALLOW
    return [change for change in tried if (change.verdict.decision is Decision.ALLOW) != is_shown]

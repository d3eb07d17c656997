"""What moderators say of comments, one or many at once, and taking it back.

Owns that nobody overwrites what somebody else has said meanwhile: each form says which label it was made with.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, get_args

from flask import Blueprint, Response, abort, flash, redirect, request

from service.bodies import JSON
from service.moderation.access import needs, signed_in
from service.moderation.paths import local
from service.schemas import encoded
from training.accounts import Role
from training.labelled import Label
from training.labels import Answer, GivenLabel
from training.queue import Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.wrappers import Response as AnyResponse

    from service.metrics import Metrics
    from service.moderation.pages import Link
    from training.labels import Answered, Check, LabelStore
    from training.queue import Queue

MAX_AT_ONCE = 500
_CAMPAIGN = re.compile(r"campaign ([0-9a-f]{32})")
_TOKEN = re.compile(r"([0-9a-f]{32})\.([0-9]{1,18})")
_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


class Seen(NamedTuple):
    """A check on a page, and the number of the label that it was shown with, 0 for none."""

    check_id: str
    label: int


class Decisions:
    """The views and what they work with."""

    links: Sequence[Link] = ()

    def __init__(self, labels: LabelStore, queue: Queue, metrics: Metrics) -> None:
        self._labels = labels
        self._queue = queue
        self._metrics = metrics

    def blueprint(self) -> Blueprint:
        """Say which path leads to which view."""
        views = Blueprint("decisions", __name__, url_prefix="/moderate")
        views.add_url_rule("/decide", view_func=self.decide, methods=["POST"])
        views.add_url_rule("/undo", view_func=self.undo, methods=["POST"])
        return views

    @needs(Role.MODERATOR)
    def decide(self) -> AnyResponse:
        """Label the checks that a form has chosen, or all that wait in a campaign."""
        label, seen = self._chosen()
        found = self._labels.checks_of([one.check_id for one in seen])
        checks = [(found[one.check_id], one.label) for one in seen if self._is_visible(found.get(one.check_id))]
        if not checks:
            abort(404, "None of these comments is there any more.")
        now, name = datetime.now(UTC), signed_in().name
        answered = self._labels.answer(
            [Answer(GivenLabel(check.site, check.comment, label, name, now), number) for check, number in checks]
        )
        for (check, _), answer in zip(checks, answered, strict=True):
            if answer.number is not None:
                self._metrics.count_label(check.decision, label)
        return _told(label, [check.id for check, _ in checks], answered)

    @needs(Role.MODERATOR)
    def undo(self) -> AnyResponse:
        """Take back what the account has said itself: exactly those labels."""
        found = _RANGE.fullmatch(request.form.get("labels", ""))
        if not found:
            abort(422, "There is nothing to take back.")
        account = signed_in()
        count = self._labels.undo(int(found[1]), int(found[2]), account.name, account.visible_sites, datetime.now(UTC))
        said = f"Taken back: {_counted(count)}." if count else "That was taken back already."
        return _answer({"said": said, "undone": count}, "")

    def _chosen(self) -> tuple[Label, list[Seen]]:
        """Read what a form says: a button for one check, or for a campaign, or one for all that are ticked."""
        label, _, about = request.form.get("decision", "").partition(" ")
        if label not in get_args(Label):
            abort(422, "Say spam or ham.")
        campaign = _CAMPAIGN.fullmatch(about)
        if campaign:
            wanted = Wanted(sites=signed_in().visible_sites, campaign=campaign[1])
            waiting = self._queue.page(wanted, "newest", "", MAX_AT_ONCE)
            return label, [Seen(queued.check.id, 0) for queued in waiting]  # type: ignore[return-value]  # checked above
        tokens = [about] if about else request.form.getlist("chosen")
        matched = [_TOKEN.fullmatch(token) for token in tokens[:MAX_AT_ONCE]]
        seen = [Seen(found[1], int(found[2])) for found in matched if found]
        if not seen:
            abort(422, "Choose a comment first.")
        return label, seen  # type: ignore[return-value]  # checked above

    def _is_visible(self, check: Check | None) -> bool:
        return check is not None and signed_in().may_see(check.site)


def _told(label: str, ids: Sequence[str], answered: Sequence[Answered]) -> AnyResponse:
    """Say what was done, what can be taken back, and what somebody else has said meanwhile."""
    numbers = [answer.number for answer in answered if answer.number is not None]
    meanwhile = [answer.meanwhile.given for answer in answered if answer.meanwhile is not None]
    # Equal comments have one label together.
    sentences = [f"Called {label}: {_counted(len(answered) - len(meanwhile))}."] if numbers else []
    if not numbers and not meanwhile:
        sentences.append("Somebody has said so already.")
    sentences += [
        f"{given.labelled_by} has called one {given.label} meanwhile; that is left as it is." for given in meanwhile[:3]
    ]
    if len(meanwhile) > 3:
        sentences.append(f"So it is with {len(meanwhile) - 3} more.")
    undo = f"{min(numbers)}-{max(numbers)}" if numbers else ""
    return _answer({"said": " ".join(sentences), "ids": ids, "undo": undo, "refused": len(meanwhile)}, undo)


def _counted(count: int) -> str:
    return "1 comment" if count == 1 else f"{count:,} comments"


def _answer(members: dict[str, object], undo: str) -> AnyResponse:
    """Answer a script with JSON, and a form with the page that it was on."""
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        return Response(encoded(members), content_type=JSON)
    flash(str(members["said"]), f"undo {undo}" if undo else "message")
    return redirect(local(request.form.get("back", "")), 303)

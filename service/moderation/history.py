"""History: what Hamgate has decided of late, and what people have said, and taken back, ever since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, render_template

from service.moderation.access import needs, signed_in
from service.moderation.pages import Link
from service.moderation.queue import AGES, asked, onward, since_wanted, sites_wanted, visible_site_names
from service.moderation.shown import shown
from training.accounts import Role
from training.history import Sought
from training.labels import digest_of

if TYPE_CHECKING:
    from training.history import History
    from training.labels import LabelStore
    from training.store import Store

PAGE_COMMENTS = 25
MAX_NUMBER_DIGITS = 18
DECISIONS = ("allow", "review", "block", "discard")
LABELS = ("spam", "ham")


class HistoryPage:
    """The views and what they work with."""

    links = (Link("History", "pages.history.checks", Role.MODERATOR),)

    def __init__(self, history: History, labels: LabelStore, store: Store) -> None:
        self._history = history
        self._labels = labels
        self._store = store

    def blueprint(self) -> Blueprint:
        """Say which path leads to which view."""
        views = Blueprint("history", __name__, url_prefix="/moderate/history")
        views.add_url_rule("", view_func=self.checks)
        views.add_url_rule("/labels", view_func=self.changes)
        return views

    @needs(Role.MODERATOR)
    def checks(self) -> str:
        """Show what Hamgate decided, and what was said of it since."""
        stretch = self._history.checks(_sought(DECISIONS), asked("before"), PAGE_COMMENTS)
        standing = self._labels.standing([(check.site, check.comment) for check in stretch.found])
        items = [shown(check, standing.get((check.site, digest_of(check.comment)))) for check in stretch.found]
        return self._page("history.html", DECISIONS, stretch.before, items=items)

    @needs(Role.MODERATOR)
    def changes(self) -> str:
        """Show what people said, and what they took back."""
        before = asked("before")
        number = int(before) if before.isdecimal() and len(before) <= MAX_NUMBER_DIGITS else None
        stretch = self._history.changes(_sought(LABELS), number, PAGE_COMMENTS)
        return self._page("labels.html", LABELS, stretch.before, changes=stretch.found, own=signed_in().name)

    def _page(self, template: str, outcomes: tuple[str, ...], before: str, **more: object) -> str:
        older = onward("before", before) if before else ""
        sites = visible_site_names(self._store)
        return render_template(template, outcomes=outcomes, onward=older, sites=sites, ages=AGES, **more)


def _sought(outcomes: tuple[str, ...]) -> Sought:
    outcome = asked("outcome")
    return Sought(
        sites=sites_wanted(),
        outcome=outcome if outcome in outcomes else "",
        by=asked("by"),
        words=asked("words"),
        since=since_wanted(),
    )

"""What operators have set for single sites, at hand for every check: thresholds, lists, and whether verdicts are told.

Leaves asking for news to ``follower``, and keeping all this to ``training.settings`` and ``training.lists``.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.lists import Lists
from model.verdict import Decision

if TYPE_CHECKING:
    from datetime import datetime

    from model.artifact import Filter
    from model.comment import Comment
    from model.lists import Line
    from model.thresholds import Thresholds
    from model.verdict import Verdict
    from training.lists import ListStore
    from training.settings import SettingsStore

MAX_WAITING_MATCHES = 100_000


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for one site."""

    thresholds: Thresholds | None
    lists: Lists
    is_log_only: bool
    keep_checks_days: int | None

    def applied_to(self, model: Filter) -> Filter:
        """Return the model with the site's own thresholds, where it has some."""
        return model if self.thresholds is None else model.deciding_by(self.thresholds)

    def line_for(self, comment: Comment) -> Line | None:
        """Return the line of the site's lists that decides on a comment."""
        return self.lists.match(comment)

    def told(self, verdict: Verdict) -> Verdict:
        """Return what the site is told: the verdict, or to allow where verdicts are only logged."""
        return verdict._replace(decision=Decision.ALLOW) if self.is_log_only else verdict


class Rulebook:
    """The rules of all sites for which something was ever set."""

    def __init__(self, settings: SettingsStore, lists: ListStore) -> None:
        self._settings = settings
        self._lists = lists
        self._newest = 0
        self._rules: dict[str, Rules] = {}
        self._matched: deque[int] = deque(maxlen=MAX_WAITING_MATCHES)

    @property
    def newest(self) -> int:
        """The number of the newest change that is known."""
        return self._newest

    def of(self, site: str) -> Rules | None:
        """Return what holds for a site, ``None`` where nothing was ever set."""
        return self._rules.get(site)

    def follow(self) -> None:
        """Read what has changed; called by one thread.

        Raises:
            StoreError: the database can't be asked.
        """
        newest = self._settings.newest()
        if newest == self._newest:
            return
        for site in self._settings.sites_changed(self._newest):
            settings = self._settings.of(site)
            lists = Lists(self._lists.lines(site))
            self._rules[site] = Rules(settings.thresholds, lists, settings.is_log_only, settings.keep_checks_days)
        self._newest = newest

    def note_match(self, line: Line) -> None:
        """Count a comment that a line has decided on."""
        self._matched.append(line.number)

    def keep_matches(self, now: datetime) -> None:
        """Write down how many comments lines have decided on since this was last called, by one thread.

        Raises:
            StoreError: the database can't be written; the counts are lost.
        """
        counts: Counter[int] = Counter()
        while self._matched:
            counts[self._matched.popleft()] += 1
        if counts:
            self._lists.note_matches(counts, now)

    def kept_days(self) -> dict[str, int]:
        """Return how many days the sites keep checks that have said so."""
        return {site: rules.keep_checks_days for site, rules in self._rules.items() if rules.keep_checks_days}

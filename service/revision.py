"""Looks again at what sites were told of late, once labels, settings or another model may have changed it.

Owns which tellings are looked at, and when. What a person has decided is left alone: the site knows it already.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from service.judge import OF_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from model.comment import Comment
    from model.verdict import Verdict
    from service.follower import Follower
    from service.judge import Judge
    from training.callbacks import CallbackHosts
    from training.labels import LabelStore
    from training.settings import SettingsStore
    from training.tellings import Known, Learnt, Tellings, Turn

MAX_TELLINGS = 5_000
"""Of a site, the newest: two seconds' work."""
SETTLING = timedelta(seconds=2)
"""By then every worker has learnt what was new, and has written down what it told a site before it had."""


class Stores(NamedTuple):
    """What is read and written."""

    labels: LabelStore
    settings: SettingsStore
    hosts: CallbackHosts
    tellings: Tellings


class Revision:
    """Judges again what was told, and keeps what has changed for ``delivery``."""

    def __init__(
        self,
        follower: Follower,
        judge: Judge,
        stores: Stores,
        spam_decisions: Collection[str],
        kept: timedelta,
        share_labels: bool,
    ) -> None:
        """Look at what was told no longer ago than ``kept``; ``spam_decisions`` are those that clients hear as spam."""
        self._follower = follower
        self._judge = judge
        self._stores = stores
        self._spam_decisions = frozenset(spam_decisions)
        self._kept = kept
        self._share_labels = share_labels
        self._news: tuple[Learnt, datetime] | None = None

    def look_if_news(self, turn: Turn) -> None:
        """Look again if something was learnt since anybody last did; called now and then.

        Raises:
            TurnLostError: somebody else does.
        """
        learnt = self._follower.learnt
        if learnt.model is None:
            return
        looked = turn.looked()
        if learnt == looked:
            self._news = None
        elif self._news is None:
            self._news = learnt, turn.now()
        elif turn.now() - self._news[1] >= SETTLING:
            (learnt, _), self._news = self._news, None
            for site in self._concerned(looked, learnt):
                self._look(site, turn)
            turn.note_looked(learnt)

    def forget_news(self) -> None:
        """Let news settle anew: it was somebody else's turn meanwhile."""
        self._news = None

    def _concerned(self, looked: Learnt, learnt: Learnt) -> Iterable[str]:
        """Return the sites on which what was learnt has a say."""
        labels, settings, hosts, _ = self._stores
        allowed = hosts.all()
        if (learnt.model, learnt.withdrawal) != (looked.model, looked.withdrawal):
            return allowed
        if self._share_labels and learnt.label != looked.label:
            return allowed
        return allowed.keys() & {*labels.sites_labelled(looked.label), *settings.sites_changed(looked.setting)}

    def _look(self, site: str, turn: Turn) -> None:
        for page in self._stores.tellings.newest(site, turn.now() - self._kept, MAX_TELLINGS):
            self._stores.tellings.change(turn, self._changed(site, page))

    def _changed(self, site: str, page: Sequence[Known]) -> dict[str, bool | None]:
        """Return what the site is to be told of each check (``None``: nothing) where that is not known already."""
        comments = [known.comment for known in page]
        verdicts = self._judge.check_again(site, comments, [known.telling.reasons for known in page])
        found: dict[str, bool | None] = {}
        for known, verdict in zip(page, verdicts, strict=True):
            is_spam: bool | None = self._judge.told(site, verdict).decision in self._spam_decisions
            is_of_address = any(reason.feature in OF_ADDRESS for reason in known.telling.reasons)
            if is_spam == known.telling.is_spam or is_of_address or self._is_decided(site, known.comment, verdict):
                is_spam = None
            if is_spam != known.would_be_spam:
                found[known.telling.check_id] = is_spam
        return found

    def _is_decided(self, site: str, comment: Comment, verdict: Verdict) -> bool:
        """Whether a person has said what this comment is, or one with the same words."""
        recalled = self._follower.knowledge.memory.recall(site, verdict.sketch)
        return (recalled is not None and recalled.is_same) or bool(self._stores.labels.history(site, comment))

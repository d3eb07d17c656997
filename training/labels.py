"""Checks that were answered, remembered for a while, and what people said of comments, kept for good.

The last label of a comment wins; earlier ones stay as its history. A label that was added is durable: the transaction
is committed, to disk, before the method returns.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from model.verdict import Decision, Verdict
from training.database import insert_rows, take_turns
from training.doubts import Doubtful, doubtful_of, enqueue
from training.tables import NAME_CHARACTERS, decoded, encoded, erasures
from training.tables import checks as _checks
from training.tables import labels as _labels
from training.tables import withdrawals as _withdrawals

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from model.comment import Comment
    from model.verdict import Reason
    from training.database import Database
    from training.labelled import Label
    from training.pseudonyms import Pseudonyms

_stands = _labels.c.withdrawal.is_(None)
_REVIEW = str(Decision.REVIEW)
_ROWS_AT_ONCE = 100
MAX_CHECK_BYTES = 256 * 1024
MAX_CHECKS = 1_000_000
"""Comments come from anyone, so what is remembered of them is bounded, one by one and together."""
LABELS_LOCK = 0x48414D4C
_BYTES_BESIDE = 1_000
"""About what a check takes in memory besides its comment and what is noted of doubt."""


@dataclass(frozen=True, slots=True)
class Check:
    """A comment that was judged: the verdict's id, and what was decided when (UTC).

    Ids begin as ``first_id`` says, so that they ascend with time. Reasons and sketch are kept in the queue, for checks
    that are held for review.
    """

    id: str
    site: str
    checked_at: datetime
    comment: Comment
    score: float
    decision: str
    model: str
    reasons: tuple[Reason, ...] = ()
    sketch: bytes = b""


class WrittenCheck(NamedTuple):
    """A check as it is kept: its row in the order of the columns, and about how many bytes of memory it takes."""

    row: tuple[Any, ...]
    doubtful: Doubtful | None
    size: int


@dataclass(frozen=True, slots=True)
class GivenLabel:
    """What somebody said of a site's comment, and when (UTC)."""

    site: str
    comment: Comment
    label: Label
    labelled_by: str
    labelled_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A label that counts, and its number."""

    number: int
    given: GivenLabel


@dataclass(frozen=True, slots=True)
class Answer:
    """A label, given by somebody who has seen the comment's last label: its number, 0 where there was none."""

    given: GivenLabel
    seen: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The number of the label that was added, or what somebody had said meanwhile; neither where it is not new."""

    number: int | None
    meanwhile: Standing | None


class LabelStore:
    """Checks and labels in a database: with pseudonyms, where there are any, for the addresses in comments.

    Whoever writes to a store needs them, or it keeps addresses as they were sent; readers don't.
    """

    def __init__(self, database: Database, pseudonyms: Pseudonyms | None = None) -> None:
        self._database = database
        self._pseudonyms = pseudonyms

    def remember(self, checks: Sequence[Check]) -> None:
        """Keep checks, so that they can be labelled by their id; those of more than ``MAX_CHECK_BYTES`` are not."""
        written = (
            self.written(check.id, check.site, check.checked_at.timestamp(), check.comment, _verdict_of(check))
            for check in checks
        )
        self.keep([one for one in written if one is not None])

    def written(self, check_id: str, site: str, at: float, comment: Comment, verdict: Verdict) -> WrittenCheck | None:
        """Lay out a check as it is kept, with pseudonyms for addresses; ``None`` if it is too long to be.

        ``at`` is when that was, in seconds since 1970.
        """
        instead = {} if self._pseudonyms is None else self._pseudonyms.instead_of(comment)
        kept = encoded(comment, instead)
        if len(kept) > MAX_CHECK_BYTES:
            return None
        size, doubtful = _BYTES_BESIDE + len(kept), None
        if verdict.decision is Decision.REVIEW:
            digest = sha256(kept).digest()
            doubtful = doubtful_of(check_id, site, comment, digest, verdict.score, verdict.reasons, verdict.sketch)
            size += len(doubtful.words) + len(doubtful.reasons)
        row = check_id, site, at, kept, verdict.score, str(verdict.decision), verdict.model
        return WrittenCheck(row, doubtful, size)

    def keep(self, checks: Sequence[WrittenCheck]) -> None:
        """Keep checks that are written already."""
        if checks:
            with self._database.transaction() as connection:
                insert_rows(connection, _checks, [check.row for check in checks])
                enqueue(connection, [check.doubtful for check in checks if check.doubtful is not None])

    def check(self, check_id: str) -> Check | None:
        """Find a check by its id."""
        with self._database.transaction() as connection:
            row = connection.execute(sa.select(_checks).where(_checks.c.id == check_id)).one_or_none()
        return None if row is None else check_of(row)

    def checks_of(self, check_ids: Collection[str]) -> dict[str, Check]:
        """Find checks by their ids, those that are still remembered."""
        chosen = sa.select(_checks).where(_checks.c.id.in_(check_ids))
        with self._database.transaction() as connection:
            return {row.id: check_of(row) for row in connection.execute(chosen)}

    def checks(self, since: datetime) -> Iterator[Check]:
        """Yield the checks since then that are still remembered, oldest first."""
        after = first_id(since)
        while True:
            chosen = sa.select(_checks).where(_checks.c.id > after).order_by(_checks.c.id).limit(_ROWS_AT_ONCE)
            with self._database.transaction() as connection:
                rows = connection.execute(chosen).all()
            yield from map(check_of, rows)
            if len(rows) < _ROWS_AT_ONCE:
                return
            after = rows[-1].id

    def forget_checks(self, before: datetime, most: int = MAX_CHECKS) -> int:
        """Forget checks older than that, and all but so many of the newest; return how many there were."""
        newest_first = sa.select(_checks.c.id).order_by(_checks.c.id.desc())
        with self._database.transaction() as connection:
            first_kept = connection.execute(newest_first.offset(most - 1).limit(1)).scalar() or ""
            return connection.execute(
                sa.delete(_checks).where(_checks.c.id < max(first_id(before), first_kept))
            ).rowcount

    def forget_checks_of(self, site: str, before: datetime) -> int:
        """Forget a site's checks that are older than that; return how many there were."""
        old = (_checks.c.site == site) & (_checks.c.id < first_id(before))
        with self._database.transaction() as connection:
            return connection.execute(sa.delete(_checks).where(old)).rowcount

    def scores(self, site: str, since: datetime, most: int) -> list[tuple[datetime, float]]:
        """List when (UTC) a site's checks since then were, and their scores: the newest first, and at most so many."""
        chosen = sa.select(_checks.c.checked_at, _checks.c.score).where(
            _checks.c.site == site, _checks.c.id > first_id(since)
        )
        with self._database.transaction() as connection:
            rows = connection.execute(chosen.order_by(_checks.c.id.desc()).limit(most)).all()
        return [(datetime.fromtimestamp(row.checked_at, UTC), row.score) for row in rows]

    def last_checked(self, site: str) -> datetime | None:
        """Return when (UTC) a site had a comment checked last, as far as that is remembered."""
        newest = sa.select(_checks.c.checked_at).where(_checks.c.site == site).order_by(_checks.c.id.desc()).limit(1)
        with self._database.transaction() as connection:
            at = connection.execute(newest).scalar_one_or_none()
        return None if at is None else datetime.fromtimestamp(at, UTC)

    def add(self, labels: Sequence[GivenLabel]) -> int:
        """Add labels, all of them or, where that fails, none; return how many said something new.

        A label that repeats what was last said of a comment is left out, so adding the same labels twice changes
        nothing.
        """
        added = 0
        with self._database.transaction() as connection:
            _lock(connection)
            for label in labels:
                kept = self._kept(label.comment)
                digest = digest_of(kept)
                if label.label != _last_label(connection, label.site, digest):
                    connection.execute(sa.insert(_labels), _label_row(label, kept, digest))
                    added += 1
        return added

    def answer(self, answers: Sequence[Answer]) -> list[Answered]:
        """Add labels, each unless somebody has said something since it was seen; what is added has numbers in a row."""
        with self._database.transaction() as connection:
            _lock(connection)
            return [_answered(connection, answer, self._kept(answer.given.comment)) for answer in answers]

    def standing(self, comments: Collection[tuple[str, Comment]]) -> dict[tuple[str, bytes], Standing]:
        """Find what was last said of comments of sites, by site and digest."""
        wanted = {(site, digest_of(self._kept(comment))) for site, comment in comments}
        chosen = sa.select(_labels).where(_labels.c.comment_digest.in_({digest for _, digest in wanted}), _stands)
        chosen = chosen.where(_labels.c.site.in_({site for site, _ in wanted})).order_by(_labels.c.number)
        with self._database.transaction() as connection:
            rows = connection.execute(chosen).all()
        return {(row.site, row.comment_digest): Standing(row.number, label_of(row)) for row in rows}

    def numbered(self, numbers: Collection[int]) -> dict[int, GivenLabel]:
        """Find labels by their numbers, those that were not taken back."""
        chosen = sa.select(_labels).where(_labels.c.number.in_(numbers), _stands)
        with self._database.transaction() as connection:
            return {row.number: label_of(row) for row in connection.execute(chosen)}

    def newest(self) -> int:
        """Return the number of the label that was added last, 0 where there is none."""
        with self._database.transaction() as connection:
            return connection.execute(sa.select(sa.func.max(_labels.c.number))).scalar() or 0

    def sites_labelled(self, after: int) -> set[str]:
        """Return the sites of the labels that were added after that number."""
        with self._database.transaction() as connection:
            chosen = sa.select(_labels.c.site).where(_labels.c.number > after).distinct()
            return set(connection.execute(chosen).scalars())

    def newest_of_sites(self, most: int) -> Iterator[tuple[int, GivenLabel]]:
        """Yield what ``latest`` does, site by site, of at most so many of each site's labels, the newest."""
        for site, after in self._before_newest(most):
            yield from self.latest(after, site)

    def replay(self, most: int) -> Iterator[tuple[int, GivenLabel]]:
        """Yield what ``every`` does of at most so many of each site's labels, the newest, in order over all sites."""
        return heapq.merge(
            *(self.every(after, site) for site, after in self._before_newest(most)), key=lambda numbered: numbered[0]
        )

    def withdraw(self, labelled_by: str, site: str | None, now: datetime, by: str) -> int:
        """Take back what somebody said, of one site's comments or of all, as if it had never been; return how much.

        Who did so and when is kept, and so are the labels, which no longer count.
        """
        chosen = _stands & (_labels.c.labelled_by == labelled_by)
        if site is not None:
            chosen &= _labels.c.site == site
        row = {"labelled_by": labelled_by, "site": site, "withdrawn_by": labeller(by), "withdrawn_at": now}
        with self._database.transaction() as connection:
            _lock(connection)
            if not connection.execute(sa.select(sa.func.count()).select_from(_labels).where(chosen)).scalar_one():
                return 0
            return _withdraw(connection, chosen, row)

    def undo(self, first: int, last: int, labelled_by: str, sites: Collection[str] | None, now: datetime) -> int:
        """Take back what somebody said themselves, from a number to another, of these sites (``None``: all).

        Those labels are as if they had never been; return how many they are.
        """
        chosen = _stands & _labels.c.number.between(first, last) & (_labels.c.labelled_by == labelled_by)
        if sites is not None:
            chosen &= _labels.c.site.in_(sites)
        row = {"labelled_by": labelled_by, "withdrawn_by": labelled_by, "withdrawn_at": now}
        with self._database.transaction() as connection:
            _lock(connection)
            found = connection.execute(sa.select(_labels.c.site).distinct().where(chosen)).scalars().all()
            return sum(
                _withdraw(connection, chosen & (_labels.c.site == site), {**row, "site": site}) for site in found
            )

    def newest_withdrawal(self) -> int:
        """Return how often labels were withdrawn or erased: the numbers of the last times, together."""
        newest = (sa.select(sa.func.max(table.c.number)).scalar_subquery() for table in (_withdrawals, erasures))
        with self._database.transaction() as connection:
            withdrawal, erasure = connection.execute(sa.select(*newest)).one()
        return (withdrawal or 0) + (erasure or 0)

    def history(self, site: str, comment: Comment) -> list[GivenLabel]:
        """List what was said of a comment, from first to last."""
        return self._history(site, digest_of(self._kept(comment)))

    def contested(self, most: int) -> list[list[GivenLabel]]:
        """List the histories of comments that different people labelled differently, the newest first."""
        chosen = (
            sa.select(_labels.c.site, _labels.c.comment_digest)
            .where(_stands)
            .group_by(_labels.c.site, _labels.c.comment_digest)
            .having(sa.func.count(_labels.c.label.distinct()) > 1, sa.func.count(_labels.c.labelled_by.distinct()) > 1)
            .order_by(sa.func.max(_labels.c.number).desc())
            .limit(most)
        )
        with self._database.transaction() as connection:
            found = connection.execute(chosen).all()
        return [self._history(site, digest) for site, digest in found]

    def latest(self, after: int = 0, site: str | None = None) -> Iterator[tuple[int, GivenLabel]]:
        """Yield the last label of every comment (of one site, or of all) that was labelled after that number.

        With its number, in order.
        """
        newer = sa.alias(_labels)
        is_last = ~sa.exists().where(
            (newer.c.site == _labels.c.site)
            & (newer.c.comment_digest == _labels.c.comment_digest)
            & (newer.c.number > _labels.c.number)
            & newer.c.withdrawal.is_(None)
        )
        return self._page(is_last, after, site)

    def every(self, after: int = 0, site: str | None = None) -> Iterator[tuple[int, GivenLabel]]:
        """Yield all labels (of one site, or of all) after that number, with their numbers, in order."""
        return self._page(sa.true(), after, site)

    def _kept(self, comment: Comment) -> Comment:
        return comment if self._pseudonyms is None else self._pseudonyms.of(comment)

    def _page(self, wanted: sa.ColumnElement[bool], after: int, site: str | None) -> Iterator[tuple[int, GivenLabel]]:
        while True:
            chosen = sa.select(_labels).where(_labels.c.number > after, _stands, wanted)
            if site is not None:
                chosen = chosen.where(_labels.c.site == site)
            with self._database.transaction() as connection:
                rows = connection.execute(chosen.order_by(_labels.c.number).limit(_ROWS_AT_ONCE)).all()
            for row in rows:
                yield row.number, label_of(row)
            if len(rows) < _ROWS_AT_ONCE:
                return
            after = rows[-1].number

    def _before_newest(self, most: int) -> list[tuple[str, int]]:
        """Return each site and the number after which it has at most so many labels."""
        found = []
        with self._database.transaction() as connection:
            sites = connection.execute(sa.select(_labels.c.site).distinct().order_by(_labels.c.site)).scalars().all()
            for site in sites:
                numbers = sa.select(_labels.c.number).where(_labels.c.site == site, _stands)
                beyond = numbers.order_by(_labels.c.number.desc()).offset(most).limit(1)
                found.append((site, connection.execute(beyond).scalar() or 0))
        return found

    def _history(self, site: str, digest: bytes) -> list[GivenLabel]:
        chosen = _stands & (_labels.c.site == site) & (_labels.c.comment_digest == digest)
        with self._database.transaction() as connection:
            return [
                label_of(row) for row in connection.execute(sa.select(_labels).where(chosen).order_by(_labels.c.number))
            ]


def _lock(connection: sa.Connection) -> None:
    """Let nobody else add labels until this transaction ends, so that they become visible in the order of numbers."""
    take_turns(connection, LABELS_LOCK)


def _withdraw(connection: sa.Connection, chosen: sa.ColumnElement[bool], row: dict[str, Any]) -> int:
    """Take labels back in one withdrawal; return how many."""
    (number,) = connection.execute(sa.insert(_withdrawals), row).inserted_primary_key or (None,)
    return connection.execute(sa.update(_labels).where(chosen).values(withdrawal=number)).rowcount


def _answered(connection: sa.Connection, answer: Answer, kept: Comment) -> Answered:
    given, digest = answer.given, digest_of(kept)
    said = _labels.c.site == given.site, _labels.c.comment_digest == digest, _stands
    last = connection.execute(sa.select(_labels).where(*said).order_by(_labels.c.number.desc()).limit(1)).one_or_none()
    if last is not None and last.label == given.label:
        return Answered(None, None)
    if last is not None and last.number != answer.seen:
        return Answered(None, Standing(last.number, label_of(last)))
    (number,) = connection.execute(sa.insert(_labels), _label_row(given, kept, digest)).inserted_primary_key or (None,)
    return Answered(number, None)


def first_id(at: datetime) -> str:
    """Return what the ids of checks from that moment on begin with or are above: its millisecond since 1970, in hex."""
    return first_id_at(at.timestamp())


def first_id_at(seconds: float) -> str:
    """Return the same for a moment in seconds since 1970."""
    return f"{int(seconds * 1_000):012x}"


def labeller(name: str) -> str:
    """Return a labeller's name as every database can keep it: without NUL and lone surrogates, of bounded length."""
    return name.encode("utf-8", "replace").decode().replace("\x00", "")[:NAME_CHARACTERS]


def digest_of(comment: Comment) -> bytes:
    """Name a comment by all that is known of it: 32 bytes."""
    return sha256(encoded(comment)).digest()


def _last_label(connection: sa.Connection, site: str, digest: bytes) -> str | None:
    chosen = sa.select(_labels.c.label).where(_labels.c.site == site, _labels.c.comment_digest == digest, _stands)
    return connection.execute(chosen.order_by(_labels.c.number.desc()).limit(1)).scalar_one_or_none()


def _verdict_of(check: Check) -> Verdict:
    return Verdict(Decision(check.decision), check.score, check.reasons, check.model, check.sketch)


def check_of(row: sa.Row[Any]) -> Check:
    """Read a row of the table of checks."""
    at = datetime.fromtimestamp(row.checked_at, UTC)
    return Check(row.id, row.site, at, decoded(row.comment), row.score, row.decision, row.model)


def _label_row(given: GivenLabel, comment: Comment, digest: bytes) -> dict[str, Any]:
    return {
        "site": given.site,
        "comment_digest": digest,
        "comment": encoded(comment),
        "label": given.label,
        "labelled_by": given.labelled_by,
        "labelled_at": given.labelled_at,
    }


def label_of(row: sa.Row[Any]) -> GivenLabel:
    """Read a row of the table of labels."""
    return GivenLabel(row.site, decoded(row.comment), row.label, row.labelled_by, row.labelled_at)

"""The newspaper's own record of the comments that it was sent: what each said, what Hamgate and people made of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from pathlib import Path

    Sent = dict[str, str]
    Verdict = dict[str, Any]

_schema = sa.MetaData()
_comments = sa.Table(
    "comments",
    _schema,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("token", sa.String, nullable=False, unique=True),
    sa.Column("article", sa.String, nullable=False, index=True),
    sa.Column("submitted_at", sa.Float, nullable=False),
    sa.Column("sent", sa.JSON, nullable=False),
    sa.Column("verdict", sa.JSON, nullable=True),
    sa.Column("milliseconds", sa.Float, nullable=True),
    sa.Column("label", sa.String, nullable=True),
)


class Status(StrEnum):
    """What the newspaper does with a comment."""

    WAITING = "waiting"
    SHOWN = "shown"
    HELD = "held"
    SPAM = "spam"
    DROPPED = "dropped"


STATUS_OF_DECISION = {
    "allow": Status.SHOWN,
    "review": Status.HELD,
    "block": Status.SPAM,
    "discard": Status.DROPPED,
}
STATUS_OF_LABEL = {"ham": Status.SHOWN, "spam": Status.SPAM}
LONG_CHARACTERS = 2_500
LONG_LINES = 40


@dataclass(frozen=True, slots=True)
class Submission:
    """A comment: what was sent to Hamgate, its answer and how long that took, and what a moderator said since.

    Whoever knows the ``token`` may see the comment before others do.
    """

    number: int
    token: str
    article: str
    submitted_at: datetime
    sent: Sent
    verdict: Verdict | None
    milliseconds: float | None
    label: str | None

    @property
    def status(self) -> Status:
        """What the newspaper does with it: what a person said, or else what Hamgate advised."""
        if self.verdict is None:
            return Status.WAITING
        advised = STATUS_OF_DECISION[self.verdict["decision"]]
        if advised is Status.DROPPED or self.label is None:
            return advised
        return STATUS_OF_LABEL[self.label]

    @property
    def is_long(self) -> bool:
        """Whether the text would push all others off the page."""
        text = self.sent.get("text", "")
        return len(text) > LONG_CHARACTERS or text.count("\n") > LONG_LINES


class Comments:
    """All comments, in a SQLite file of the newspaper's own."""

    def __init__(self, file: Path) -> None:
        self._engine = sa.create_engine(f"sqlite:///{file}")
        _schema.create_all(self._engine)

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def add(self, article: str, sent: Sent, submitted_at: datetime) -> str:
        """Keep a comment that waits for a verdict, and return its token."""
        token = secrets.token_urlsafe(12)
        row = {"token": token, "article": article, "sent": sent, "submitted_at": submitted_at.timestamp()}
        with self._engine.begin() as connection:
            connection.execute(sa.insert(_comments).values(row))
        return token

    def decide(self, token: str, verdict: Verdict, milliseconds: float) -> None:
        """Keep Hamgate's answer. Of a comment that is to be dropped, nothing else is left."""
        changed: dict[str, Any] = {"verdict": verdict, "milliseconds": milliseconds}
        if STATUS_OF_DECISION[verdict["decision"]] is Status.DROPPED:
            changed["sent"] = {}
        self._change(token, changed)

    def relabel(self, token: str, label: str | None) -> None:
        """Keep what a moderator says, or no longer says."""
        self._change(token, {"label": label})

    def find(self, token: str) -> Submission | None:
        """Find a comment by its token."""
        found = self._read(sa.select(_comments).where(_comments.c.token == token))
        return found[0] if found else None

    def of_article(self, article: str) -> list[Submission]:
        """List the comments on an article, oldest first."""
        chosen = sa.select(_comments).where(_comments.c.article == article)
        return self._read(chosen.order_by(_comments.c.submitted_at))

    def waiting(self, before: datetime) -> list[Submission]:
        """List comments that were sent before then and have no verdict yet."""
        without = _comments.c.verdict.is_(None) & (_comments.c.submitted_at < before.timestamp())
        return self._read(sa.select(_comments).where(without).order_by(_comments.c.number))

    def newest(self, most: int) -> list[Submission]:
        """List the comments sent last, newest first."""
        return self._read(sa.select(_comments).order_by(_comments.c.submitted_at.desc()).limit(most))

    def _change(self, token: str, changed: dict[str, Any]) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.update(_comments).where(_comments.c.token == token).values(changed))

    def _read(self, chosen: sa.Select[Any]) -> list[Submission]:
        with self._engine.begin() as connection:
            return [_submission(row) for row in connection.execute(chosen)]


def _submission(row: sa.Row[Any]) -> Submission:
    at = datetime.fromtimestamp(row.submitted_at, UTC)
    return Submission(row.number, row.token, row.article, at, row.sent, row.verdict, row.milliseconds, row.label)

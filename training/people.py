"""What is stored of a person, and its removal: checks, labels, and which model versions may have learnt from them.

A person is whoever has an e-mail address, an IP address or a name. Comments are found that give it as their author's,
and those that merely mention an address somewhere, which may be other people's. Memory and online layer follow the
labels, so what is removed here is gone there within a second. Leaves to ``forgetting`` what concerns everybody.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import sqlalchemy as sa

from model.comment import FIELD_NAMES
from model.lists import InvalidLineError, Line, Subject
from model.verdict import Decision
from training.database import StoreError, take_turns
from training.holdout import Labelled, held_out, is_held_out
from training.jobs import Jobs
from training.labels import LABELS_LOCK, label_of, labeller
from training.lists import ListStore
from training.pseudonyms import normal_email, normal_ip
from training.registry import Registry
from training.tables import as_text, checks, decoded, erasures, labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from model.comment import Comment
    from training.database import Database
    from training.pseudonyms import Pseudonyms

ROWS_AT_ONCE = 100
KEYS_AT_ONCE = 500
OWN_FIELDS = frozenset({"author", "author_email", "author_url", "user_ip"})
"""Who is named in one of these is the author; anywhere else, the person is mentioned."""
_MAX_RUN = 200
_RUN = re.compile(r"[A-Za-z0-9@.:+-]+")


_told = sa.Table("tellings", sa.MetaData(), sa.Column("check_id", sa.String(32), primary_key=True))
"""What a site was told of a check goes with it."""


class NobodyError(StoreError):
    """Nothing was said of who is meant."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever has this e-mail address, this IP address or this name: any that is given.

    Raises:
        NobodyError: none is.
    """

    email: str = ""
    ip: str = ""
    author: str = ""

    def __post_init__(self) -> None:
        if not (self.email.strip() or self.ip.strip() or self.author.strip()):
            raise NobodyError("found nobody, expected an e-mail address, an IP address or an author's name")


class Found(NamedTuple):
    """A stored comment of a person, or one that mentions them: the row it is in, and the fields that name them."""

    kind: Literal["check", "label"]
    row: sa.Row[Any]
    comment: Comment
    found_in: tuple[str, ...]

    @property
    def is_own(self) -> bool:
        """Whether the person is given as its author."""
        return not OWN_FIELDS.isdisjoint(self.found_in)

    def as_json(self) -> dict[str, Any]:
        """Return all that is stored with it, as plain JSON values."""
        row = self.row._asdict()
        said = {name: row[name] for name in _TOLD[self.kind]}
        if self.kind == "check":
            said["checked_at"] = _written(datetime.fromtimestamp(row["checked_at"], UTC))
        else:
            said |= {"labelled_at": _written(row["labelled_at"]), "is_withdrawn": row["withdrawal"] is not None}
        comment = {name: value for name in FIELD_NAMES if (value := getattr(self.comment, name))}
        return {"stored": self.kind, **said, "found_in": list(self.found_in), **comment}


_TOLD = {
    "check": ("id", "site", "checked_at", "decision", "score", "model"),
    "label": ("number", "site", "label", "labelled_by", "labelled_at"),
}


@dataclass(frozen=True, slots=True)
class Erased:
    """What was removed, and what was not.

    ``mentions`` counts comments of others that mention the person and were left, ``listed`` lines of lists, which are
    the operator's; ``versions`` how many of the removed labels each model version may have learnt from.
    ``is_scrubbed`` says that no byte is left in the database's files.
    """

    checks: int
    labels: int
    mentions: int
    listed: int
    versions: dict[str, int]
    is_scrubbed: bool

    def lines(self) -> Iterator[str]:
        """Say what was erased, and plainly what was not."""
        yield f"{self.checks:,} checks and {self.labels:,} labels erased"
        if self.mentions:
            yield f"{self.mentions:,} comments of others that mention the person were left"
        if self.listed:
            yield f"{self.listed:,} lines of lists name the person: they are the operator's, and are removed there"
        for version, count in self.versions.items():
            yield (
                f"Version {version} may have learnt from {count:,} of these labels. What it learnt can't be"
                " taken out of it; a retraining makes a version without them: hamgate train --from-store --promote"
            )
        if (self.checks or self.labels) and not self.is_scrubbed:
            yield (
                "The database may hold the bytes for a while in parts that it no longer uses: in PostgreSQL a VACUUM,"
                " in SQLite another erasure, frees them. Backups are yours to see to."
            )


@dataclass(frozen=True, slots=True)
class Erasure:
    """The record of a removal, which says nothing of the person."""

    site: str | None
    checks: int
    labels: int
    erased_by: str
    erased_at: datetime


class People:
    """Finds and removes what a database holds of a person, with the pseudonyms that it is stored under."""

    def __init__(self, database: Database, pseudonyms: Pseudonyms) -> None:
        self._database = database
        self._pseudonyms = pseudonyms

    def find(self, person: Person, site: str | None = None) -> Iterator[Found]:
        """Yield the checks and then the labels, withdrawn ones too, of one site or of all, oldest first."""
        description = _Description(person, self._pseudonyms)
        yield from self._find("check", checks, description, site)
        yield from self._find("label", labels, description, site)

    def listed(self, person: Person, site: str | None = None) -> list[dict[str, Any]]:
        """Return the lines of sites' lists that name the person and nobody else, as plain JSON values."""
        named = []
        for subject, written in (
            (Subject.EMAIL, person.email),
            (Subject.IP, person.ip),
            (Subject.AUTHOR, person.author),
        ):
            with suppress(InvalidLineError):
                named.append(Line.of(subject, written, Decision.ALLOW))
        return [{"stored": "list line", **line} for line in ListStore(self._database).naming(named, site)]

    def erase(self, person: Person, site: str | None, now: datetime, by: str, with_mentions: bool = False) -> Erased:
        """Remove all that ``find`` finds, mentions only if that is wanted, and keep a record that it was done.

        Raises:
            DatabaseUnusableError: nothing was removed.
        """
        doomed: dict[str, list[Any]] = {"check": [], "label": []}
        learnt, mentions = _Learnt(self._database), 0
        for found in self.find(person, site):
            if not (found.is_own or with_mentions):
                mentions += 1
                continue
            doomed[found.kind].append(found.row[0])
            if found.kind == "label":
                learnt.note(Labelled.of(found.row.number, label_of(found.row)))
        self._remove(doomed["check"], doomed["label"], site, now, by)
        Jobs(self._database).forget_outcomes()  # they quote comments
        counts = len(doomed["check"]), len(doomed["label"])
        is_scrubbed = any(counts) and self._database.scrub()
        listed = sum(line["removed_at"] is None for line in self.listed(person, site))
        return Erased(*counts, mentions, listed, dict(learnt.versions), is_scrubbed)

    def erasures(self, most: int) -> list[Erasure]:
        """List the records of removals, the newest first."""
        chosen = sa.select(erasures).order_by(erasures.c.number.desc()).limit(most)
        with self._database.transaction() as connection:
            rows = connection.execute(chosen).all()
        return [Erasure(row.site, row.checks, row.labels, row.erased_by, row.erased_at) for row in rows]

    def _find(
        self, kind: Literal["check", "label"], table: sa.Table, description: _Description, site: str | None
    ) -> Iterator[Found]:
        (key,) = table.primary_key
        chosen = sa.select(table).where(description.may_be_in(as_text(table.c.comment)))
        if site is not None:
            chosen = chosen.where(table.c.site == site)
        page = chosen.order_by(key).limit(ROWS_AT_ONCE)
        while True:
            with self._database.transaction() as connection:
                rows = connection.execute(page).all()
            for row in rows:
                comment = decoded(row.comment)
                fields = description.fields_in(comment)
                if fields:
                    yield Found(kind, row, comment, fields)
            if len(rows) < ROWS_AT_ONCE:
                return
            page = chosen.where(key > rows[-1][0]).order_by(key).limit(ROWS_AT_ONCE)

    def _remove(
        self, check_ids: Sequence[str], label_numbers: Sequence[int], site: str | None, now: datetime, by: str
    ) -> None:
        if not check_ids and not label_numbers:
            return
        counts = {"checks": len(check_ids), "labels": len(label_numbers)}
        record = {"site": site, **counts, "erased_by": labeller(by), "erased_at": now}
        with self._database.transaction() as connection:
            take_turns(connection, LABELS_LOCK)
            for column, keys in (
                (checks.c.id, check_ids),
                (_told.c.check_id, check_ids),
                (labels.c.number, label_numbers),
            ):
                for start in range(0, len(keys), KEYS_AT_ONCE):
                    chosen = column.in_(keys[start : start + KEYS_AT_ONCE])
                    connection.execute(sa.delete(column.table).where(chosen))
            connection.execute(sa.insert(erasures), record)


class _Description:
    """How to tell a person's comments: by SQL roughly, by the comment itself exactly."""

    def __init__(self, person: Person, pseudonyms: Pseudonyms) -> None:
        self._emails = _both(normal_email(person.email), pseudonyms.of_email(person.email.strip()))
        self._ips = _both(normal_ip(person.ip), pseudonyms.of_ip(person.ip.strip()))
        self._author = _normal_name(person.author)
        mentions = [rf"(?<![\w.+-]){re.escape(one)}(?![\w-]|\.\w)" for one in self._emails]
        mentions += [rf"(?<![\w:.]){re.escape(one)}(?![\w:]|\.\d)" for one in self._ips]
        self._mention = re.compile("|".join(mentions), re.IGNORECASE) if mentions else None

    def may_be_in(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
        """Find all comments of the person in SQL, and a few others: the longest plain piece of what is looked for."""
        patterns = [_pattern(one) for one in (*self._emails, *self._ips)]
        if any(":" in one for one in self._ips):  # IPv6 can be written in many ways
            patterns.append('%"user_ip": "%:%')
        if self._author:
            patterns.append(f'%"author": "{_pattern(self._author)}')
        return sa.or_(*(text.ilike(pattern) for pattern in patterns))

    def fields_in(self, comment: Comment) -> tuple[str, ...]:
        """Name the fields of a comment in which the person is named."""
        named = {name for name in FIELD_NAMES if self._mention and self._mention.search(getattr(comment, name))}
        if normal_email(comment.author_email) in self._emails:
            named.add("author_email")
        if normal_ip(comment.user_ip) in self._ips:
            named.add("user_ip")
        if self._author and _normal_name(comment.author) == self._author:
            named.add("author")
        return tuple(name for name in FIELD_NAMES if name in named)


class _Learnt:
    """Counts how many labels each version may have learnt from: at most those, since each site's say is bounded."""

    def __init__(self, database: Database) -> None:
        cards = {version.version: version.card for version in Registry(database).versions()}
        self._cuts = {version: (_newest_label(card), held_out(card)) for version, card in cards.items()}
        self.versions: Counter[str] = Counter()

    def note(self, label: Labelled) -> None:
        for version, (newest, cuts) in self._cuts.items():
            if label.number <= newest and not is_held_out(label, cuts):
                self.versions[version] += 1


def _newest_label(card: dict[str, Any]) -> float:
    """Return the number of the newest label that trained; cards of before say nothing of it."""
    trained_on = card.get("trained_on")
    newest = trained_on.get("newest_label") if isinstance(trained_on, dict) else None
    return newest if isinstance(newest, int) else float("inf")


def _both(*forms: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, forms)))


def _normal_name(author: str) -> str:
    return " ".join(author.split()).lower()


def _pattern(text: str) -> str:
    """Return a LIKE pattern that finds all encoded texts with this in it, for its characters outside ASCII are not."""
    runs: Iterable[str] = _RUN.findall(text)
    return f"%{max(runs, key=len, default='')[:_MAX_RUN]}%"


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"

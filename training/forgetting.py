"""What is stored of people, made less: addresses that were stored as they were sent, and what old labels needn't keep.

Works through the tables in small transactions, lest anybody wait; what is cut off goes on where it was the next time,
since rows that are done are no longer found. Leaves forgetting one person to ``people``.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from training.doubts import queue
from training.labels import digest_of
from training.tables import as_text, checks, decoded, encoded, labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from model.comment import Comment
    from training.database import Database
    from training.pseudonyms import Pseudonyms

UNREAD = ("user_ip", "user_agent", "referrer")
"""Of these the model reads nothing."""
ROWS_AT_ONCE = 200
PAUSE_SECONDS = 0.02
"""Between two transactions, so that others get their turn to write."""


def hash_stored(
    database: Database, pseudonyms: Pseudonyms, goes_on: Callable[[], bool] = lambda: True
) -> tuple[int, int]:
    """Put pseudonyms in the place of addresses that are stored as they were sent; return how many labels and checks.

    For databases of before, and of times when addresses were not hashed.
    """
    found = _rewrite(database, labels, _has_plain_address(labels), pseudonyms.of, goes_on)
    return found, _rewrite(database, checks, _has_plain_address(checks), pseudonyms.of, goes_on)


def strip_labels(database: Database, before: datetime, goes_on: Callable[[], bool] = lambda: True) -> int:
    """Forget what the model does not read of comments last labelled before that; return how many labels there were."""
    later = sa.alias(labels)
    is_of_late = sa.exists().where(
        (later.c.site == labels.c.site)
        & (later.c.comment_digest == labels.c.comment_digest)
        & (later.c.labelled_at >= before)
    )
    text = as_text(labels.c.comment)
    unread = sa.or_(_has_address(text), *(_has(text, name) for name in UNREAD))
    return _rewrite(database, labels, (labels.c.labelled_at < before) & unread & ~is_of_late, stripped, goes_on)


def stripped(comment: Comment) -> Comment:
    """Return a comment without what the model does not read: of the e-mail address its domain is left."""
    domain = "".join(comment.author_email.rpartition("@")[1:]) if "@" in comment.author_email else ""
    return replace(comment, author_email=domain, **dict.fromkeys(UNREAD, ""))


def _has_plain_address(table: sa.Table) -> sa.ColumnElement[bool]:
    text = as_text(table.c.comment)
    is_plain_email = _has_address(text) & ~_has(text, "author_email", "keyed-")
    return is_plain_email | _has(text, "user_ip") & ~_has(text, "user_ip", "keyed-")


def _has_address(text: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Find comments with an e-mail address of which more is left than the domain."""
    return _has(text, "author_email") & ~_has(text, "author_email", "@")


def _has(text: sa.ColumnElement[str], name: str, beginning: str = "") -> sa.ColumnElement[bool]:
    """Find comments with a field that begins so.

    No text looks like a field: each quotation mark in it has a backslash before it.
    """
    return text.like(f'%"{name}": "{beginning}%')


def _rewrite(
    database: Database,
    table: sa.Table,
    wanted: sa.ColumnElement[bool],
    change: Callable[[Comment], Comment],
    goes_on: Callable[[], bool],
) -> int:
    """Change the comments of all rows that are wanted, in order; return how many there were."""
    (key,) = table.primary_key
    chosen = sa.select(key, table.c.comment).where(wanted).order_by(key).limit(ROWS_AT_ONCE)
    count, rows = 0, _read(database, chosen)
    while rows and goes_on():
        changed = [(row[0], change(decoded(row.comment))) for row in rows]
        with database.transaction() as connection:
            for place, comment in changed:
                connection.execute(sa.update(table).where(key == place).values(_columns(table, comment)))
                if table is checks:  # so that the queue still finds its labels
                    named = sa.update(queue).where(queue.c.check_id == place)
                    connection.execute(named.values(comment_digest=digest_of(comment)))
        count += len(rows)
        time.sleep(PAUSE_SECONDS)
        rows = _read(database, chosen.where(key > rows[-1][0]))
    return count


def _read(database: Database, chosen: sa.Select[tuple[object, ...]]) -> list[sa.Row[tuple[object, ...]]]:
    with database.transaction() as connection:
        return list(connection.execute(chosen))


def _columns(table: sa.Table, comment: Comment) -> dict[str, bytes]:
    """Return what a row says of its comment."""
    columns = {"comment": encoded(comment)}
    return columns | {"comment_digest": digest_of(comment)} if "comment_digest" in table.c else columns
